"""YAML texts without their secrets: what is masked, and that nothing else changes by a byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.config.yaml_writer import dump_yaml
from dodo_pyexp.provenance.secrets.yaml_text import mask_yaml, secrets_in


def refers(text: str) -> bool:
    return text.startswith("$")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password: hunter2", "password: '***'"),
        ("password: 'it''s'  # mine\r\nlr: 0.10\r\n", "password: '***'  # mine\r\nlr: 0.10\r\n"),
        ('{"password":"hunter2","lr":1}', '{"password":"***","lr":1}'),
        ("password: two\n  lines\n\n  more\nlr: 1", "password: '***'\nlr: 1"),
        ('"password": "a \\\n  b"\nlr: 1', '"password": "***"\nlr: 1'),
        ("? password\n: hunter2\n", "? password\n: '***'\n"),
        ("db.password: hunter2", "db.password: '***'"),
        ("a:\n- {x: 1, password: hunter2}\n- lr", "a:\n- {x: 1, password: '***'}\n- lr"),
        ("env:\n- name: X_TOKEN  # mine\n  value: a b\n", "env:\n- name: X_TOKEN  # mine\n  value: '***'\n"),
        ("env: [{value: 1, name: DB_PASSWORD}]", "env: [{value: '***', name: DB_PASSWORD}]"),
        ("auths: {host: {auth: YW5uOmh1bnRlcjI=}}", "auths: {host: {auth: '***'}}"),
        ("password: 1234", "password: '***'"),
        ("password: !!int 1234", "password: !!str '***'"),
        ("password: !!binary aGVsbG8=", "password: !!str '***'"),
        ("password: &p !!str hunter2\nagain: *p", "password: &p !!str '***'\nagain: *p"),
        ("shared: &s hunter2\npassword: *s", "shared: &s '***'\npassword: *s"),
        ("a: &a {password: hunter2}\nb: {<<: *a, lr: 1}", "a: &a {password: '***'}\nb: {<<: *a, lr: 1}"),
        ("api_keys: [one, two]", "api_keys: ['***', '***']"),
        (
            "credentials:\n  # of ann\n  user: ann  # she\n  port: 5\n  on: true\n  none:\n",
            "credentials:\n  # of ann\n  user: '***'  # she\n  port: '***'\n  on: true\n  none:\n",
        ),
        ("secret: |-  # head\n    one\n\n    two\n\n# after\nlr: 1", "secret: |-  # head\n    ***\n\n# after\nlr: 1"),
        ("secret: >2+\n    one\n  two\n\nlr: 1", "secret: >2+\n    ***\n\nlr: 1"),
        ("\ufeffpassword: hunter2", "\ufeffpassword: '***'"),
        ("passwörter: 1\npassword: hunter2 # ä", "passwörter: 1\npassword: '***' # ä"),
        ("url: https://ann:pw@host/x?token=abc#f", "url: https://***@host/x?token=***#f"),
        ("key: ghp_0123456789abcdefghij0123456789", 'key: "***"'),
        ("a: 'x ghp_0123456789abcdefghij0123456789'", "a: 'x ***'"),
        ('a: "ghp_0123456789\\x61bcdefghij0123456789"', 'a: "***"'),
        ("a: [ghp_0123456789abcdefghij0123456789, b]", 'a: ["***", b]'),
        ("ghp_0123456789abcdefghij0123456789: ann", '"***": ann'),
        (
            "pem: |\n  -----BEGIN PRIVATE KEY-----\n  MIIE\n  -----END PRIVATE KEY-----\nlr: 1",
            "pem: |\n  ***\nlr: 1",
        ),
        ("password: hunter2\nnote: Bearer hunter2, ann", "password: '***'\nnote: Bearer ***, ann"),
        ("password: hunter2  # not hunter1, hunter2", "password: '***'  # not hunter1, ***"),
        ("# db: {password: hunter2}\nlr: 1", "# db: {password: ***}\nlr: 1"),
        ("lr: 1 # https://ann:pw@host", "lr: 1 # https://***@host"),
    ],
)  # fmt: skip
def test_what_is_secret_is_masked_in_its_place(text: str, masked: str) -> None:
    assert mask_yaml(text) == masked
    assert mask_yaml(masked) == masked
    parse_yaml(masked.removeprefix("\ufeff"), "masked")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but this\n",
        "lr:   0.1\t# tab\r\n\n\n...\n",
        "eos_token: </s>\nmax_tokens: 5\nrandom_key: 7\npassword:\nsecret: ''\ntoken: true\n",
        "password: $PASSWORD\napi_token: $A  # and $B\n",
        "a: |\n  # no comment: password\n  text\n",
        "the: token of the tokenizer # token: see there, password: ...\n",
    ],
)
def test_without_secrets_a_text_stays_as_it_is(text: str) -> None:
    assert mask_yaml(text, keep=refers) == text


def test_secrets_that_are_known_are_masked_wherever_they_stand() -> None:
    text = "a: x-known-1\nb: 'y known-1'\n# known-1\nc: >\n  z known-1 z\n"
    assert mask_yaml(text, ["known-1"]) == "a: x-***\nb: 'y ***'\n# ***\nc: >\n  z *** z\n"


def test_what_is_no_yaml_is_masked_line_by_line() -> None:
    assert mask_yaml("a: [\npassword: hunter2\nknown-1", ["known-1"]) == "a: [\npassword: ***\n***"


def test_ordinary_words_are_not_looked_for_elsewhere() -> None:
    text = "user: postgres\npassword: postgres\n"
    assert mask_yaml(text) == "user: postgres\npassword: '***'\n"
    assert secrets_in(text) == []
    assert secrets_in("password: hunter2") == ["hunter2"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lr", "x_token", "a b", "é"]), inner),
    max_leaves=10,
)


def masked_tree(value: Any, password: bool = False, token: bool = False) -> Any:
    """What is to be read of a masked text: a password may be anything, a token is text."""
    if isinstance(value, dict):
        return {
            name: masked_tree(
                item, password or name == "password", token or (name == "x_token" and isinstance(item, str | list))
            )
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [masked_tree(item, password, token) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return "***" if password or (token and isinstance(value, str)) else value


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["password", "lr", "x_token"]), VALUES))
def test_whatever_a_text_holds_it_reads_as_before_but_for_the_secrets(tree: dict[str, Any]) -> None:
    text = dump_yaml(tree) + "\n"
    read = parse_yaml(mask_yaml(text), "masked").tree or {}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return "***" if isinstance(value, str) and "***" in value else value

    assert plain(read) == plain(masked_tree(tree))

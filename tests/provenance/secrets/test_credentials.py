"""Credentials in texts, command lines and settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.secret_keys import MASKED
from dodo_pyexp.provenance.secrets.argv import mask_arguments
from dodo_pyexp.provenance.secrets.credentials import environment_secrets, mask, mask_text, parts
from dodo_pyexp.provenance.secrets.masking import Masker
from dodo_pyexp.provenance.secrets.secret_files import secret_content
from dodo_pyexp.provenance.secrets.yaml_text import mask_yaml


def test_a_secret_of_the_environment_is_known_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "planted-9")
    monkeypatch.setenv("OTHER_TOKEN", "postgres")  # an ordinary word
    monkeypatch.setenv("GOOGLE_CREDENTIALS", "/home/ann/key.json")  # where it is kept
    monkeypatch.setenv("SECRETS_DIR", "data-secrets")
    words = ["postgres", "/home/ann/key.json", "data-secrets"]
    assert mask_arguments(["--header=Bearer planted-9", *words]) == ["--header=Bearer ***", *words]


def test_the_longest_secret_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "planted-9")
    monkeypatch.setenv("MY_PASSWORD", "planted-9-and-more")
    found = [text for text in environment_secrets() if text.startswith("planted")]
    assert found == ["planted-9-and-more", "planted-9"]


def test_logins_and_tokens_of_addresses_are_known_apart_from_them() -> None:
    assert parts("see https://ann:pw@host/x?a=1&token=abc and ssh://git@host") == ["pw", "abc"]


def test_mask_goes_to_any_depth_and_keeps_the_rest() -> None:
    config: dict[Any, Any] = {
        "lr": 0.1,
        "tokens": 5,
        "nested": {"api_key": "k1", "list": [{"password": "k2"}, "https://ann:k3@example.org/x"]},
        "credentials": {"user": "ann", "pass": "k4"},
        "note": "use ghp_0123456789abcdefghij0123456789",
        3: ("a", "hf_0123456789abcdefghij"),
    }
    copy = json.dumps(config)
    masked = mask(config)
    assert json.dumps(config) == copy
    assert masked == {
        "lr": 0.1,
        "tokens": 5,
        "nested": {"api_key": MASKED, "list": [{"password": MASKED}, "https://***@example.org/x"]},
        "credentials": MASKED,
        "note": "use ***",
        3: ["a", MASKED],
    }


@pytest.mark.parametrize(("section", "secret"), [("api", True), ("wandb", True), ("my_openai", True), ("model", False)])
def test_a_bare_key_is_masked_everywhere_as_its_section_says(section: str, secret: bool) -> None:
    masked = {section: {"key": MASKED if secret else "abc"}}
    assert mask({section: {"key": "abc"}}) == masked
    assert Masker().config(Config({"a": {section: {"key": "abc"}}})) == {"a": masked}
    assert (
        mask_yaml(f"{section}: {{key: abc}}")
        == f"{section}: {{key: {chr(39) + MASKED + chr(39) if secret else 'abc'}}}"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_masking_twice_is_masking_once(config: dict[str, Any]) -> None:
    assert mask(mask(config)) == mask(config)
    assert mask(config).keys() == config.keys()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("git+https://ann:tok@github.com/x.git", "git+https://***@github.com/x.git"),
        ("https://tok@github.com/x.git", "https://***@github.com/x.git"),
        ("ssh://git@github.com/x.git", "ssh://git@github.com/x.git"),
        ("ssh://git:pw@github.com/x.git", "ssh://***@github.com/x.git"),
        ("postgresql://ann:p%40ss@db:5432/x", "postgresql://***@db:5432/x"),
        (
            "https://example.org/a?lr=1&access_token=abc&x=2",
            "https://example.org/a?lr=1&access_token=***&x=2",
        ),
        ("https://example.org/a?sig=abc", "https://example.org/a?sig=***"),
        ("https://example.org/@ann", "https://example.org/@ann"),
        ("lr=0.1", "lr=0.1"),
        ("host=db password=hunter2 user=ann", "host=db password=*** user=ann"),
        ("Endpoint=x;AccountKey=abcdefghijk0123456789==;y", "Endpoint=x;AccountKey=***;y"),
        ('no login: {"password": "hunter"}', 'no login: {"password": "***"}'),
        ("password: required, token: str, key=$KEY", "password: required, token: str, key=$KEY"),
        ("Authorization: Bearer abc-123.def", "Authorization: Bearer ***"),
        ("Bearer of good news", "Bearer of good news"),
        ("run --password=hunter2 --lr=1", "run --password=*** --lr=1"),
        ("https://hooks.slack.com/services/T0/B0/abcdefgh", "https://hooks.slack.com/services/***"),
        ("https://discord.com/api/webhooks/1234/abcdefgh-i", "https://discord.com/api/webhooks/***"),
        ("Authorization: Basic YW5uOmh1bnRlcjI=", "Authorization: Basic ***"),
        ("Basic training in Basic2Advanced", "Basic training in Basic2Advanced"),
        ("Server=x;Uid=sa;Pwd=hunter2;y", "Server=x;Uid=sa;Pwd=***;y"),
        ("Server=x;Uid=sa;Pwd=two words 1;y", "Server=x;Uid=sa;Pwd=***;y"),
        ("password = 'correct horse battery staple'", "password = '***'"),
        ('password="""first\nsecond 2"""; x', 'password="""***"""; x'),
        ("password=f'{user}-hunter2', b", "password=f'***', b"),
        ("password = b'hunter2'", "password = b'***'"),
        ('password = rb"hun(ter)2"', 'password = rb"***"'),
        ("db['password'] = 'hunter\\'2'", "db['password'] = '***'"),
        ('help("password", "Please enter your password")', 'help("password", "Please enter your password")'),
        ("password='Your password is wrong'", "password='Your password is wrong'"),
        ("pwd=/home/ann/data", "pwd=/home/ann/data"),
    ],
)
def test_credentials_in_a_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        (["--token=abc", "x"], ["--token=***", "x"]),
        (["--api-key", "abc", "x"], ["--api-key", "***", "x"]),
        (["--key", "abc"], ["--key", "***"]),
        (["wandb.api_key=abc"], ["wandb.api_key=***"]),
        (["--set", "db.password=1234"], ["--set", "db.password=***"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["--max-tokens", "12", "token.py"], ["--max-tokens", "12", "token.py"]),
        (["--url", "https://ann:pw@example.org"], ["--url", "https://***@example.org"]),
        (["--password"], ["--password"]),
        (["--env", "HF_TOKEN", "abc", "--env", "HOME", "/x"], ["--env", "HF_TOKEN", "***", "--env", "HOME", "/x"]),
        (["-cpassword=abc", "--conf=db.password=abc"], ["-cpassword=***", "--conf=db.password=***"]),
        (["--set", "db={password: abc, port: 1}"], ["--set", "db={password: '***', port: 1}"]),
        (["--db", '{"password":"abc"}', "--api_keys.0", "abc"], ["--db", '{"password":"***"}', "--api_keys.0", "***"]),
        (["--url=https://ann:p@ss@host/x?token=abc"], ["--url=https://***@host/x?token=***"]),
        (["password: hunter2", "{broken: ["], ["password: ***", "{broken: ["]),
    ],
)
def test_secrets_of_a_command_line(arguments: list[str], masked: list[str]) -> None:
    assert mask_arguments(arguments) == masked


LONG = 20_000
WORDS = "https://ann:pw@host Bearer Basic PRIVATE KEY eyJ sk- curl wandb -- config env auth login( get( default"


HARD = [
    "a", "a:", "a://", "://", "a://a", "@", "://a@", "a.b-", "?a=", "&a=", "?a", "eyJaaaaaaaaaa-",
    "eyJaaaaaaaaaa.", "eyJ", "-----BEGIN ", "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----END PRIVATE KEY",
    "PRIVATE KEY ", "Bearer ", "Bearer a", "Basic ", "Basic a", "Basic YTpi", "password", "password=", "password:",
    "password='", 'password="""', "password=f'{", "key", "x_key=", "pwd=a ", "Pwd=;", "token = ", "sk-",
    "sk-proj-", "xoxb-", "/api/webhooks/1", "hooks.slack.com/services/", " ", "\n", "{password: a", "export ",
    "- ", '"', "'", "\\", "***", "curl ", "curl -u", "curl -u a", "docker login ", "docker login -p", "mysql -p", "7z ",
    "http ", "echo ", "echo a|", "wandb login ", "--a", "--password ", "machine a.b ", "machine a.b login c ",
    "get(\"key\",",     "\"--a\",", "auth=(", "auth=(\"a\",", "login(", "git config a ",
    "%env A ", "auth: YTpi", "Authorization: Token ",
    "a:5432:", "IDENTIFIED BY '", "SG.a", "dapi", "1:AA", "LS0tLS1CRUdJTi",
]  # fmt: skip


@pytest.mark.timeout(60)  # linear takes a second or two for all of them; quadratic took minutes
def test_masking_takes_a_time_that_grows_with_the_text_and_no_faster() -> None:
    """Each family of texts is tried beside a login and behind it, so that every pattern is."""
    for family in HARD:
        text = f"{WORDS} {(family * LONG)[:LONG]} password=1"
        mask_text(text)
        secret_content(text.encode(), "a.yml")
        parts(text)

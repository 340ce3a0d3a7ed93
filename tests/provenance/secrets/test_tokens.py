"""Tokens that are known by their form."""

from __future__ import annotations

import base64

import pytest

from dodo_pyexp.provenance.secrets.credentials import mask_text
from dodo_pyexp.provenance.secrets.tokens import mask_tokens, token_in


def test_the_whole_of_a_private_key_is_masked() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert mask_text(f"a {key} b {key}") == "a *** b ***"
    assert mask_text("a -----BEGIN PRIVATE KEY-----\nMIIE") == "a ***"


def text_of(*pieces: str) -> str:
    """Put a token together: in one piece it would be taken for a real one."""
    return "".join(pieces)


PRIVATE, PUBLIC = (
    base64.b64encode(f"-----BEGIN {what}-----\n{'planted' * 20}\n".encode()).decode()
    for what in ("RSA PRIVATE KEY", "CERTIFICATE")
)


@pytest.mark.parametrize(
    ("token", "what"),
    [
        (text_of("gh", "p_", "a1" * 18), "a GitHub token"),
        (text_of("gsk", "_", "a1" * 26), "an API key"),
        (text_of("dckr", "_pat_", "a1" * 13), "a Docker token"),
        (text_of("SG", ".", "a1" * 11, ".", "b2" * 21), "a SendGrid key"),
        (text_of("GOC", "SPX-", "a1" * 14), "a Google client secret"),
        (text_of("da", "pi", "a1" * 16), "a Databricks token"),
        (text_of("dop", "_v1_", "a1" * 32), "a DigitalOcean token"),
        (text_of("hv", "s.", "a1" * 13), "a Vault token"),
        (text_of("glsa", "_", "a1" * 16, "_", "0a1b2c3d"), "a Grafana token"),
        (text_of("1234567890", ":AA", "a1" * 16, "b"), "a Telegram token"),
        (text_of("lsv2", "_pt_", "a1" * 16, "_", "0a1b2c3d4e"), "an API key"),
        (PRIVATE, "a private key"),
    ],
)
def test_a_token_is_known_wherever_it_stands(token: str, what: str) -> None:
    text = f"use {token}, please"
    assert mask_tokens(text) == "use ***, please"
    assert token_in(b"\0" + text.encode()) == what
    assert mask_tokens(mask_tokens(text)) == mask_tokens(text)


@pytest.mark.parametrize(
    "text",
    [
        PUBLIC, "skip-connection-of-the-model", "task-0123456789abcdef0123", "shf_0123456789abcdefghij", "dapifoo",
        "SG.md", "Basic training", "sk-learn", "12:AAA", "LS0tLS1CRUdJTi", "do_v1_model", "hf_transfer", "npm_config",
        "", "Bearer of good news",
    ],
)  # fmt: skip
def test_what_only_begins_like_a_token_is_none(text: str) -> None:
    assert mask_tokens(text) == text
    assert token_in(text.encode()) is None

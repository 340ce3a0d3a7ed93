"""Tokens: secrets that are known by their form alone, wherever they stand.

Each pattern takes a time that grows with the text and no faster: what it may look at from one place on is bounded, or
ends before the next place from which it would look.
"""

from __future__ import annotations

import base64
import re

from ..config.secret_keys import MASKED

# A marker is found much faster than a pattern: a pattern is only tried on a text that holds its marker.
_TOKENS: tuple[tuple[str, str, str], ...] = (
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?s:.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----|\Z))",
        "a private key",
    ),
    ("AKIA", r"\bAKIA[0-9A-Z]{16}\b", "an AWS key"),
    ("ASIA", r"\bASIA[0-9A-Z]{16}\b", "an AWS key"),
    ("ghp_", r"\bghp_[A-Za-z0-9]{20,}", "a GitHub token"),
    ("gho_", r"\bgho_[A-Za-z0-9]{20,}", "a GitHub token"),
    ("ghu_", r"\bghu_[A-Za-z0-9]{20,}", "a GitHub token"),
    ("ghs_", r"\bghs_[A-Za-z0-9]{20,}", "a GitHub token"),
    ("ghr_", r"\bghr_[A-Za-z0-9]{20,}", "a GitHub token"),
    ("github_pat_", r"\bgithub_pat_\w{20,}", "a GitHub token"),
    ("glpat-", r"\bglpat-[\w-]{20,}", "a GitLab token"),
    ("xox", r"\bxox[abeoprs]-[\w-]{10,}", "a Slack token"),
    ("sk-", r"\bsk-(?:(?:proj|ant|svcacct|admin|or)-[\w-]{16,}|[A-Za-z0-9]{20,})", "an API key"),
    ("_live_", r"\b[rs]k_live_[A-Za-z0-9]{16,}", "an API key"),
    ("hf_", r"\bhf_[A-Za-z0-9]{20,}", "a Hugging Face token"),
    ("AIza", r"\bAIza[\w-]{35}", "a Google API key"),
    ("npm_", r"\bnpm_[A-Za-z0-9]{36}", "an npm token"),
    ("pypi-AgE", r"\bpypi-AgE[\w-]{40,}", "a PyPI token"),
    ("eyJ", r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}", "a signed web token"),
    ("Bearer ", r"(?<=\bBearer )(?=[\w.~+/-]*\d)[\w.~+/-]{8,}=*", "a bearer token"),
    ("Basic ", r"(?<=\bBasic )[A-Za-z0-9+/]{8,2000}={0,2}(?![\w+/=])", "a login"),
    ("hooks.slack.com", r"(?<=hooks\.slack\.com/services/)[\w/-]{8,}", "the address of a Slack hook"),
    ("/api/webhooks/", r"(?<=/api/webhooks/)\d+/[\w-]{8,}", "the address of a Discord hook"),
)
_ANY = re.compile("|".join(re.escape(marker) for marker, _, _ in _TOKENS))
_ANY_BYTES = re.compile(_ANY.pattern.encode())


def mask_tokens(text: str) -> str:
    """Mask the tokens in a text.

    Examples
    --------
    >>> mask_tokens("Authorization: Bearer abc-123.def")
    'Authorization: Bearer ***'
    """
    if _ANY.search(text) is None:
        return text
    for marker, pattern, _ in _TOKENS:
        if marker in text:
            text = re.sub(pattern, lambda found, marker=marker: MASKED if _is_one(found[0], marker) else found[0], text)  # type: ignore[misc]  # the default is no argument of the caller's
    return text


def token_in(content: bytes) -> str | None:
    """Say what token there is in some bytes; None if there is none."""
    if _ANY_BYTES.search(content) is None:
        return None
    for marker, pattern, what in _TOKENS:
        if marker.encode() in content:
            for found in re.finditer(pattern.encode(), content):
                if _is_one(found[0].decode("ascii", "replace"), marker):
                    return what
    return None


def _is_one(text: str, marker: str) -> bool:
    """Tell whether what looks like a login is one: a name and a password."""
    if marker != "Basic ":
        return True
    try:
        return b":" in base64.b64decode(text, validate=True)
    except ValueError:
        return False

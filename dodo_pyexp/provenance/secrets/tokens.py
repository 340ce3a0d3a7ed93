"""Tokens: secrets that are known by their form alone, wherever they stand.

Each pattern takes a time that grows with the text and no faster: what it may look at from one place on is bounded, or
ends before the next place from which it would look.
"""

from __future__ import annotations

import base64
import re

from ...config.secret_keys import MASKED

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
    ("glrt-", r"\bglrt-[\w-]{20,}", "a GitLab token"),
    ("gldt-", r"\bgldt-[\w-]{20,}", "a GitLab token"),
    ("dckr_", r"\bdckr_(?:pat|oat)_[\w-]{20,}", "a Docker token"),
    ("LS0tLS1CRUdJTi", r"\bLS0tLS1CRUdJTi[A-Za-z0-9+/]{60,20000}={0,2}", "a private key"),
    ("AGE-SECRET-KEY-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}", "a private key"),
    ("gsk_", r"\bgsk_[A-Za-z0-9]{40,}", "an API key"),
    ("r8_", r"\br8_[A-Za-z0-9]{37,}", "an API key"),
    ("xai-", r"\bxai-[A-Za-z0-9]{60,}", "an API key"),
    ("pplx-", r"\bpplx-[A-Za-z0-9]{40,}", "an API key"),
    ("nvapi-", r"\bnvapi-[\w-]{40,}", "an API key"),
    ("lsv2_", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}", "an API key"),
    ("wandb_v1_", r"\bwandb_v1_\w{40,}", "a Weights & Biases key"),
    ("SG.", r"\bSG\.[\w-]{16,32}\.[\w-]{32,64}", "a SendGrid key"),
    ("GOCSPX-", r"\bGOCSPX-[\w-]{28}", "a Google client secret"),
    ("ya29.", r"\bya29\.[\w-]{20,}", "a Google token"),
    ("dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b", "a Databricks token"),
    ("_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}\b", "a DigitalOcean token"),
    ("hvs.", r"\bhvs\.[\w-]{24,}", "a Vault token"),
    ("glsa_", r"\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b", "a Grafana token"),
    ("tskey-", r"\btskey-[a-z]{2,10}-[\w-]{16,}", "a Tailscale key"),
    (":AA", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])", "a Telegram token"),
    ("xapp-", r"\bxapp-\d-[A-Z0-9]{8,}-\d{8,}-[0-9a-f]{32,}", "a Slack token"),
    ("ntn_", r"\bntn_[A-Za-z0-9]{40,}", "a Notion token"),
    ("figd_", r"\bfigd_[\w-]{36,}", "a Figma token"),
    ("shpat_", r"\bshpat_[0-9a-f]{32}\b", "a Shopify token"),
    ("PMAK-", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b", "a Postman key"),
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
# What there is in that which these stand before, when it is decoded.
_ENCODED = {"Basic ": b":", "LS0tLS1CRUdJTi": b"PRIVATE KEY"}


def mask_tokens(text: str) -> str:
    """Mask the tokens in a text.

    Examples
    --------
    >>> mask_tokens("Authorization: Bearer abc-123.def")
    'Authorization: Bearer ***'
    """
    for marker, pattern, _ in _TOKENS:
        if marker in text:
            text = re.sub(pattern, lambda found, marker=marker: MASKED if _is_one(found[0], marker) else found[0], text)  # type: ignore[misc]  # the default is no argument of the caller's
    return text


def token_in(content: bytes) -> str | None:
    """Say what token there is in some bytes; None if there is none."""
    for marker, pattern, what in _TOKENS:
        if marker.encode() in content:
            for found in re.finditer(pattern.encode(), content):
                if _is_one(found[0].decode("ascii", "replace"), marker):
                    return what
    return None


def _is_one(text: str, marker: str) -> bool:
    """Tell whether what looks like a login, or a private key in base64, is one."""
    if marker not in _ENCODED:
        return True
    try:
        return _ENCODED[marker] in base64.b64decode(text if marker == "Basic " else text[:60], validate=True)
    except ValueError:
        return False

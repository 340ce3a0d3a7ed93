"""Secrets that are known, in whatever repeats them: messages, logs, other values of a config."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ...config.secret_keys import MASKED
from .credentials import environment_secrets, mask_text, telling
from .holes import WHOLE, secrets_of, texts_of


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """Mask a text: what has the form of a secret, these secrets, and those of the environment."""
    known = {form for secret in secrets if len(secret) >= 4 for form in forms(secret)}
    return replaced(mask_text(text), [*known, *environment_secrets()])


def printed_forms(config: Mapping[str, Any], kept: Mapping[str, Any], known: Iterable[str] = ()) -> list[str]:
    """List the secrets of a config, and others that are known, in all forms in which they may be printed."""
    own = [] if kept is config else secrets_of(config, kept)
    secrets = filter(telling, dict.fromkeys([*own, *known]))
    return list(dict.fromkeys(form for secret in secrets for form in forms(secret)))


def forms(secret: str) -> list[str]:
    """Give a secret as messages may show it: as it is, with escapes, and of several lines each one."""
    quoted = [repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return [secret, *quoted, *(line for line in map(str.strip, secret.splitlines()) if telling(line))]


def replaced(text: str, secrets: Iterable[str]) -> str:
    """Mask these secrets in a text, a longer one before one that it holds."""
    for secret in sorted((secret for secret in secrets if secret in text), key=len, reverse=True):
        text = text.replace(secret, MASKED)
    return text


def without(value: Any, secrets: Collection[str]) -> Any:
    """Mask these secrets in all texts of a value."""
    if isinstance(value, str):
        return replaced(value, secrets)
    if isinstance(value, WHOLE):
        return MASKED if any(secret in text for text in texts_of(value) for secret in secrets) else value
    if isinstance(value, dict):
        return {key: without(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [without(item, secrets) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value

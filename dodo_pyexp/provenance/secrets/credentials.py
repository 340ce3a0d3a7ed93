"""Credentials in texts, command lines and settings: what is masked before they are written down or printed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...config.secret_keys import ABOUT, MASKED, key_of, secret_key, words_of
from .assignments import given
from .forms import in_forms
from .tokens import mask_tokens

_LOGIN = re.compile(r"(?<=://)[^\s/?#'\"]+@")
_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://\Z")
_LONGEST_SCHEME = 40
_SHORT_WORD = re.compile(r"[\w.-]{0,12}").fullmatch  # too short for a token. 10,000 names: 44 -> 5 ms
_QUERY = re.compile(r"(?P<start>[?&](?P<key>[\w.-]+)=)(?P<value>[^&#\s'\"]+)")


def telling(text: str) -> bool:
    """Tell whether a secret can be known again where it is repeated: it is no short or ordinary word.

    Examples
    --------
    >>> telling("hunter2"), telling("postgres"), telling("correcthorsebattery")
    (True, False, True)
    """
    return len(text) >= 12 or (len(text) >= 6 and not text.isalpha() and any(map(str.isalpha, text)))


def environment_secrets() -> list[str]:
    """List the values of environment variables that are named like a secret, the longest first."""
    found = {
        value
        for name, value in os.environ.items()
        if secret_key(name, value) and telling(value)
        and words_of(name)[-1] not in ABOUT and not value.startswith(("/", "~", "."))  # where it is kept
    }  # fmt: skip
    return sorted(found, key=len, reverse=True)


def mask_text(text: str, keep: Callable[[str], bool] = lambda text: False) -> str:
    """Mask the credentials inside a text: logins and query values in URLs, and what has the form of a token.

    So is what the text gives to a key in so many words, the password in ``host=db password=hunter2``, and on command
    lines: ``curl -u ann:hunter2``.

    Parameters
    ----------
    text
        The text.
    keep
        Tells of a part of it that it only refers to a secret, and may stay.

    Examples
    --------
    >>> mask_text("https://ann:pass@example.org/x?token=abc")
    'https://***@example.org/x?token=***'
    """
    if _SHORT_WORD(text):
        return text
    found = [*(given(text) if ":" in text or "=" in text else ()), *in_forms(text)]
    if found:
        made, end = [], 0
        for one in sorted(found, key=lambda one: one.start):
            if one.start >= end:
                made += [text[end : one.start], MASKED]
                end = one.stop
        text = "".join(made) + text[end:]
    if "://" in text:
        text = _LOGIN.sub(lambda match: _mask_login(match, keep), text)
        text = _QUERY.sub(lambda match: _mask_query(match, keep), text)
    return mask_tokens(text)


def parts(text: str) -> list[str]:
    """List the credentials in the URLs of a text: what `mask_text` masks of them, passwords without their users.

    Examples
    --------
    >>> parts("https://ann:pass@example.org/x?token=abc")
    ['pass', 'abc']
    """
    if "://" not in text:
        return []
    logins = [match[0][:-1].rpartition(":")[2] for match in _LOGIN.finditer(text) if _mask_login(match) != match[0]]
    return logins + [match["value"] for match in _QUERY.finditer(text) if _mask_query(match) != match[0]]


def passwords_in(text: str) -> Iterator[str]:
    """Give the passwords, or the tokens in place of them, in the addresses in a text; not the mere names of users.

    Examples
    --------
    >>> list(passwords_in("git+https://ann:hunter2@host/x and ssh://git@host"))
    ['hunter2']
    """
    for match in _LOGIN.finditer(text):
        user, colon, password = match[0][:-1].partition(":")
        if colon and _mask_login(match) != match[0]:
            yield password
        elif not colon and len(user) >= 20 and "http" in _scheme(match):
            yield user


def mask(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Give a copy in which every value that looks like a secret is masked, at any depth.

    A value is masked because of its key (`*_token`, `*_key`, `password`, `secret`, `credentials`...), or a
    part of it because of its form (a login in a URL, a token of a well-known service). Nothing else changes.

    Examples
    --------
    >>> mask({"lr": 0.1, "wandb": {"api_key": "123"}})
    {'lr': 0.1, 'wandb': {'api_key': '***'}}
    """
    return _masked_section(mapping, "")


def _masked_section(section: Mapping[Any, Any], within: str) -> dict[Any, Any]:
    return {
        key: MASKED
        if secret_key(key_of(section, key) if within else str(key), value, within)
        else _masked(value, str(key))
        for key, value in section.items()
    }


def _masked(value: Any, within: str) -> Any:
    """Mask inside one value, of any type."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return _masked_section(value, within)
    if isinstance(value, list | tuple):
        return [_masked(item, within) for item in value]
    return value


def _mask_login(match: re.Match[str], keep: Callable[[str], bool] = lambda text: False) -> str:
    """Mask a login in a URL, but not the mere name of an ssh user."""
    user, colon, password = match[0][:-1].partition(":")
    scheme = _scheme(match)
    if not scheme or (not colon and "http" not in scheme) or keep(password if colon else user):
        return match[0]
    return f"{MASKED}@"


def _scheme(match: re.Match[str]) -> str:
    """Give the scheme of the URL that a login stands in; nothing where there is none."""
    found = _SCHEME.search(match.string[max(0, match.start() - _LONGEST_SCHEME) : match.start()])
    return "" if found is None else found[0]


def _mask_query(match: re.Match[str], keep: Callable[[str], bool] = lambda text: False) -> str:
    """Mask a secret in the query of a URL."""
    named = secret_key(match["key"]) or match["key"].lower() in ("key", "sig", "signature")
    return match["start"] + MASKED if named and not keep(match["value"]) else match[0]

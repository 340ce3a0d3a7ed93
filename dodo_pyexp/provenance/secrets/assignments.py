"""What a text gives to the key of a secret in so many words: ``password=...``, in code, settings or a message.

A text of any form takes a time that grows with its length and no faster: whatever is looked at around a key is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ...config.secret_keys import QUALIFIED, secret_key, words_of

# Words that name a secret beyond doubt, and the values that are then none: places, references, words for "fill me in".
_SURE = frozenset((
    "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey", "secretkey",
    "authtoken", "accesstoken", "pwd",
))  # fmt: skip
_SURE_ENDS = ("password", "passwd", "passphrase")  # PGPASSWORD
_FILL_IN = ("your", "example", "change", "placeholder", "dummy", "redacted", "none", "null", "true", "false", "test")
# Words of sentences for people: what holds one of them was not chosen as a password.
_SENTENCE = frozenset((
    "a", "an", "and", "are", "at", "be", "enter", "for", "from", "here", "in", "incorrect", "invalid", "is",
    "must", "not", "of", "on", "or", "password", "please", "required", "secret", "the", "this", "to", "token",
    "with", "wrong", "your",
))  # fmt: skip

_NAMES = re.compile(r"(?i)pass|pwd|pw|secret|token|key|cred|jwt|cookie")
_KEY = re.compile(r"[A-Za-z][\w.-]*\Z")
_MOST = 120
# A key; behind it quotes and brackets that end it, the type that it is declared with, and what gives. One search for
# all of that, as a large text holds a great many words, and each is looked at once.
_GIVES = re.compile(
    r"""(?<![\w.-])(?P<key>[\w.-]++)["']{0,3}\]?[ \t]{0,8}"""
    r"(?::[ \t]{0,8}\w{1,20}(?:\[[\w ,|]{1,40}\])?[ \t]{0,8}(?==))?(?::=|[:=])[ \t]{0,8}"
)
_OPENS = re.compile(r"""(?i:[bfru]{0,2})("{3}|'{3}|["'])""")
_BARE = re.compile(r"""[^\s"'#;,{}]{3,500}[^\s"'#;,{}:=]={0,2}(?![^\s"'#;,{}])(?![ \t]{0,8}[:=])""")
_CLAUSE = re.compile(r"""[^;"'\r\n]{4,200}(?=;)""")
_LONGEST = 2000
_INSIDE = {
    '"': re.compile(r'(?:[^"\\\r\n]|\\(?s:.?))*+'),
    "'": re.compile(r"(?:[^'\\\r\n]|\\(?s:.?))*+"),
    '"""': re.compile(r'(?s:[^"\\]|\\.?|"(?!""))*+'),
    "'''": re.compile(r"(?s:[^'\\]|\\.?|'(?!''))*+"),
}


class Given(NamedTuple):
    """One value that a text gives to the key of a secret."""

    key: str
    value: str
    start: int
    stop: int
    quoted: bool


def given(text: str) -> Iterator[Given]:
    """Find what a text gives to keys of secrets: literal values only, not references to where one is kept.

    Examples
    --------
    >>> [(one.key, one.value) for one in given("host=db password=hunter2; token = $TOKEN")]
    [('password', 'hunter2')]
    """
    at = 0
    while (gives := _GIVES.search(text, at)) is not None:
        at = gives.end("key")
        key = _secret(gives["key"][-_MOST:])
        if key:
            start, at = gives.end("key") - len(key), gives.end()
            value = _value(text, key, at, clause=text[max(0, start - 1) : start] in (";", '"', "'", ""))
            if value is not None:
                at = value.stop
                if secret_key(key, value.value):
                    yield value


@lru_cache(10_000)
def _secret(word: str) -> str:
    """Give the key that a word is, from its first letter on, if it is that of a secret; many stand in a text often."""
    found = _KEY.search(word) if _NAMES.search(word) else None
    return found[0] if found is not None and secret_key(found[0]) else ""


def _value(text: str, key: str, at: int, *, clause: bool) -> Given | None:
    """Read the value that begins there; None if it is no literal secret."""
    opens = _OPENS.match(text, at)
    if opens is not None:
        start = opens.end()
        stop = _closing(text, start, opens[1])
        value = text[start:stop]
        prefix = text[at : opens.start(1)].lower()
        judged = re.sub(r"\{[^{}]{0,200}\}", "", value) if "f" in prefix else value
        return Given(key, value, start, stop, quoted=True) if is_literal(key, judged, bare=False) else None
    parted = _CLAUSE.match(text, at) if clause else None  # as in Uid=...;Pwd=...;
    if parted is not None and " " in parted[0].strip():
        return Given(key, parted[0], at, parted.end(), quoted=False) if "=" not in parted[0] else None
    found = _BARE.match(text, at)
    if found is None or not is_literal(key, found[0], bare=True):
        return None
    return Given(key, found[0], at, found.end(), quoted=False)


def _closing(text: str, start: int, quote: str) -> int:
    """Find where a quoted text ends; where that is nowhere near, at the end of the line."""
    found = _INSIDE[quote].match(text, start, min(len(text), start + _LONGEST))
    return start if found is None else found.end()


def is_literal(key: str, value: str, *, bare: bool) -> bool:
    """Tell whether what a key is given is the secret itself: neither a place, nor a reference, nor ordinary words.

    Parameters
    ----------
    key
        The key.
    value
        What stands behind it.
    bare
        Without quotes around it.
    """
    value = value.strip()
    if len(value) < 4 or value[0] in "$%/~.*@&" or len(set(value)) < 4 or "://" in value:
        return False
    if any(sign in value for sign in ("()[]{}<>," if bare else "<>")) or (value[0] in "{[(" and value[-1] in "}])"):
        return False
    if value.lower().startswith(_FILL_IN) or (value.isupper() and value.endswith(("_KEY", "_TOKEN", "_PASSWORD"))):
        return False
    if any(map(str.isspace, value)):
        return not bare and _sure(key) and not _is_sentence(value)
    mixed = any(map(str.isalpha, value)) and not value.isalpha()
    if _sure(key):
        return mixed or value.isdigit() or not bare
    words = words_of(key)
    if words[-1] == "key" and QUALIFIED.isdisjoint(words):
        return False
    # A token may be many things; what was drawn at random is long and has digits.
    return mixed and len(value) >= 16 and sum(map(str.isdigit, value)) >= 2


def _sure(key: str) -> bool:
    words = words_of(key)
    return (
        not _SURE.isdisjoint(words)
        or any(word.endswith(_SURE_ENDS) for word in words)
        or (words[-2:-1] == ["api"] and words[-1] in ("key", "token"))
    )


def _is_sentence(value: str) -> bool:
    words = value.lower().split()
    stops = not _SENTENCE.isdisjoint(word.strip(".,:!?'\"") for word in words)
    return stops or len(words) > 8 or (len(words) < 4 and value.replace(" ", "").isalpha())

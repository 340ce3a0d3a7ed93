"""Files that look like secrets, by their names or by what they hold. None of them is ever kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from functools import cache

from ..config.secret_keys import secret_key
from .given import given, is_literal
from .tokens import token_in

_FILES = (
    ".env*", "*.env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.ppk", "*.p12",
    "*.pfx", "*.jks", "*.keystore", "*.kdbx", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".htpasswd",
    ".git-credentials", ".dockercfg", ".vault-token", "credentials", "credentials.json", "kaggle.json",
    "client_secret*.json", "service-account*.json", "service_account*.json",
    "secrets.json", "secrets.y*ml", "secrets.toml", "secret.y*ml",
)  # fmt: skip
_FOLDERS = (".env*", ".ssh", ".aws", ".gnupg", ".azure", ".kube")
_EXAMPLES = (".example", ".sample", ".template", ".dist")
_TEXT_KEYS = (".pem", ".key")

_SCANNED = 2_000_000
SHORTEST = 6
"""A shorter value in quotes is no reason to leave out a file."""
# Compiled where they are needed: a build that finds nothing to do needs none of them.
_BARE = (
    r"(?m)(?:^[ \t-]{0,20}(?:export[ \t]+)?|[{,][ \t]{0,8})(?<![\w.-])(?P<key>[A-Za-z][\w.-]{1,60})"
    r"[ \t]{0,8}[:=][ \t]{0,8}(?P<value>[^\s\"'#;,{}]{6,500})[ \t\r]{0,80}(?:$|(?=[,}]))"
)
_SETTINGS = (
    ".cfg", ".conf", ".env", ".ini", ".md", ".properties", ".rst", ".sh", ".toml", ".txt", ".yaml", ".yml",
)  # fmt: skip


def secret_file(path: str) -> tuple[str, str] | None:
    """Give what to leave out for the name of a file, the file or a folder of it, and why; or None.

    Examples
    --------
    >>> secret_file("conf/.env.local")
    ('conf/.env.local', 'named like a secret')
    >>> secret_file("home/.ssh/config")
    ('home/.ssh/', 'named like a secret')
    """
    *folders, name = path.split("/")
    for depth, folder in enumerate(folders, 1):
        if _matches(folder, _FOLDERS):
            return "/".join(folders[:depth]) + "/", "named like a secret"
    return (path, "named like a secret") if _matches(name, _FILES) else None


def committed_secret(path: str, read: Callable[[], bytes]) -> tuple[str, str] | None:
    """Give what to leave out for a file that somebody has committed, and why; or None.

    Its name counts as for any file, but for examples of one (`.env.example`), and a `.pem` or `.key` only counts if it
    holds a private key: certificates have the same names.

    Parameters
    ----------
    path
        The file.
    read
        Gives its content, if that must be looked at.

    Examples
    --------
    >>> committed_secret(".env", lambda: b"")
    ('.env', 'named like a secret')
    >>> committed_secret(".env.example", lambda: b"") is committed_secret("ca.pem", lambda: b"CERTIFICATE") is None
    True
    """
    found = secret_file(path)
    if found is None or path.lower().endswith(_EXAMPLES):
        return None
    if path.lower().endswith(_TEXT_KEYS) and found[0] == path:
        reason = secret_content(read())
        return None if reason is None else (path, reason)
    return found


def secret_content(content: bytes, name: str = "") -> str | None:
    """Give why a file of this content must not be kept, or None.

    A secret is known by its form, or by the key that it is given to in so many words; in settings (by the file's name)
    also without quotation marks.

    Examples
    --------
    >>> secret_content(b"db_password: hunter-two", "db.yml")
    'holds a value for db_password'
    >>> secret_content(b"password = read_password(); token = '<your token>'") is None
    True
    """
    what = token_in(content)
    if what is not None:
        return f"holds {what}"
    if b"\0" in content[:8000]:
        return None
    text = content[:_SCANNED].decode("utf-8", "replace")
    for one in given(text):
        if one.quoted and len(one.value) >= SHORTEST:
            return f"holds a value for {one.key}"
    if name.lower().endswith(_SETTINGS):
        for found in re.finditer(_BARE, text):
            if secret_key(found["key"], found["value"]) and is_literal(found["key"], found["value"], bare=True):
                return f"holds a value for {found['key']}"
    return None


@cache
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Make one expression of patterns: every file of a project is compared with all of them."""
    return re.compile("|".join(map(translate, patterns)))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a name fits one of the patterns, in any case."""
    return _matcher(patterns).match(name.lower()) is not None

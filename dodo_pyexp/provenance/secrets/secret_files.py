"""Files that look like secrets, by their names or by what they hold. None of them is ever kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from functools import cache

from ...config.secret_keys import secret_key
from .assignments import given, is_literal
from .columns import is_table, secret_column
from .credentials import passwords_in
from .forms import certain, in_forms
from .texts import as_text, given_in_markup, is_markup, is_settings, unescaped
from .tokens import token_in

_FILES = (
    ".env*", "*.env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.ppk", "*.p12",
    "*.pfx", "*.jks", "*.keystore", "*.kdbx", ".netrc", "_netrc", "netrc", ".pgpass", ".mylogin.cnf",
    ".s3cfg", ".boto", ".pypirc", ".npmrc", ".htpasswd",
    ".git-credentials", ".dockercfg", ".vault-token", "credentials", "credentials.json", "kaggle.json",
    "client_secret*.json", "service-account*.json", "service_account*.json",
    "secrets.json", "secrets.y*ml", "secrets.toml", "secret.y*ml",
)  # fmt: skip
_FOLDERS = (".env*", ".ssh", ".aws", ".gnupg", ".azure", ".kube")
_EXAMPLES = (".example", ".sample", ".template", ".dist")
_TEXT_KEYS = (".pem", ".key")

SHORTEST = 6  # a shorter value in quotes is no reason to leave out a file
# Compiled where they are needed: a build that finds nothing to do needs none of them.
_BARE = (
    r"(?m)(?:^[ \t-]{0,20}(?:(?:export|override|define|set|ENV|ARG)[ \t]{1,20})?|[{,][ \t]{0,8})(?<![\w.-])"
    r"(?P<key>[A-Za-z][\w.-]{1,60})[ \t]{0,8}[:?+!]{0,2}[:=][ \t]{0,8}(?P<value>[^\s\"'#;,{}]{6,500})[ \t\r]{0,80}"
    r"(?:$|(?=[,}]))"
)
# As a block of YAML, below its key.
_BLOCK = (
    r"(?m)^[ \t-]{0,40}(?P<key>[A-Za-z][\w.-]{1,60})[ \t]{0,8}:[ \t]{0,8}[|>][-+\d]{0,2}[ \t\r]{0,8}\n[ \t]{1,80}"
    r"(?P<value>[^\s\"'#;,{}]{6,500})[ \t\r]{0,80}$"
)
# As a shell gives a variable to one command: nothing stands around the sign, and no call is around it.
_GIVEN = r"(?m)(?:^|[ \t])(?<!, )(?P<key>[A-Z][A-Z\d_]{1,60})=(?P<value>[^\s\"'#;,{}()]{6,500})(?=[ \t])"
_FORMS = _BARE, _BLOCK, _GIVEN


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

    A secret is known by its form, by the key that it is given to in so many words, in settings (by the file's name)
    also without quotation marks, by the option of a command, or by the column of a table.

    Examples
    --------
    >>> secret_content(b"db_password: hunter-two", "db.yml")
    'holds a value for db_password'
    >>> secret_content(b"password = read_password(); token = '<your token>'") is None
    True
    """
    text = as_text(content)
    what = token_in(content if text is None else text.encode("utf-8", "surrogatepass"))
    if what is not None:
        return f"holds {what}"
    if text is None:
        return None
    if name.lower().endswith(".ipynb"):
        text = unescaped(text)
    for one in given(text):
        if len(one.value) >= SHORTEST and certain(text, one):
            return f"holds a value for {one.key}"
    for one in in_forms(text):
        if len(one.value) >= SHORTEST:
            return f"holds a value for {one.key}"
    if "://" in text and any(is_literal("password", password, bare=True) for password in passwords_in(text)):
        return "holds the password of an address"
    if is_table(name):
        column = secret_column(text)
        if column is not None:
            return f"holds values for {column}"
    pairs: list[tuple[str, str]] = []
    if is_settings(name):
        pairs = [(found["key"], found["value"]) for form in _FORMS for found in re.finditer(form, text)]
    if is_markup(name, text):
        pairs += given_in_markup(text)
    for key, value in pairs:
        if secret_key(key, value) and is_literal(key, value, bare=True):
            return f"holds a value for {key}"
    return None


@cache
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Make one expression of patterns: every file of a project is compared with all of them."""
    return re.compile("|".join(map(translate, patterns)))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a name fits one of the patterns, in any case."""
    return _matcher(patterns).match(name.lower()) is not None

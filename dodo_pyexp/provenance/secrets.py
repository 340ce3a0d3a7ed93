"""What looks like a secret: names of files, contents of files, keys of values. None of it is ever kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from functools import cache
from itertools import pairwise
from typing import Any

MASKED = "***"

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

# A marker is found much faster than a pattern: a pattern is only tried on a text that holds its marker.
_TOKENS: tuple[tuple[str, str, str], ...] = (
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?s:.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z))",
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
    ("eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}", "a signed web token"),
    ("Bearer ", r"(?<=\bBearer )(?=[\w.~+/-]*\d)[\w.~+/-]{8,}=*", "a bearer token"),
    ("hooks.slack.com", r"(?<=hooks\.slack\.com/services/)[\w/-]{8,}", "the address of a Slack hook"),
    ("/api/webhooks/", r"(?<=/api/webhooks/)\d+/[\w-]{8,}", "the address of a Discord hook"),
)

_ANY = re.compile("|".join(re.escape(marker) for marker in ("://", *(marker for marker, _, _ in _TOKENS))))

# Words that make a key secret wherever they stand, whatever the value is.
_PLAIN = frozenset((
    "password", "passwords", "passwd", "passphrase", "secret", "secrets", "credential", "credentials",
    "apikey", "accesskey", "privatekey", "secretkey", "authtoken", "accesstoken", "jwt", "bearer",
    "authorization", "cookie", "cookies",
))  # fmt: skip
# The same without a word's end in sight: PGPASSWORD.
_ENDS = ("password", "passwd", "passphrase", "apikey", "apitoken", "authtoken", "accesstoken", "credentials")
# Words that make a key secret at its end, and the last words but one that clear them.
_LAST = frozenset(("token", "key", "pwd", "pass", "pw"))
_OF_SERVICES = ("key", "keys", "token", "tokens", "pass", "pw", "pwd")
_SPECIAL = frozenset((
    "pad", "eos", "bos", "unk", "mask", "sep", "cls", "stop", "start", "end", "special",
    "first", "last", "next",
))  # fmt: skip
_PASSES = frozenset(("second", "one", "two", "single", "multi", "low", "high", "band", "all", "forward", "backward"))
_QUALIFIED = frozenset(("api", "access", "account", "auth", "private", "ssh", "refresh", "signing", "encryption"))
# What is said of a key of a service behind its name: these are no secrets themselves.
_ABOUT = frozenset((
    "id", "ids", "name", "names", "file", "path", "dir", "env", "var", "variable", "url", "uri", "header", "type",
    "prefix", "suffix", "size", "length", "count", "limit", "ttl", "expiry", "index", "column", "field",
))  # fmt: skip

# Words that name a secret beyond doubt, and the values that are then none: places, references, words for "fill me in".
_SURE = frozenset((
    "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey", "secretkey", "authtoken",
    "accesstoken", "pwd",
))  # fmt: skip
_FILL_IN = ("your", "example", "change", "placeholder", "dummy", "redacted", "none", "null", "true", "false", "test")
_SCANNED = 2_000_000
_KEYED = rb"(?<![\w.-])(?P<key>[A-Za-z][\w.-]{1,60})"
# Compiled where they are needed: a build that finds nothing to do needs none of them.
_QUOTED = (
    _KEYED + rb"[\"']?\]?[ \t]{0,8}(?::[ \t]{0,8}\w{1,20}[ \t]{0,8})?[:=][ \t]{0,8}"
    rb"(?P<quote>[\"'])(?P<value>[^\s\"'\\]{6,500})(?P=quote)"
)
_BARE = (
    rb"(?m)(?:^[ \t-]{0,20}(?:export[ \t]+)?|[{,][ \t]{0,8})" + _KEYED + rb"[ \t]{0,8}[:=][ \t]{0,8}"
    rb"(?P<value>[^\s\"'#;,{}]{6,500})[ \t\r]*(?:$|(?=[,}]))"
)
# As it stands in a text for people, a comment or a message: behind anything, quoted or not.
_GIVEN = (
    r"(?<![\w.])(?P<key>[A-Za-z][\w.-]{1,60})[\"']?[ \t]{0,8}[:=][ \t]{0,8}(?P<quote>[\"']?)"
    r"(?P<value>[^\s\"'#;,{}]{3,500}[^\s\"'#;,{}:=]={0,2})(?P=quote)(?![^\s\"'#;,{}])(?![ \t]{0,8}[:=])"
)
_SETTINGS = (
    ".cfg", ".conf", ".env", ".ini", ".md", ".properties", ".rst", ".sh", ".toml", ".txt", ".yaml", ".yml",
)  # fmt: skip

_NAMES = re.compile(r"(?i)pass|pwd|\bpw\b|secret|token|key|cred|jwt|cookie")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LOGIN = r"(?P<scheme>[A-Za-z][\w+.-]*)://(?P<login>[^\s/?#'\"]+)@"
_QUERY = r"(?P<start>[?&](?P<key>[\w.-]+)=)(?P<value>[^&#\s'\"]+)"


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
    for marker, pattern, what in _TOKENS:
        if marker.encode() in content and re.search(pattern.encode(), content):
            return f"holds {what}"
    if b"\0" in content[:8000]:
        return None
    patterns = (_QUOTED, _BARE) if name.lower().endswith(_SETTINGS) else (_QUOTED,)
    for found in (found for pattern in patterns for found in re.compile(pattern).finditer(content, 0, _SCANNED)):
        key, value = (found[part].decode("utf-8", "replace") for part in ("key", "value"))
        if secret_key(key) and _is_literal(key, value, bare=found.re.pattern == _BARE):
            return f"holds a value for {key}"
    return None


def _is_literal(key: str, value: str, *, bare: bool) -> bool:
    """Tell whether what a key is given is the secret itself: neither a place, nor a reference, nor an ordinary word."""
    if value[0] in "$%/~.*@&" or any(sign in value for sign in "()[]{}<>,") or "://" in value or len(set(value)) < 4:
        return False
    if value.lower().startswith(_FILL_IN) or (value.isupper() and value.endswith(("_KEY", "_TOKEN", "_PASSWORD"))):
        return False
    words = _words(key)
    mixed = any(map(str.isalpha, value)) and not value.isalpha()
    if not _SURE.isdisjoint(words) or (words[-2:-1] == ["api"] and words[-1] in ("key", "token")):
        return mixed or value.isdigit() or not bare
    if words[-1] == "key" and _QUALIFIED.isdisjoint(words):
        return False
    # A token may be many things; what was drawn at random is long and has digits.
    return mixed and len(value) >= 16 and sum(map(str.isdigit, value)) >= 2


def secret_key(key: str, value: object = "...") -> bool:
    """Tell whether the key of a value says that the value is a secret.

    Examples
    --------
    >>> [secret_key(key) for key in ("api_key", "wandb.token", "dbPassword", "eos_token", "max_tokens")]
    [True, True, True, False, False]
    """
    words = _words(key)
    if not words or value is None or isinstance(value, bool) or (isinstance(value, str) and not value):
        return False
    if not _PLAIN.isdisjoint(words) or any(word.endswith(_ENDS) for word in words):
        return True
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    pairs = pairwise(words)
    if last not in _ABOUT and any(one in _QUALIFIED and two in _OF_SERVICES for one, two in pairs):
        return True
    # A number of tokens, or a random key, is none; and neither are the special tokens of a vocabulary.
    return (
        last in _LAST
        and before not in _SPECIAL
        and not (last in ("pass", "pw") and before in _PASSES)
        and not isinstance(value, int | float | Mapping)
        and (bool(before) or last in ("token", "pass", "pw"))
    )


def _words(key: str) -> list[str]:
    """Take the name of a key apart; a number at its end (`token_2`, `api_keys.0`) says nothing about it."""
    words = [word.lower() for word in _WORD.findall(key)]
    while words and words[-1].isdigit():
        words.pop()
    return words


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
        and _words(name)[-1] not in _ABOUT and not value.startswith(("/", "~", "."))  # where it is kept
    }  # fmt: skip
    return sorted(found, key=len, reverse=True)


def mask_text(text: str, keep: Callable[[str], bool] = lambda text: False) -> str:
    """Mask the credentials inside a text: logins and query values in URLs, and what has the form of a token.

    So is what the text gives to a key in so many words: the password in ``host=db password=hunter2``.

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
    if (":" in text or "=" in text) and _NAMES.search(text) is not None:
        text = re.sub(_GIVEN, _mask_given, text)
    if _ANY.search(text) is None:
        return text
    if "://" in text:
        text = re.sub(_LOGIN, lambda match: _mask_login(match, keep), text)
        text = re.sub(_QUERY, lambda match: _mask_query(match, keep), text)
    for marker, pattern, _ in _TOKENS:
        if marker in text:
            text = re.sub(pattern, MASKED, text)
    return text


def parts(text: str) -> list[str]:
    """List the credentials in the URLs of a text: what `mask_text` masks of them, passwords without their users.

    Examples
    --------
    >>> parts("https://ann:pass@example.org/x?token=abc")
    ['pass', 'abc']
    """
    if "://" not in text:
        return []
    logins = [
        match["login"].rpartition(":")[2] for match in re.finditer(_LOGIN, text) if _mask_login(match) != match[0]
    ]
    return logins + [match["value"] for match in re.finditer(_QUERY, text) if _mask_query(match) != match[0]]


def mask(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Give a copy in which every value that looks like a secret is masked, at any depth.

    A value is masked because of its key (`*_token`, `*_key`, `password`, `secret`, `credentials`...), or a
    part of it because of its form (a login in a URL, a token of a well-known service). Nothing else changes.

    Examples
    --------
    >>> mask({"lr": 0.1, "wandb": {"api_key": "123"}})
    {'lr': 0.1, 'wandb': {'api_key': '***'}}
    """
    return {key: MASKED if secret_key(str(key), value) else _masked(value) for key, value in mapping.items()}


def mask_arguments(arguments: Sequence[str], known: Iterable[str] = ()) -> list[str]:
    """Mask the secrets of a command line.

    They may be written as `--token=X`, `--api-key X`, `a.password=X`, `--conf=a.password=X`, `--env TOKEN X`, or inside
    a value in YAML (`login={password: X}`); and they may be the value of an environment variable that the shell put in.

    Parameters
    ----------
    arguments
        The command line.
    known
        Secrets that are known from elsewhere.

    Examples
    --------
    >>> mask_arguments(["train.py", "--token", "abc", "-c", "login={user: ann, password: abc}"])
    ['train.py', '--token', '***', '-c', "login={user: ann, password: '***'}"]
    """
    known = sorted({*known, *environment_secrets()}, key=len, reverse=True)
    masked: list[str] = []
    hide_next = False
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if hide_next and not argument.startswith("--"):
            masked.append(MASKED)
            hide_next = False
            continue
        masked.append(_mask_argument(argument, known))
        is_name = before == "--env" or argument.startswith("-")
        hide_next = is_name and "=" not in argument and (_names_secret(argument) or argument == "--key")
    return masked


def _mask_argument(argument: str, known: Sequence[str]) -> str:
    """Mask the secrets in one word of a command line."""
    key, equals, value = argument.partition("=")
    if argument.lstrip().startswith(("{", "[")) and ":" in argument:
        from .yaml_text import mask_yaml

        return mask_yaml(argument, known)
    if equals and "://" not in key:
        return f"{key}={MASKED if _names_secret(key) else _mask_argument(value, known)}"
    for secret in known:
        argument = argument.replace(secret, MASKED)
    return mask_text(argument)


def _names_secret(key: str) -> bool:
    """Tell whether the name of an option, or a short option with the name of a key behind it, names a secret."""
    return secret_key(key) or (key[:1] == "-" != key[1:2] and secret_key(key[2:]))


def _masked(value: Any) -> Any:
    """Mask inside one value, of any type."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return mask(value)
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


@cache
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Make one expression of patterns: every file of a project is compared with all of them."""
    return re.compile("|".join(map(translate, patterns)))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a name fits one of the patterns, in any case."""
    return _matcher(patterns).match(name.lower()) is not None


def _mask_login(match: re.Match[str], keep: Callable[[str], bool] = lambda text: False) -> str:
    """Mask a login in a URL, but not the mere name of an ssh user."""
    user, colon, password = match["login"].partition(":")
    if (not colon and "http" not in match["scheme"]) or keep(password if colon else user):
        return match[0]
    return f"{match['scheme']}://{MASKED}@"


def _mask_query(match: re.Match[str], keep: Callable[[str], bool] = lambda text: False) -> str:
    """Mask a secret in the query of a URL."""
    named = secret_key(match["key"]) or match["key"].lower() in ("key", "sig", "signature")
    return match["start"] + MASKED if named and not keep(match["value"]) else match[0]


def _mask_given(match: re.Match[str]) -> str:
    """Mask what a key is given in a text."""
    if not (secret_key(match["key"]) and _is_literal(match["key"], match["value"], bare=not match["quote"])):
        return match[0]
    return match[0][: match.start("value") - match.start()] + MASKED + match["quote"]

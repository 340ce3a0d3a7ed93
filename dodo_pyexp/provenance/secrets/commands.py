"""Secrets on command lines that a text quotes: behind the options of well-known programs, and behind ``--password``.

A short option means another thing to each program (``docker run -p``, ``python -u``), so it counts only behind the name
of one for which it takes a secret. Each pattern takes a time that grows with the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ...config.secret_keys import secret_key
from .assignments import Given, is_literal

# What may stand between an option and its value, in a shell or in a list; and where a command ends.
_GAP = r"""["']?[ \t,=]{1,6}(?:\\\r?\n[ \t]{0,20})?"""
_VALUE = r"""(?P<quote>["'])?(?P<value>(?(quote)(?:(?!(?P=quote))[^\r\n]){3,200}|[^\s"'`\\|;&<>]{3,200}))"""
_END = r"(?<!\\)(?<!\\\r)\n|\|"
_LONGEST = 500
_PLAIN, _LOGIN, _PASS = "password", "login", "pass:"

# The word by which each is found, the program, its option, and what that takes.
_PROGRAMS: tuple[tuple[str, str, str, str], ...] = (
    ("curl", r"\bcurl\b", rf"(?:-[uU](?:{_GAP})?|--(?:proxy-)?user{_GAP})", _LOGIN),
    ("http", r"\bhttps?[ \t]", rf"(?:-a|--auth){_GAP}", _LOGIN),
    ("mysql", r"\bmysql(?:dump|admin|import|check|show|slap|sh)?\b", r"-p(?=[^\s,])", _PLAIN),
    ("mariadb", r"\bmariadb(?:-\w{1,20})?\b", r"-p(?=[^\s,])", _PLAIN),
    ("sshpass", r"\bsshpass\b", rf"-p(?:{_GAP})?", _PLAIN),
    ("login", r"\b(?:docker|podman|nerdctl|buildah|skopeo|helm|oras|apptainer|singularity|az|oc|cf|ibmcloud)\b"
              r"[^\n|]{0,60}?\blogin\b", rf"-p{_GAP}", _PLAIN),
    ("redis-cli", r"\bredis-cli\b", rf"-a{_GAP}", _PLAIN),
    ("mongo", r"\bmongo(?:sh|dump|restore|export|import|stat|top)?\b", rf"-p{_GAP}", _PLAIN),
    ("ldap", r"\bldap(?:search|add|modify|delete|whoami|passwd)\b", rf"-w{_GAP}", _PLAIN),
    ("twine", r"\btwine[ \t]{1,8}upload\b", rf"-p{_GAP}", _PLAIN),
    ("zip", r"\b(?:un)?zip[ \t]", rf"-P{_GAP}", _PLAIN),
    ("7z", r"\b7z[ar]?[ \t]", r"-p(?=[^\s,])", _PLAIN),
    ("sqlcmd", r"\bsqlcmd\b", rf"-P{_GAP}", _PLAIN),
    ("mosquitto_", r"\bmosquitto_(?:pub|sub|rr)\b", rf"-P{_GAP}", _PLAIN),
    ("keytool", r"\bkeytool\b", rf"-(?:store|key)pass{_GAP}", _PLAIN),
    ("openssl", r"\bopenssl\b", rf"-pass(?:in|out)?{_GAP}", _PASS),
)  # fmt: skip
# What is piped into a program that reads a secret.
_ECHO = r"\b(?:echo|printf)[ \t]{1,8}(?:-n[ \t]{1,8})?"
_PIPED: tuple[tuple[str, str, str], ...] = (
    ("--password-stdin", rf"{_ECHO}(?=[^\n|]{{3,200}}\|[^\n|]{{0,200}}--password-stdin\b)", _PLAIN),
    ("--with-token", rf"{_ECHO}(?=[^\n|]{{3,200}}\|[^\n|]{{0,200}}--with-token\b)", _PLAIN),
    ("chpasswd", rf"{_ECHO}(?=[^\n|]{{3,200}}\|[^\n]{{0,40}}\bchpasswd\b)", _LOGIN),
)
_WANDB = (
    r"\bwandb[ \t]{1,8}login\b(?:[ \t]{1,8}[^\s\"'|;&]{1,100}){0,4}?[ \t]{1,8}[\"']?(?P<value>[\w-]{32,200})(?![\w-])"
)
_OPTION = (
    r"""(?<![\w-])--?(?P<key>[A-Za-z][\w.-]{1,60})"""
    r"""(?:[ \t]{1,8}|(?P<listed>["'][ \t]{0,4},[ \t]{0,4}(?=["'])))""" + _VALUE
)
# What sets one key of a tool: `aws configure set aws_secret_access_key X`.
_SETS = (
    r"\b(?:git|npm|yarn|pnpm|aws|gcloud|poetry|conda|mamba|dvc|rclone)[ \t]{1,8}(?:config|configure|remote)\b"
    r"(?:[ \t]{1,8}(?:set|modify|add|-[\w-]{1,20})){0,4}(?:[ \t]{1,8}[\w./:@-]{1,80})?"
    rf"[ \t]{{1,8}}(?P<key>[\w./:@-]{{2,100}})[ \t]{{1,8}}{_VALUE}"
)
# Words for a secret, in examples: `curl -u user:pass`.
_WORDS = frozenset((
    "pass", "password", "passwd", "passphrase", "secret", "token", "key", "apikey", "api_key", "api-key", "api_token",
    "pw", "pwd", "mypassword", "my_password", "my-password", "mypass", "xxxx", "x-oauth-basic", "access_token",
))  # fmt: skip


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def on_command_lines(text: str) -> Iterator[Given]:
    """Find the secrets on the command lines in a text.

    Examples
    --------
    >>> [one.value for one in on_command_lines("curl -u ann:hunter2 https://host; docker run -p 80:80 --user 1:1")]
    ['ann:hunter2']
    """
    for word, program, option, kind in _PROGRAMS:
        if word in text:
            for start, stop in _commands(text, program):
                for found in _compiled(rf"(?<![\w-]){option}{_VALUE}").finditer(text, start, stop):
                    if _is_secret(found, kind):
                        yield _given("password", found)
    for word, piped, kind in _PIPED:
        if word in text:
            for found in _compiled(piped + _VALUE).finditer(text):
                if _is_secret(found, kind):
                    yield _given("password", found)
    if "wandb" in text:
        for found in _compiled(_WANDB).finditer(text):
            if any(map(str.isdigit, found["value"])):
                yield _given("key", found)
    if "--" in text:
        yield from _options(text)
    if " config" in text or " remote" in text:
        for found in _compiled(_SETS).finditer(text):
            key = found["key"].rpartition(":")[2]
            if any(_gives_secret(part, found) for part in (key, key.partition(".")[0])):
                yield _given(found["key"], found)


def _commands(text: str, program: str) -> Iterator[tuple[int, int]]:
    """Find where the arguments of a program begin and end; a line with its name many times is one command."""
    stop = 0
    for hit in _compiled(program).finditer(text):
        if hit.start() >= stop:
            limit = min(len(text), hit.end() + _LONGEST)
            end = _compiled(_END).search(text, hit.end(), limit)
            stop = limit if end is None else end.start()
            yield hit.end(), stop


def _options(text: str) -> Iterator[Given]:
    """Find what stands behind options that are named like a secret."""
    for found in _compiled(_OPTION).finditer(text):
        key, value = found["key"], found["value"]
        if value.startswith("-") or (found["listed"] and secret_key(value)):  # an option's other names
            continue
        if _gives_secret(key, found):
            yield _given(key, found)


def _gives_secret(key: str, found: re.Match[str]) -> bool:
    value = found["value"]
    return secret_key(key, value) and is_literal(key, value, bare=not found["quote"]) and not stands_for_another(value)


def _is_secret(found: re.Match[str], kind: str) -> bool:
    """Tell whether what an option is given is a secret, and not the place of one."""
    value = found["value"]
    if "$" in value and found["quote"] != "'":
        return False
    if kind == _PASS:
        kind, value = ("", value[len(_PASS) :]) if value.startswith(_PASS) else ("", "")
    elif kind == _LOGIN:
        user, colon, value = value.partition(":")
        if not colon or stands_for_another(user, shortest=1):
            return False
        if not value:  # a token in the place of the user
            return is_literal("token", user, bare=True)
        if value.isdigit() and user.isdigit():
            return False
    return len(value) >= 3 and not value.startswith(("-", "/")) and not stands_for_another(value)


def stands_for_another(value: str, shortest: int = 3) -> bool:
    """Tell whether a text only stands in the place of a secret: a variable, a hole to fill in, a word for it.

    Examples
    --------
    >>> [stands_for_another(text) for text in ("$PASS", "<pw>", "{password}", "PASSWORD", "password", "hunter2")]
    [True, True, True, True, True, False]
    """
    if len(value) < shortest or any(sign in value for sign in ("<", ">", "{", "}", "`", "$(", "***", "...")):
        return True
    if value[0] in "$%*" or value.lower() in _WORDS or value.lower().startswith(("your", "my_", "my-", "example")):
        return True
    return value.isupper() and not any(map(str.isdigit, value)) and len(value) < 40


def _given(key: str, found: re.Match[str]) -> Given:
    return Given(key, found["value"], found.start("value"), found.end("value"), quoted=True)

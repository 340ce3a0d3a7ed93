"""Forms in which code and settings give a secret away beyond doubt, other than ``password=...``.

Each is looked for where a word of its stands, and takes a time that grows with the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ...config.secret_keys import is_login, secret_key
from .assignments import Given, is_literal
from .commands import on_command_lines, stands_for_another

_QUOTED = r"""(?P<quote>["'])(?P<value>(?:(?!(?P=quote))[^\r\n\\]){3,200})(?P=quote)"""
_TEXT = r"""["'][^"'\r\n]{1,100}["']"""
_NEXT = r"\s{0,40},\s{0,40}"
_KEY = r"(?P<key>[A-Za-z][\w.-]{1,60})"

# The word by which each is found; what leads to the value, or to a key and its value.
_LEADS: tuple[tuple[str, str], ...] = (
    ("get", rf"""(?:get|getenv)\(\s{{0,40}}["']{_KEY}["']{_NEXT}(?:default\s?=\s?)?{_QUOTED}"""),
    ("setdefault", rf"""setdefault\(\s{{0,40}}["']{_KEY}["']{_NEXT}{_QUOTED}"""),
    ("env", rf"""(?:putenv|setenv)\(\s{{0,40}}["']{_KEY}["']{_NEXT}{_QUOTED}"""),
    ("default", rf"""["']--?{_KEY}["'],[^()]{{0,300}}?\bdefault\s?=\s?{_QUOTED}"""),
    ("auth", rf"(?i:auth)\s?=\s?\(\s{{0,40}}{_TEXT}{_NEXT}{_QUOTED}"),
    ("Auth", rf"(?:Auth|Credentials)\(\s{{0,40}}(?:\w{{1,20}}\s?=\s?)?{_TEXT}{_NEXT}(?:\w{{1,20}}\s?=\s?)?{_QUOTED}"),
    ("login", rf"\.login\(\s{{0,40}}{_TEXT}{_NEXT}{_QUOTED}"),
    ("login", rf"\blogin\([^()]{{0,100}}?\bkey\s?=\s?{_QUOTED}"),
    ("set_password", rf"set_password\(\s{{0,40}}{_TEXT}{_NEXT}{_TEXT}{_NEXT}{_QUOTED}"),
    ("machine", r"\bmachine\s{1,20}[\w.-]{1,100}\.\w{1,20}\s{1,40}login\s{1,20}\S{1,100}\s{1,40}"
                r"(?:account\s{1,20}\S{1,100}\s{1,40})?(?P<quote>)password\s{1,20}(?P<value>[^\s\"']{3,200})"),
    ("5432", r"(?m)^[^\s:]{0,10}[\w.*-]{1,100}:5432:[^:\s]{1,60}:[^:\s]{1,60}:(?P<quote>)(?P<value>[^\s:\"']{3,200})$"),
    (" BY ", r"\bIDENTIFIED(?: WITH \w{1,40})? BY (?P<quote>['\"])(?P<value>[^'\"\r\n]{3,200})"),
    ("PASSWORD '", r"\bPASSWORD (?P<quote>')(?P<value>[^'\r\n]{3,200})"),
)  # fmt: skip
_SPACED = (
    r"(?m)(?:^|(?<=\"))[ \t]{0,20}(?:%(?:set_)?env|setenv|setx|set[ \t]-[gUx]{1,3}|ENV)[ \t]{1,8}"
    r"(?P<key>[A-Za-z]\w{1,60})[ \t]{1,8}(?P<quote>[\"'])?(?P<value>(?(quote)[^\"'\r\n]|[^\s\"'=]){3,500})"
)
# A pair of a name and a value, as the variables of a container are listed: in YAML, JSON, Terraform, Python.
_PAIR = (
    r"""(?<![\w.-])(?:[Nn]ame|[Kk]ey)["']?[ \t]{0,8}[:=][ \t]{0,8}["']?(?P<key>[A-Za-z][\w.-]{1,60})["']?"""
    r"""[ \t\r]{0,80}(?:,\s{0,80}|\n[ \t]{0,80})["']?[Vv]alue["']?[ \t]{0,8}[:=][ \t]{0,8}"""
    r"""(?P<quote>["'])?(?P<value>(?(quote)[^"'\r\n]|[^\s"'#;,{}]){3,500})"""
)
_KAGGLE = r'"username"\s{0,8}:\s{0,8}"[^"\n]{1,80}"\s{0,8},\s{0,40}"key"\s{0,8}:\s{0,8}"(?P<value>[0-9a-f]{32})"'
_TOKEN = (
    r"(?i:authorization)[\"']?\]?\s{0,8}[:=]\s{0,8}[\"']?(?i:token|apikey|api-key|key)[ \t]{1,4}"
    r"(?P<value>[\w.~+/=-]{16,500})"
)
_DOCKER = r"\b_?auth[\"']?\s{0,8}[:=]\s{0,8}[\"']?(?P<value>[A-Za-z0-9+/]{8,2000}={0,2})(?![\w+/=])"
# Behind such a character, or such a word, even a value without quotes is no name of a variable: in an address, a
# header, the parts of a connection, a command.
_CERTAIN = re.compile(
    r"""[?&;][ \t]?\Z|(?<![\w-])--?(?:D|P)?\Z|:_\Z|\w=[^\s,"'()]{1,100}[ \t]{1,4}\Z"""
    r"""|(?:%(?:set_)?env|\bexport|\bsetx?|\bsetenv|\bENV|\bARG)[ \t]{1,8}\Z|(?:-H|--header)[ \t=]{1,4}["']?\Z"""
    r"""|(?<![\w-])(?:-e|--env|--build-arg|env)[ \t]{1,4}\Z|(?<![\w-])--[\w-]{1,40}=\Z"""
)
_FAR = 120


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def in_forms(text: str) -> Iterator[Given]:
    """Find the secrets that a text gives away in other forms than ``key=value``, on command lines among them.

    Examples
    --------
    >>> [one.value for one in in_forms('requests.get(url, auth=("ann", "hunter2")); os.getenv("PASSWORD", "hunter3")')]
    ['hunter3', 'hunter2']
    """
    for word, pattern in _LEADS:
        if word in text:
            for found in _compiled(pattern).finditer(text):
                key = found.groupdict().get("key") or "password"
                value = found["value"]
                if secret_key(key, value) and is_literal(key, value, bare=False) and not _only_named(value):
                    yield _given(key, found)
    spaced = ("env" in text or "set" in text or "ENV" in text) and _compiled(_SPACED).finditer(text)
    pairs = ("value" in text or "Value" in text) and _compiled(_PAIR).finditer(text)
    for found in (*(spaced or ()), *(pairs or ())):
        key, value = found["key"], found["value"]
        if secret_key(key, value) and is_literal(key, value, bare=not found["quote"]) and not _only_named(value):
            yield _given(key, found)
    if '"username"' in text:
        yield from (_given("key", found) for found in _compiled(_KAGGLE).finditer(text))
    if "uthorization" in text or "AUTHORIZATION" in text:
        for found in _compiled(_TOKEN).finditer(text):
            if sum(map(str.isdigit, found["value"])) >= 2:
                yield _given("authorization", found)
    if "auth" in text:
        yield from (_given("auth", found) for found in _compiled(_DOCKER).finditer(text) if is_login(found["value"]))
    yield from on_command_lines(text)


def certain(text: str, one: Given) -> bool:
    """Tell whether what a text gives to a key is a literal even in code, where a bare word is a variable's name."""
    if one.quoted:
        return True
    at = text.rfind(one.key, max(0, one.start - 2 * _FAR), one.start)
    before = text[max(0, at - _FAR) : at]
    if _CERTAIN.search(before) is not None:
        return True
    quote = before[-1:]  # a text that says this and nothing else: "X-Api-Key: abc"
    return quote in ("'", '"') and text[one.stop : one.stop + 1] == quote and text[at + len(one.key)] in ":="


def _only_named(value: str) -> bool:
    """Tell whether a text is the name of a secret, or stands in its place."""
    return stands_for_another(value) or (value.isidentifier() and secret_key(value) and not value[-1].isdigit())


def _given(key: str, found: re.Match[str]) -> Given:
    return Given(key, found["value"], found.start("value"), found.end("value"), quoted=True)

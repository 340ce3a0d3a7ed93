"""What a file says, as text, whatever its encoding; and whether it is settings, which have no quotes around values."""

from __future__ import annotations

import re

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_HEAD = 8000
_SUFFIXES = frozenset((
    "bash", "bat", "cfg", "cmd", "cnf", "conf", "config", "containerfile", "csh", "dockerfile", "env", "fish", "ini",
    "job", "ksh", "mk", "md", "pbs", "plist", "properties", "ps1", "repo", "rst", "sbatch", "service", "sh", "slurm",
    "tcsh", "tfvars", "toml", "txt", "xml", "yaml", "yml", "zsh",
))  # fmt: skip
_NAMES = ("dockerfile", "containerfile", "makefile", "gnumakefile")

# What gives a value to a key in markup, by the name of the element, or by attributes.
_MARKUP = (
    r"<(?:[\w-]{1,40}:)?(?P<key>[A-Za-z][\w.-]{1,60})(?:\s[^<>]{0,200})?>\s{0,80}(?P<value>[^<>]{3,500}?)\s{0,80}</",
    r"""\b(?:name|key|id)\s?=\s?["'](?P<key>[\w.:-]{1,60})["'][^<>]{0,200}?\bvalue\s?=\s?["'](?P<value>[^"'<>]{3,500})["']""",
    r"""\bvalue\s?=\s?["'](?P<value>[^"'<>]{3,500})["'][^<>]{0,200}?\b(?:name|key|id)\s?=\s?["'](?P<key>[\w.:-]{1,60})["']""",
    r"""\b(?:name|key|id)\s?=\s?["'](?P<key>[\w.:-]{1,60})["'][^<>]{0,200}>\s{0,80}(?P<value>[^<>]{3,500}?)\s{0,80}</""",
    r"<key>(?P<key>[^<>]{1,60})</key>\s{0,80}<string>(?P<value>[^<>]{3,500})</string>",
)
# Only around such words is markup looked at closely: that is slow.
_TELLING = re.compile(r"(?i)pass|pwd|secret|token|\w.?key|cred|jwt|cookie")
_NEAR = 1000
_ESCAPED = re.compile(r'\\(["\\/ntr])')


def as_text(content: bytes) -> str | None:
    r"""Give the text that a file holds; None if it holds none.

    Examples
    --------
    >>> as_text("pässwort".encode("utf-16")), as_text(b"caf\xe9"), as_text(bytes(range(64)))
    ('pässwort', 'caf�', None)
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    head = content[:_HEAD]
    if b"\0" not in head:
        return content.decode("utf-8", "replace")
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):  # a text of Latin letters without a mark
        if head[first::2].count(0) > len(head) * 0.4 and head[1 - first :: 2].count(0) < len(head) * 0.05:
            return content.decode(encoding, "replace")
    return None


def is_settings(name: str) -> bool:
    """Tell by its name whether a file holds settings: it ends like them, or has no ending at all, as a `Makefile`.

    Examples
    --------
    >>> [is_settings(name) for name in ("db.yml", "docker/Dockerfile.gpu", ".my.cnf", ".bashrc", "train.py")]
    [True, True, True, True, False]
    """
    base = name.rpartition("/")[2].lower()
    stem, _, suffix = base.rpartition(".")
    return not stem or suffix in _SUFFIXES or base.split(".")[0] in _NAMES


def unescaped(text: str) -> str:
    r"""Give the texts in JSON, such as the cells of a notebook, as they read, without taking the JSON apart.

    Examples
    --------
    >>> unescaped(r'["os.environ[\"A\"] = 1\n", "%env B=2"]')
    '["os.environ["A"] = 1\n", "%env B=2"]'
    """
    return _ESCAPED.sub(lambda found: {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1]), text)


def given_in_markup(text: str) -> list[tuple[str, str]]:
    """Find what XML gives to keys: elements with a text, and attributes that go together.

    Examples
    --------
    >>> given_in_markup('<login><password>hunter2</password><add key="Token" value="abc-1"/></login>')
    [('password', 'hunter2'), ('Token', 'abc-1')]
    """
    pairs: list[tuple[str, str]] = []
    looked = 0
    for hit in _TELLING.finditer(text):
        if hit.start() >= looked:
            looked = hit.end() + _NEAR
            near = text[max(0, hit.start() - _NEAR) : looked + _NEAR]
            pairs += [(found["key"], found["value"]) for pattern in _MARKUP for found in re.finditer(pattern, near)]
    return pairs


def is_markup(name: str, text: str) -> bool:
    """Tell whether a text is XML, or something like it."""
    return name.lower().endswith((".xml", ".config", ".plist", ".props", ".csproj")) or text.lstrip()[:5] == "<?xml"

"""A YAML text without the secrets in it, and otherwise as it was written: comments, order, quotes, ends of lines.

What is masked is found by where the parser says that a value stands; nothing is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from ...config.secret_keys import MASKED, key_of, secret_key
from ...config.yaml import PREFIX, SCALARS
from .credentials import mask_text, telling

if TYPE_CHECKING:
    Keep = Callable[[str], bool]
    Edit = tuple[int, int, str]

# What a value of each kind is like, for whoever judges its key.
_KINDS: dict[str, object] = {"null": None, "bool": True, "int": 7, "float": 0.5}
_HEAD = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n?")
_BODY = re.compile(r"\S(?:.*\S)?", re.DOTALL)


class _Loader(yaml.SafeLoader):
    """Tells where tokens and nodes stand, to the letter; the C parser counts otherwise behind some letters."""

    yaml_implicit_resolvers: ClassVar[dict[str | None, list[Any]]] = {}  # type: ignore[misc]  # the stubs mean an instance's


for _kind, _pattern, _first in SCALARS:
    _Loader.add_implicit_resolver(PREFIX + _kind, re.compile(f"^(?:{_pattern})$"), list(_first))


def mask_yaml(text: str, known: Sequence[str] = (), keep: Keep = lambda text: False) -> str:
    """Mask the secrets in a YAML text, and leave everything else of it as it is, byte for byte.

    A value is masked because of its key, or a key around it; a part of a value, because of its form. What was masked
    because of its key is masked in the rest of the text, too, and so is what a comment says of a key in so many words.

    Parameters
    ----------
    text
        The text.
    known
        Secrets that are known from elsewhere.
    keep
        Tells of a value that it only refers to a secret, such as ``$API_TOKEN``, and may stay.

    Examples
    --------
    >>> mask_yaml("login: {user: ann, password: hunter2}  # as ever")
    "login: {user: ann, password: '***'}  # as ever"
    """
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text[len(bom) :]
    try:
        masked = _Text(text, known, keep).masked()
        if masked != text:
            yaml.compose(masked, Loader=_Loader)
        return bom + masked
    except (yaml.YAMLError, RecursionError):
        for secret in known:
            text = text.replace(secret, MASKED)
        return bom + "".join(map(mask_text, text.splitlines(keepends=True)))


def secrets_in(text: str, keep: Keep = lambda text: False) -> list[str]:
    """List the values in a YAML text that have the key of a secret, and can be known again where they are repeated.

    Examples
    --------
    >>> secrets_in("login: {user: ann, password: hunter2}")
    ['hunter2']
    """
    try:
        return _Text(text.removeprefix("\ufeff"), (), keep).repeatable()
    except (yaml.YAMLError, RecursionError):
        return []


class _Text:
    """One text: its nodes, which of them are secret, and where they stand."""

    def __init__(self, text: str, known: Sequence[str], keep: Keep) -> None:
        self._text = text
        self._keep = keep
        self._tokens = list(yaml.scan(text, Loader=_Loader))
        self._nodes: dict[int, yaml.ScalarNode] = {}
        self._secret: set[int] = set()
        self._walked: set[tuple[int, tuple[str, ...], str]] = set()
        root = yaml.compose(text, Loader=_Loader)
        if root is not None:
            self._walk(root, ())
        self._known = sorted({*known, *self.repeatable()}, key=len, reverse=True)

    def repeatable(self) -> list[str]:
        """List the secrets that can be known again."""
        nodes = (node for node in self._nodes.values() if id(node) in self._secret and isinstance(_like(node), str))
        return [value for value in dict.fromkeys(node.value.strip() for node in nodes) if telling(value)]

    def _walk(self, node: Any, keys: tuple[str, ...], within: str = "") -> None:
        """Judge a node; `keys` are those around it that name a secret, `within` is that of its section."""
        if (id(node), keys, within) in self._walked:
            return
        self._walked.add((id(node), keys, within))
        if isinstance(node, yaml.ScalarNode):
            self._nodes[id(node)] = node
            if any(secret_key(key, _like(node)) for key in keys) and not self._keep(node.value):
                self._secret.add(id(node))
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._walk(item, keys, within)
        elif node.tag == PREFIX + "set":
            for item, _ in node.value:
                self._walk(item, keys)
        else:
            section = {
                name.value: value.value
                for name, value in node.value
                if isinstance(name, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
            }
            for name, value in node.value:
                self._walk(name, ())
                key = name.value if isinstance(name, yaml.ScalarNode) else ""
                key = key_of(section, key) if within else key
                named = secret_key(key, _like(value), within)
                self._walk(value, (*keys, f"{within}.{key}" if key.lower() == "key" else key) if named else keys, key)

    def masked(self) -> str:
        """Give the text without its secrets."""
        made, end = [], 0
        for start, stop, new in sorted(self._edits()):
            made += [self._text[end:start], new]
            end = stop
        return "".join(made) + self._text[end:]

    def _edits(self) -> Iterator[Edit]:
        """Give what has to be replaced, and by what."""
        scalars: dict[int, tuple[yaml.ScalarToken, yaml.TagToken | None]] = {}
        end = 0
        tag: yaml.TagToken | None = None
        for token in self._tokens:
            start, stop = token.start_mark.index, token.end_mark.index
            yield from self._remarks(end, start)
            end = max(end, stop)
            if isinstance(token, yaml.TagToken):
                tag = token
            elif isinstance(token, yaml.ScalarToken):
                scalars[stop] = token, tag
            if not isinstance(token, (yaml.TagToken, yaml.AnchorToken)):
                tag = None
        yield from self._remarks(end, len(self._text))
        for node in self._nodes.values():
            found = scalars.get(node.end_mark.index)
            if found is not None and node.value:
                yield from self._scalar(node, *found)

    def _remarks(self, start: int, stop: int) -> Iterator[Edit]:
        """Mask the comments between two tokens."""
        for match in re.finditer(r"#[^\r\n]*", self._text[start:stop]):
            new = self._without(mask_text(match[0]))
            if new != match[0]:
                yield start + match.start(), start + match.end(), new

    def _scalar(self, node: yaml.ScalarNode, token: yaml.ScalarToken, tag: yaml.TagToken | None) -> Iterator[Edit]:
        """Mask a single value, or what is secret in it."""
        start, stop = token.start_mark.index, token.end_mark.index
        written = self._text[start:stop]
        secret = id(node) in self._secret
        if token.style in ("|", ">"):
            yield from self._lines(start, written, secret=secret)
            return
        value = MASKED if secret else self._without(mask_text(node.value, self._keep))
        if value == node.value or not (secret or isinstance(_like(node), str)):
            return
        new = _written(MASKED, token.style) if secret else self._without(mask_text(written, self._keep))
        if not secret and not _reads(new, value):
            new = json.dumps(value, ensure_ascii=False)
        yield start, stop, new
        if secret and tag is not None:  # of a number, say
            yield tag.start_mark.index, tag.end_mark.index, "!!str"

    def _lines(self, start: int, written: str, *, secret: bool) -> Iterator[Edit]:
        """Mask a value that is written as lines; its head, with a comment perhaps, stays."""
        head = _HEAD.match(written)
        begin = 0 if head is None else head.end()
        yield from self._remarks(start, start + begin)
        body = _BODY.search(written, begin)
        if body is None:
            return
        new = MASKED if secret else self._without(mask_text(body[0], self._keep))
        if new != body[0]:
            yield start + body.start(), start + body.end(), new

    def _without(self, text: str) -> str:
        """Mask the secrets that are known."""
        for secret in self._known:
            text = text.replace(secret, MASKED)
        return text


def _like(node: Any) -> object:
    """Give a value of the kind that a node is of."""
    if isinstance(node, yaml.MappingNode):
        return {}
    if isinstance(node, yaml.SequenceNode):
        return []
    kind = node.tag.removeprefix(PREFIX)
    return _KINDS.get(kind, node.value)


def _written(text: str, style: str | None) -> str:
    """Write a short text, in the quotes that were there."""
    quote = '"' if style == '"' else "'"
    return f"{quote}{text}{quote}"


def _reads(written: str, value: str) -> bool:
    """Tell whether what is written reads as that value."""
    try:
        node = yaml.compose(written, Loader=_Loader)
    except yaml.YAMLError:
        return False
    return isinstance(node, yaml.ScalarNode) and node.value == value and node.tag == PREFIX + "str"

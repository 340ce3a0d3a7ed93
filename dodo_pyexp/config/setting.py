"""`Setting`: one value that is set inside a config, on a dotted way through sections and lists."""

from __future__ import annotations

from ..errors import ConfigError, nearest
from .config import Config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def short(text: str) -> str:
    """Write what a user typed so that it fits into a message."""
    return text if len(text) <= 200 else f"{text[:197]}..."


class Setting:
    """One override on its way down a config.

    Parameters
    ----------
    text
        The override as it was written, for messages.
    key
        The dotted path; ``a[0].b`` is ``a.0.b``.
    value
        The value.
    create
        Make the key, and the sections around it, if they are not there.
    kind
        Of which type such sections are made.
    what
        What the text is, for messages.

    Attributes
    ----------
    path
        The keys and positions that it led to, when it has been put in.

    Raises
    ------
    ConfigError
        The path has an empty part, here; or it leads nowhere, when the value is put in.
    """

    def __init__(
        self, text: str, key: str, value: Any, create: bool, kind: type[Any] = Config, what: str = "override"
    ) -> None:
        if "[" in key:
            key = key.replace("]", "").replace("[", ".").removeprefix(".")
        self.text, self.parts, self.value, self.create = short(text), tuple(key.split(".")), value, create
        self.path: tuple[Any, ...] = ()
        self._kind = kind
        self._said = f'{what} "{self.text}"'
        if "" in self.parts:
            raise ConfigError(f"{self._said} has an empty part in its key; join names by single dots")

    def put_into(self, config: dict[Any, Any]) -> None:
        """Set the value."""
        self._put(config, 0)

    def new(self, old: Any) -> Any:
        """Give the value to put in the place of another; None also where there is no other."""
        return self.value

    def _put(self, inner: Any, depth: int) -> Any:
        """Set the value in a section, and give the section, which is a new one for a tuple."""
        if isinstance(inner, dict):
            key, end = self._key(inner, depth)
            self.path = (*self.path, key)
            old = inner.get(key)
            inner[key] = self.new(old) if end == len(self.parts) else self._put(old, end)
            return inner
        if isinstance(inner, (list, tuple)):
            items = list(inner)
            index = self._index(items, depth)
            self.path = (*self.path, index % len(items))
            old = items[index]
            items[index] = self.new(old) if depth + 1 == len(self.parts) else self._put(old, depth + 1)
            return items if isinstance(inner, list) else tuple(items)
        if self.create:
            return self._put(self._kind(), depth)
        raise ConfigError(
            f'{self._said} goes inside "{self._path(depth)}", which is {inner!r}, no section; set it as a whole'
        )

    def _key(self, section: dict[Any, Any], depth: int) -> tuple[Any, int]:
        """Find the next key and where the path goes on; a key may have dots, or be a number itself."""
        for end in range(depth + 1, len(self.parts) + 1):
            name = ".".join(self.parts[depth:end])
            for key in (name, int(name)) if name.isdecimal() else (name,):
                if key in section:
                    return key, end
        name = self.parts[depth]
        if not self.create:
            known = [str(key) for key in section]
            path = self._path(depth + 1)
            hint = nearest(name, known) or (f"; there are {', '.join(known[:10])}" if known else "")
            raise ConfigError(f'{self._said}: there is no key "{path}"{hint}')
        return name, depth + 1

    def _index(self, items: list[Any], depth: int) -> int:
        """Read a list position."""
        part = self.parts[depth]
        path = self._path(depth)
        if not part.removeprefix("-").isdecimal():
            raise ConfigError(f'{self._said}: "{path}" is a list, so "{part}" must be a position in it')
        if not -len(items) <= int(part) < len(items):
            count = f"{len(items)} item{'' if len(items) == 1 else 's'}"
            raise ConfigError(f'{self._said}: "{path}" has {count}, so there is no position {part}')
        return int(part)

    def _path(self, depth: int) -> str:
        """Name the section at a depth."""
        return ".".join(self.parts[:depth])

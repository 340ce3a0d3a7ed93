"""`Origins`: where each value of a merged config was written down."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Keys = tuple[Any, ...]
    Place = tuple[str, int]

COMMAND_LINE = ("command line", 0)


def place_text(place: Place) -> str:
    """Write a place as ``file:line``; what has no lines, such as the command line, by its name.

    Examples
    --------
    >>> place_text(("a.yml", 7)), place_text(COMMAND_LINE)
    ('a.yml:7', 'command line')
    """
    return f"{place[0]}:{place[1]}" if place[1] else place[0]


class Origins(dict["Keys", "Place"]):
    """The file and line of each value, by its path of keys and list positions; ``()`` is the whole.

    Examples
    --------
    >>> origins = Origins({(): ("a.yml", 1), ("model",): ("a.yml", 3)})
    >>> origins.where("model", "width")
    'a.yml:3'
    """

    def place(self, *path: Any) -> Place:
        """Give the place of a value, or of the nearest section around it that was written down."""
        for end in range(len(path), -1, -1):
            found = self.get(path[:end])
            if found is not None:
                return found
        return ("the config", 0)

    def where(self, *path: Any) -> str:
        """Say ``file:line`` of a value, or of the nearest section around it."""
        return place_text(self.place(*path))

    def put(self, path: Keys, place: Place) -> None:
        """Note that a value, and what holds it, was set as a whole: what was known about its parts is gone."""
        depth = len(path)
        for known in [known for known in self if known[:depth] == path]:
            del self[known]
        for end in range(1, depth):
            if not any(known[:end] == path[:end] for known in self):
                self[path[:end]] = place
        self[path] = place

    def below(self, *path: Any) -> Origins:
        """Give the part that belongs to a section, seen from that section."""
        depth = len(path)
        found = Origins({keys[depth:]: place for keys, place in self.items() if keys[:depth] == path})
        found.setdefault((), self.place(*path))
        return found

    def table(self, tree: Any) -> dict[str, str]:
        """Give for each single value, list or empty section of a config its place, by its dotted path."""
        return {".".join(map(str, path)): self.where(*path) for path in _leaves(tree)}


def _leaves(tree: Any, path: Keys = ()) -> Iterator[Keys]:
    """Give the paths of what is no section; of lists of sections, those of their values."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(tree, list) and any(isinstance(item, (dict, list)) for item in tree):
        for index, item in enumerate(tree):
            yield from _leaves(item, (*path, index))
    else:
        yield path

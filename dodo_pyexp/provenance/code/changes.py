"""`changes`: what differs between two fingerprints, be it that modules have other names by now.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .reach import IMPORT

# Of pieces that use modules of the project: the hash without the modules' names, then what they use of them.
Meanings = Mapping[str, Sequence[str]]


def changes(
    before: Mapping[str, str], after: Mapping[str, str], meanings: tuple[Meanings, Meanings] = ({}, {})
) -> list[str]:
    """Tell what differs between two fingerprints: first what changed, then what was added, then what was removed.

    What only went to another file does not differ. So a project that becomes a git repository, which gives its files
    other names, keeps its results; and neither does what uses it from there. An import that is new or gone goes
    without saying: whatever uses it changed.

    Parameters
    ----------
    before, after
        The fingerprints.
    meanings
        Those of both, as far as they are known.

    Examples
    --------
    >>> changes({"model.py::loss": "1", "helper.py::f": "1"}, {"model.py::loss": "2", "helper.py::g": "1"})
    ['model.py::loss changed', 'helper.py::g added', 'helper.py::f removed']
    >>> changes({"helper.py::f": "1"}, {"lib/helper.py::f": "1"})
    []
    >>> changes({"exp.py::import f": "1", "old.py::f": "2"}, {"exp.py::import f": "3", "new.py::f": "2"})
    []
    >>> used = {"exp.py::run": ["5", "old.py::f"]}, {"exp.py::run": ["5", "new.py::f"]}
    >>> changes({"exp.py::run": "1", "old.py::f": "2"}, {"exp.py::run": "3", "new.py::f": "2"}, used)
    []
    """
    found = _Comparison(before, after, meanings)
    moved = {f"{IMPORT}{_inside(name)}" for name in found.moved}
    changed = []
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name] and not found.means_the_same(name, name):
            known = name in meanings[0] and name in meanings[1]
            if known or _inside(name) not in moved:
                changed.append(f"{name} changed")
    added = sorted(after.keys() - before.keys() - set(found.moved.values()))
    removed = sorted(before.keys() - after.keys() - found.moved.keys())
    both = {_inside(name) for name in added} & {_inside(name) for name in removed}
    told = [f"{name} added" for name in added if _inside(name) in both or not _inside(name).startswith(IMPORT)]
    told += [f"{name} removed" for name in removed if _inside(name) in both or not _inside(name).startswith(IMPORT)]
    return changed + told


def read_meanings(told: Any) -> Meanings:
    """Read meanings that were saved; whatever is there now may have been written over."""
    pairs = told.items() if isinstance(told, dict) else ()
    return {
        name: texts for name, texts in pairs if isinstance(texts, list) and texts and set(map(type, texts)) == {str}
    }


class _Comparison:
    """Which pieces only went to another file.

    Attributes
    ----------
    moved
        What they are called now, by what they were called.
    """

    def __init__(
        self, before: Mapping[str, str], after: Mapping[str, str], meanings: tuple[Meanings, Meanings]
    ) -> None:
        self._before = before
        self._meanings = meanings
        waiting: dict[tuple[str, str], list[str]] = {}
        for name in sorted(after.keys() - before.keys()):
            waiting.setdefault(self._key(name, after[name], 1), []).append(name)
        pairs = [
            (old, new)
            for old in sorted(before.keys() - after.keys())
            for new in waiting.get(self._key(old, before[old], 0), ())
        ]
        # Of several that look alike, the one that lies where the others of its file went is the same.
        together = Counter((_file(old), _file(new)) for old, new in pairs)
        self.moved: dict[str, str] = {}
        taken: set[str] = set()
        for old, new in sorted(pairs, key=lambda pair: -together[_file(pair[0]), _file(pair[1])]):
            if old not in self.moved and new not in taken:
                self.moved[old] = new
                taken.add(new)
        self._files = self._moved_files(before, after)
        for old, new in list(self.moved.items()):
            if before[old] != after[new] and not self.means_the_same(old, new):
                del self.moved[old]

    def means_the_same(self, old: str, new: str) -> bool:
        """Tell whether two pieces differ by the names of modules alone, and use the same of those."""
        one, other = self._meanings[0].get(old), self._meanings[1].get(new)
        if one is None or other is None or one[0] != other[0]:
            return False
        return [self._now(target) for target in one[1:]] == list(other[1:])

    def _key(self, name: str, digest: str, side: int) -> tuple[str, str]:
        meaning = self._meanings[side].get(name)
        return _inside(name), digest if meaning is None else meaning[0]

    def _now(self, target: str) -> str:
        """Give what was called `target` before the name that it has now."""
        if target in self._before:
            return self.moved.get(target, target)
        file = _file(target)  # a module as a whole, or what it got from elsewhere
        return f"{self._files.get(file, file)}::{_inside(target)}"

    def _moved_files(self, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
        """Tell which files have another name: nothing is left of the old one, and nothing was in the new one."""
        left, known = set(map(_file, after)), set(map(_file, before))
        found: dict[str, set[str]] = {}
        for old, new in self.moved.items():
            found.setdefault(_file(old), set()).add(_file(new))
        return {
            old: min(new) for old, new in found.items() if len(new) == 1 and old not in left and known.isdisjoint(new)
        }


def _file(name: str) -> str:
    """Give the file that a definition is in."""
    return name.partition("::")[0]


def _inside(name: str) -> str:
    """Give the name of a definition without that of its file."""
    return name.partition("::")[2]

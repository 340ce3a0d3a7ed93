"""`Relocation`: where the copies are of the folders that the user goes on editing.

Implements: pyexp guide, "`@pyexp.experiment` Parameters" (`stash`); docs/files-on-disk.md (`.snapshots/`).
"""

from __future__ import annotations

import os
import sys

from ... import engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any


class Relocation:
    """Folders of the user's, and for each the folder that holds a copy of its code.

    Parameters
    ----------
    pairs
        ``(folder, copy)``, both absolute and without links.
    first
        Folders in copies that modules are looked for in before all others; then nothing else of the folders is. For
        code of long ago, which is not what the folders hold.
    then
        For code of long ago, too: a file of the project (relative to its folder), by which the project is known
        wherever it lies now; the copy; and the time that the code was executed at, in seconds.
    """

    __slots__ = ("_known", "first", "imports", "pairs", "then")

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]],
        first: Iterable[str] = (),
        then: tuple[str, str, float] | None = None,
    ) -> None:
        # The innermost first: a folder may lie in another.
        self.pairs = sorted(pairs, key=lambda pair: -len(pair[0]))
        self.first = list(first)
        self.then = then
        self._known: dict[tuple[str, ...], list[str]] = {}
        self.imports: Any = None  # what leads the imports of this process, once somebody has asked for it

    def of(self, path: str) -> str | None:
        """Give the copy of a file or folder; None if there is none.

        The folder that pyexp itself is imported from stays: a project must not bring a pyexp of its own.
        """
        real = os.path.realpath(path)
        if real == engine.IMPORT_ROOT:
            return None
        for folder, copy in self.pairs:
            moved = copy if real == folder else f"{copy}{real[len(folder) :]}" if _inside(real, folder) else None
            if moved is not None and os.path.exists(moved):
                return moved
        if self.then is not None and self._found(real):
            return self.of(path)
        return None

    def is_users(self, folder: str) -> bool:
        """Tell whether the user's code lies in a folder: no copy of it, no library, and not pyexp itself."""
        real = os.path.realpath(folder) + os.sep
        if any(_inside(real, copy) for _, copy in self.pairs):
            return False
        if any(_inside(real, f"{engine.IMPORT_ROOT}/{name}") for name in ("dodo_pyexp", "pyexp")):
            return False
        if any(_inside(real, own) for own, _ in self.pairs):
            from ...provenance.roots import is_installed

            return not is_installed(real)
        return self.then is not None and self._found(real.removesuffix(os.sep))

    def _found(self, real: str) -> bool:
        """Tell whether a path of today leads into the project of then, which nobody has named so far."""
        from ...provenance.code.modules import is_first_party
        from ...provenance.roots import nearest_with

        mark, copy, _ = self.then or ("", "", 0.0)
        if not is_first_party(real + os.sep):  # a library may have a file of that name
            return False
        folder = nearest_with(real, [mark])
        if folder is None or _inside(f"{folder}{os.sep}", copy) or (folder, copy) in self.pairs:
            return False
        self.pairs.append((folder, copy))
        return True

    def check(self, path: str | None) -> None:
        """Refuse code of the user's that is in no copy, and younger than the code that is executed again.

        Only the user's folder has it, or it is reached through a link that leads out of a copy.

        Raises
        ------
        ImportError
            It is; so it may be another one than it was.
        """
        if self.then is None or path is None:
            return
        from ...provenance.code.modules import is_first_party

        real = os.path.realpath(path)
        if _inside(real, self.then[1]) or not is_first_party(real):
            return
        try:
            younger = os.stat(path).st_mtime > self.then[2]
        except OSError:
            return
        if younger:
            said = "is in no snapshot and was written after the run was executed, so it may be other code"
            raise ImportError(f"{path} {said}", path=path)

    def state(self) -> tuple[Any, ...]:
        """Give what makes the same relocation in another process."""
        return self.pairs, self.first, self.then

    def search_path(self, path: Sequence[str], more: Iterable[str] = ()) -> list[str]:
        """Give the module search path with the copies in place of the folders.

        The folders themselves come last: what is in no copy, such as the metadata of an editable install, is still
        found. So are, before them, the copies of `more`, folders that modules are found in by other ways.
        """
        key = (*path, "", *more)
        found = self._known.get(key)
        if found is None and self.first:
            mine = [entry for entry in path if self.of(entry) is not None]
            others = [entry for entry in path if entry not in mine]
            packages = [entry for entry in self.first if os.path.isfile(f"{entry}/__init__.py")]  # last in builds, too
            first = [entry for entry in self.first if entry not in packages]
            found = self._known[key] = list(dict.fromkeys([*first, *others, *packages, *mine]))
        if found is None:
            moved = {entry: copy for entry in path if (copy := self.of(entry)) is not None}
            others = [copy for entry in more if (copy := self.of(entry)) is not None]
            found = list(dict.fromkeys([*(moved.get(entry, entry) for entry in path), *others, *moved]))
            self._known[key] = found
        return found

    def readable(self, text: str) -> str:
        """Write in a text, instead of paths in copies, the paths of the files that the user knows."""
        for folder, copy in [] if self.first else self.pairs:
            if copy in text:
                text = text.replace(copy + os.sep, folder + os.sep)
        return text

    def original(self, path: str) -> str | None:
        """Give the user's file or folder that a path in a copy stands for."""
        for folder, copy in self.pairs:
            if path == copy or _inside(path, copy):
                return folder + path[len(copy) :]
        return None


def editable_folders() -> list[str]:
    """Give the folders of packages that were installed to be edited and are found by a finder of setuptools."""
    found: list[str] = []
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable__"):
            mapping = getattr(module, "MAPPING", None)
            places = mapping.values() if isinstance(mapping, dict) else ()
            found += [os.path.dirname(place) for place in places if isinstance(place, str)]
    return found


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)

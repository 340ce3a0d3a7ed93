"""Files of one name in the folders of two experiments: one process can import only one of them by that name.

So files are not imported together where one of them would be given a module of the other's without a word.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property

from .errors import UsageError
from .libraries import of_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class _Root:
    """A folder of modules, and the file that was the first to look for its own there."""

    def __init__(self, file: str, name: str, folder: str) -> None:
        self.file, self.name, self.folder = file, name, folder

    @cached_property
    def reached(self) -> dict[str, str]:
        """The modules in the folder that the file imports, at any place and by way of others, each with its file."""
        package = self.name.partition(".")[0]
        place = _place(self.folder, package)
        found = {package: place} if "." in self.name and place is not None else {}
        pending = [self.file]
        seen: set[str] = set()
        while pending:
            path = pending.pop()
            if path in seen:
                continue
            seen.add(path)
            for imported in _imported(path):
                parts = imported.split(".")
                for length in range(len(parts)):
                    place = _place(self.folder, *parts[: length + 1])
                    if place is not None:
                        found.setdefault(parts[0], place)
                        pending.append(place)
        return found


_roots: dict[str, _Root] = {}


def refuse_namesakes(file: str, name: str, root: str) -> None:
    """Take note that `file`, as module `name`, looks for its modules in `root`, on the search path from now on.

    Raises
    ------
    UsageError
        A module there has the name of one in the folder of an earlier file, and one of the two files imports it.
    """
    new = _Root(file, name, root)
    for other in _roots.values():
        if other.folder == root or other.folder not in sys.path:
            continue
        for mine, theirs in ((other, new), (new, other)):
            for top, path in mine.reached.items():
                namesake = _place(theirs.folder, top)
                if namesake is not None and not os.path.samefile(path, namesake) and path != mine.file:
                    raise UsageError(
                        f"{_shown(other.file)} and {_shown(file)} cannot be imported together, as {_shown(path)} and "
                        f"{_shown(namesake)} have one name; build them one at a time, or give one another name"
                    )
    _roots[root] = new


def refuse_strangers(files: Iterable[tuple[str, str, str]]) -> None:
    """Look whether files that are imported already find their own modules, whoever imported them, and by which means.

    A ``dodo.py`` or a script may have put several folders on the search path. What is found by a name is then decided
    by who came first, in this process as in those that execute runs.

    Parameters
    ----------
    files
        The files of experiments, each with its name as a module and the folder that the name is found in.

    Raises
    ------
    UsageError
        A file imports a module of its own folder, and another one of that name would be found in its place.
    """
    path = [os.path.realpath(folder) for folder in sys.path]
    for file, name, root in files:
        if root not in path:
            continue
        before = [folder for folder in path[: path.index(root)] if not of_library(folder)]
        strangers = {}
        for top in _names_in(root):
            place = _place(root, top)
            loaded = getattr(sys.modules.get(top), "__file__", None)
            found = [loaded] if isinstance(loaded, str) and not of_library(loaded) and os.path.isfile(loaded) else []
            found += filter(None, (_place(folder, top) for folder in before))
            others = [other for other in found if place is not None and not os.path.samefile(other, place)]
            if others and place != file:
                strangers[top] = others[0]
        reached = _Root(file, name, root).reached if strangers else {}
        for top, stranger in strangers.items():
            if top in reached:
                raise UsageError(
                    f"{_shown(file)} imports {_shown(reached[top])}, but {_shown(stranger)}, which has the same name, "
                    f"would be found in its place; give one of them another name, or build {_shown(file)} alone"
                )


def _names_in(folder: str) -> list[str]:
    try:
        return [name for name, suffix in map(os.path.splitext, os.listdir(folder)) if suffix in ("", ".py")]
    except OSError:
        return []


def _place(root: str, *names: str) -> str | None:
    path = os.path.join(root, *names)  # of a package and a file of one name, Python takes the package
    return next((place for place in (f"{path}/__init__.py", f"{path}.py") if os.path.isfile(place)), None)


def _imported(path: str) -> list[str]:
    import ast

    names = []
    try:
        with open(path, "rb") as file:
            nodes = list(ast.walk(ast.parse(file.read())))
    except (OSError, SyntaxError, ValueError, RecursionError):  # told when it is imported
        return []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _shown(path: str) -> str:
    return os.path.relpath(path)

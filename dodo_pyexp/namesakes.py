"""Files of one name in the folders of two experiments: one process can import only one of them by that name.

So files are not imported together where one of them would be given a module of the other's without a word.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property

from .errors import UsageError


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


def _place(root: str, *names: str) -> str | None:
    path = os.path.join(root, *names)
    return next((place for place in (f"{path}.py", f"{path}/__init__.py") if os.path.isfile(place)), None)


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

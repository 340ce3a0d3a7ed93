"""A copy of the source that a launch executes: whole packages with their data files, and single modules.

Implements: Expyrun readme, "What Expyrun Generates" (a copy of your source code).
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from .folder import ORIGINALS

LARGE = 100_000_000  # files beyond this many bytes are data that belongs elsewhere

_LEFT_OUT = {"__pycache__", ".git", ".hg", ".svn", ".venv", "node_modules", ".ipynb_checkpoints", ".mypy_cache",
             ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox"}  # fmt: skip
_COMPILED = (".pyc", ".pyo")
_EXTENSIONS = (".so", ".pyd", ".dylib")


def copy_source(
    code: str, home: str, folder: str, never: Iterable[str], elsewhere: list[str], secret: Iterable[str] = ()
) -> list[str]:
    """Copy the package or module that holds the entry point, and those beside it which it imports.

    Parameters
    ----------
    code
        The folder with the code.
    home
        The name of the package or module; or the path of a file.
    folder
        Where the copy goes.
    never
        Folders that are not copied, wherever they are.
    elsewhere
        Where modules are found that need no copy.
    secret
        Files that are known to hold secrets.

    Returns
    -------
    list of str
        What there is to say about things that were left out.
    """
    copy = _Copy(Path(code), Path(folder), set(map(os.path.realpath, never)), set(map(os.path.realpath, secret)))
    if os.path.isabs(home):
        inside = os.path.relpath(home, code)
        if inside.startswith(".."):
            return [f"{home} is outside of the folder with the code ({code}), so no copy of it is kept"]
        home = inside.split(os.sep)[0].removesuffix(".py")
    if copy.place(home) is None:
        return [f"the code of {home} is not in {code}, so no copy of it is kept"]
    pending, seen = [home], {home}
    while pending:
        place = copy.place(pending.pop())
        if place is None:
            continue
        copy.add(place)
        for name in sorted(copy.imported(place) - seen):
            seen.add(name)
            if name not in sys.stdlib_module_names and copy.place(name) and not _found(name, elsewhere):
                pending.append(name)
    return copy.notes


class _Copy:
    """One copy on its way."""

    def __init__(self, code: Path, folder: Path, never: set[str], secret: set[str]) -> None:
        self._code = code
        self._folder = folder
        self._never = never
        self._secret = secret
        self._ignored = _listed(code, "ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory")
        self._committed = _listed(code, "ls-tree", "-r", "-z", "--name-only", "HEAD")
        self._was_copied = os.path.isdir(code / ORIGINALS)  # by a launch, which left out what holds a secret
        self.notes: list[str] = []

    def place(self, name: str) -> Path | None:
        """Find a package or a module by its first name."""
        package, module = self._code / name, self._code / f"{name}.py"
        if os.path.isdir(package) and next(package.rglob("*.py"), None) is not None:
            return package
        if os.path.isfile(module):
            return module
        return next((one for one in self._code.glob(f"{name}.*") if one.suffix in _EXTENSIONS), None)

    def add(self, place: Path) -> None:
        """Copy a package or a module."""
        if os.path.isfile(place):
            self._file(place)
        else:
            for path in self._walk(place, set()):
                self._file(path)

    def imported(self, place: Path) -> set[str]:
        """Give the first names of all modules that a package or a module imports."""
        names: set[str] = set()
        for path in [place] if os.path.isfile(place) else self._walk(place, set()):
            if path.suffix != ".py":
                continue
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError, OSError, RecursionError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    names.update(alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module.split(".")[0])
        return names

    def _walk(self, folder: Path, above: set[str]) -> Iterator[Path]:
        """Give the files of a package; links are followed, but never in a circle."""
        real = os.path.realpath(folder)
        if real in above or real in self._never:
            return
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            path = Path(entry.path)
            if entry.name in _LEFT_OUT or self._is_ignored(path):
                continue
            if entry.is_dir():
                if not os.path.exists(path / "pyvenv.cfg"):
                    yield from self._walk(path, above | {real})
            elif entry.is_file() and not entry.name.endswith(_COMPILED):
                yield path

    def _is_ignored(self, path: Path) -> bool:
        relative = path.relative_to(self._code).as_posix()
        return path.suffix not in _EXTENSIONS and relative in self._ignored

    def _file(self, path: Path) -> None:
        from ...provenance.secrets.secret_files import secret_file

        relative = path.relative_to(self._code)
        size = path.stat().st_size
        if size > LARGE:
            self.notes.append(f"{relative} is not in the copy of the code: it has {size // 1_000_000} MB")
            return
        if secret_file(relative.as_posix()):
            self.notes.append(f"{relative} is not in the copy of the code: it looks like a secret")
            return
        reason = "holds a secret" if os.path.realpath(path) in self._secret else self._held(path, relative.as_posix())
        if reason:
            self.notes.append(f"{relative} is not in the copy of the code: it {reason}")
            return
        target = self._folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)

    def _held(self, path: Path, relative: str) -> str | None:
        """Say which secret a file holds; what was committed is its author's to decide on."""
        if relative in self._committed or self._was_copied:
            return None
        from ...provenance.secrets.secret_files import secret_content

        return secret_content(path.read_bytes(), relative)


def _listed(code: Path, *command: str) -> set[str]:
    """Name what a git command lists below the folder with the code; nothing if it lists that folder itself."""
    folder = code.resolve()
    if not any(os.path.exists(above / ".git") for above in (folder, *folder.parents)):
        return set()
    from ...provenance.snapshots.repository import Repository, SnapshotError

    try:
        repository = Repository.find(folder)
        if repository is None:
            return set()
        with repository:
            inside = folder.relative_to(repository.root.resolve()).as_posix()
            output = repository.run(*command, "--", inside)
    except SnapshotError:
        return set()
    prefix = "" if inside == "." else f"{inside}/"
    found = [os.fsdecode(item).rstrip("/") for item in output.split(b"\0") if item]
    if any(prefix.startswith(f"{item}/") for item in found):
        return set()
    return {item.removeprefix(prefix) for item in found if item.startswith(prefix)}


def _found(name: str, path: list[str]) -> bool:
    """Tell whether a module is found without the folder with the code."""
    try:
        spec = PathFinder.find_spec(name, path)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None

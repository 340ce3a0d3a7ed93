"""A git repository as the experiments see it: found from a file, read without leaving a trace in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, NoReturn

from ...errors import PyexpError
from ...store.outputs import experiment_folders

if TYPE_CHECKING:
    from git import Git, Repo

GITLINK = "160000"
REFS = "refs/pyexp/snapshots/"

# What Python and its tools leave behind counts as ignored, also where nobody wrote a `.gitignore`:
# with it in the snapshot, the first run of a module would already make the next snapshot a new one.
_LEFTOVERS = (
    "__pycache__/", "*.py[co]", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".hypothesis/",
    ".ipynb_checkpoints/", ".DS_Store", ".doit.db*",
)  # fmt: skip

# Settings of the user's that would write somewhere, start a program, or change what comes out.
_SETTINGS = (
    "core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.splitIndex=false", "core.safecrlf=false",
    "core.sparseCheckout=false", "core.logAllRefUpdates=false", "submodule.recurse=false",
    "i18n.commitEncoding=UTF-8", "gc.auto=0",
)  # fmt: skip

# Variables by which a surrounding git (a hook, say) points to a repository of its own.
_POINTERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")

# A clone without all objects would fetch those that are looked at: what is not here is not saved.
_OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}


class SnapshotError(PyexpError, RuntimeError):
    """Git refuses to save the code, or to give it back."""


@dataclass(frozen=True)
class Change:
    """One tracked path that differs from HEAD, in the index or in the work tree."""

    path: bytes
    added: bool  # HEAD does not have it.
    pending: bool  # The index does not have it as it is in the work tree.
    committed: str = ""  # The object that HEAD has of it, where that can be told.


@dataclass(frozen=True)
class Entry:
    """One path of an index."""

    path: bytes
    mode: str
    object: str
    tag: str  # As `git ls-files -v` marks it.


class Repository:
    """One git work tree, driven through GitPython. Close it, or use it as a context manager.

    Parameters
    ----------
    root
        Its top folder.
    inner
        It lies in another one, and may have come from anywhere: no program that its own settings name is started, as
        `git status` of the outer one starts none.
    """

    def __init__(self, root: Path, *, inner: bool = False) -> None:
        git = _gitpython()
        self.root = root
        self._repo: Repo = git.Repo(root)
        # GitPython knows no work tree of a bare repository, where git does: so the folder is given.
        self._git: Git = git.Git(root)
        self.git_dir = Path(self._repo.git_dir)
        self._env = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", **_OFFLINE}
        if any(name in os.environ for name in _POINTERS):
            common = Path(self._repo.common_dir)
            places = (self.git_dir, root, common, common / "objects")
            self._env.update(zip(_POINTERS, map(str, places), strict=True))

        if inner:
            self._env.update(_without_filters(self.names("config", "-z", "--show-scope", "--name-only", "--list")))

    @classmethod
    def find(cls, start: Path) -> Repository | None:
        """Open the innermost repository around a file or folder; None outside git."""
        here = start.resolve()
        for folder in (here, *here.parents):
            if os.path.exists(folder / ".git") and (found := cls.at(folder)) is not None:
                return found
        return None

    @classmethod
    def at(cls, root: Path, *, inner: bool = False) -> Repository | None:
        """Open the repository whose work tree is `root`; None when there is none."""
        git = _gitpython()
        if not os.path.exists(root / ".git"):
            return None
        try:
            return cls(root, inner=inner)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError):
            return None

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._git.clear_cache()
        self._repo.close()

    @property
    def index(self) -> Path:
        """The user's index, which may not exist yet."""
        return self.git_dir / "index"

    def run(
        self,
        *arguments: str,
        index: Path | None = None,
        stdin: bytes | None = None,
        env: dict[str, str] | None = None,
    ) -> bytes:
        """Run one git command in the work tree and give its output.

        Raises
        ------
        SnapshotError
            When the command fails, with what git says about it.
        """
        git = _gitpython()
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        command = [self._git.GIT_PYTHON_GIT_EXECUTABLE or "git", *settings, *arguments]
        # Always named, because a hook of git's may have named another one.
        variables = {**self._env, "GIT_INDEX_FILE": str(index or self.index), **(env or {})}
        with tempfile.TemporaryFile() as feed:
            feed.write(stdin or b"")
            feed.seek(0)
            try:
                output = self._git.execute(
                    command,
                    istream=feed,
                    env=variables,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
            except git.GitCommandNotFound:
                self._fail(arguments[0], "the program `git` is not there")
            except git.GitCommandError as error:
                self._fail(arguments[0], _last_words(error.stderr) or f"exit status {error.status}")
        return output

    def names(self, *arguments: str) -> list[bytes]:
        """Run a git command that ends every item of its output with a zero byte, and give the items."""
        return _split(self.run(*arguments))

    def entries(self, index: Path | None = None) -> Iterator[Entry]:
        """Walk over the paths of an index; a path in conflict comes once for each side."""
        for line in _split(self.run("ls-files", "-z", "-s", "-v", index=index)):
            marks, _, path = line.partition(b"\t")
            tag, mode, name, _ = marks.decode().split(" ", 3)
            yield Entry(path, mode, name, tag)

    def changes(self, index: Path | None = None) -> tuple[str | None, list[Change]]:
        """Give the commit of HEAD (None before the first one) and the tracked paths that differ from it.

        What lies inside a submodule is the submodule's own affair and not told here.
        """
        head: str | None = None
        found: list[Change] = []
        options = ("--branch", "-uno", "--no-renames", "--ignore-submodules=dirty")
        for line in _split(self.run("status", "--porcelain=v2", "-z", *options, index=index)):
            kind = line[:1]
            if line.startswith(b"# branch.oid "):
                commit = line.split(b" ", 2)[2].decode()
                head = None if commit == "(initial)" else commit
            elif kind == b"1":
                _, state, _, in_head, _, _, committed, _, path = line.split(b" ", 8)
                pending = state[1:2] != b"."
                found.append(Change(path, in_head == b"000000", pending, _blob(in_head, committed)))
            elif kind == b"u":
                _, _, _, _, in_head, _, _, _, committed, _, path = line.split(b" ", 10)
                found.append(Change(path, False, True, _blob(in_head, committed)))
        return head, found

    def untracked(self, exclude: Iterable[str] = (), index: Path | None = None) -> list[bytes]:
        """Give the files that are neither tracked nor ignored; an inner repository ends with a slash.

        The folders to exclude are not walked through, however full they are. The folders of experiments in any output
        folder of pyexp are not told, whatever they are called.
        """
        patterns = [*_LEFTOVERS, *("/" + _literal(path) for path in exclude)]
        options = [f"--exclude={pattern}" for pattern in patterns]
        found = _split(self.run("ls-files", "-z", "-o", "--exclude-standard", *options, index=index))
        outputs = tuple(folder + b"/" for folder in experiment_folders(found))
        return [path for path in found if not path.startswith(outputs)] if outputs else found

    def inside(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """Give those of the paths that lie in the work tree, relative to it, by all their names."""
        found: set[str] = set()
        for path in paths:
            absolute = Path(os.path.abspath(path))
            # A link in the work tree to a folder elsewhere is itself part of the work tree.
            for place in (absolute, absolute.parent.resolve() / absolute.name, absolute.resolve()):
                if place != self.root and place.is_relative_to(self.root):
                    found.add(place.relative_to(self.root).as_posix())
        return tuple(sorted(found))

    def _fail(self, command: str, words: str) -> NoReturn:
        hint = ""
        if "dubious ownership" in words:
            hint = f"; if you trust its owner, run `git config --global --add safe.directory {self.root}`"
        raise SnapshotError(f"`git {command}` fails in {self.root}: {words.rstrip('.')}{hint}.") from None


@contextmanager
def file_errors(root: Path) -> Iterator[None]:
    """Turn what the system says about files into one sentence."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or str(error)
        raise SnapshotError(f"The code in {root} cannot be saved or given back: {reason}{where}.") from error


def is_leftover(name: str) -> bool:
    """Tell whether a file or folder of this name is what Python and its tools leave behind."""
    return name.endswith((".pyc", ".pyo")) or f"{name}/" in _LEFTOVERS or name in _LEFTOVERS


def is_under(path: bytes, folders: tuple[bytes, ...]) -> bool:
    """Tell whether a path is one of the folders or files, or lies in one."""
    return any(path == folder or path.startswith(folder + b"/") for folder in folders)


def readable(path: bytes) -> str:
    """Give a path as text that can always be printed and saved."""
    return path.decode("utf-8", "backslashreplace")


def _gitpython() -> ModuleType:
    """Import GitPython, which wants the git program to be there."""
    try:
        import git
    except ImportError as error:
        raise SnapshotError(
            f"Git cannot be used ({_last_words(str(error)) or 'no reason given'}): "
            'install git, or use stash=False and dirty_git="ignore".'
        ) from None
    return git


def _last_words(text: str) -> str:
    """Give the line of git's complaint that says most."""
    lines = [line.strip().strip("'").strip() for line in text.replace("stderr: '", "").splitlines()]
    lines = [line for line in lines if line and not line.startswith("hint:")]
    for line in lines:
        if line.startswith(("fatal: ", "error: ")):
            return line.partition(": ")[2]
    return lines[-1] if lines else ""


def _without_filters(told: list[bytes]) -> dict[str, str]:
    """Give variables by which the filters that a repository defines do nothing.

    Parameters
    ----------
    told
        All settings that hold there, each with its scope in front.
    """
    own = [name for scope, name in zip(told[::2], told[1::2], strict=True) if scope in (b"local", b"worktree")]
    drivers = {name.rpartition(b".")[0] for name in own if name.lower().startswith(b"filter.")}
    settings = [
        (os.fsdecode(driver) + key, value)
        for driver in sorted(drivers)
        for key, value in ((".clean", ""), (".smudge", ""), (".process", ""), (".required", "false"))
    ]
    first = os.environ.get("GIT_CONFIG_COUNT", "")
    start = int(first) if first.isdecimal() else 0
    variables = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (key, value) in enumerate(settings, start):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _split(output: bytes) -> list[bytes]:
    """Split the output of a command that ends every item with a zero byte."""
    return [item for item in output.split(b"\0") if item]


def _blob(mode: bytes, name: bytes) -> str:
    """Name the object of a regular file; nothing for anything else."""
    return name.decode() if mode.startswith(b"100") else ""


def _literal(path: str) -> str:
    """Write a path as an ignore pattern that fits nothing but this path."""
    return "".join("\\" + letter if letter in "\\*?[] !#" else letter for letter in path)

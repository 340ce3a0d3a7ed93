"""`Watch`: which files this process opens to read, and the processes that it forks or starts, while somebody watches.

Python tells every audit hook which files it opens. A hook stays as long as its process, so there is one, which is left
alone while nobody watches, and has to be quick: it is called for other events, too, `id` among them.

Interpreters that a run starts import this module without the rest of pyexp (`startup`): it imports little.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import get_ident

from .callers import is_code
from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Set
    from typing import Any, NamedTuple

    from .places import Forms

    class Spec(NamedTuple):
        """What is watched, see `Places`; and where children tell what they have seen."""

        project: Forms
        left_out: Forms
        copies: list[tuple[str, str]]
        journal: str

    Seen = tuple[int, int, int, bool]
    """When a file was opened first, in nanoseconds; its size and time then; whether it is a copy in a snapshot."""


MOST = 1000  # files that are told one by one, and folders; of more files, the folders are told

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CREATING = os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NOTHING: frozenset[str] = frozenset()
_KNOWN = 100_000  # paths that are remembered, so as not to be looked at again
_REGULAR = 0o100000  # what stat.S_ISREG asks for
# Files that Python, or pyexp, may read for itself.
_CODE = (".py", ".pyc", ".pyw", ".pyi", ".so", ".pyd", ".zip", ".egg", ".whl", ".toml")


class Watch:
    """Notes what is read from `begin` to `end`.

    Parameters
    ----------
    spec
        What is watched.

    Attributes
    ----------
    reads, folders
        Files that were read, as the user calls them; and folders of files beyond the first `MOST`, with the time.
    """

    __slots__ = (
        "_is_child", "_journal", "_made", "_places", "_removed", "_writes", "covered", "folders", "known", "reads",
        "spec", "thread",
    )  # fmt: skip

    def __init__(self, spec: Spec | tuple[Any, ...]) -> None:
        self._journal: str = spec[3]
        self.spec = tuple(spec)
        self.thread = get_ident()
        self.reads: dict[str, Seen] = {}
        self.folders: dict[str, int] = {}
        self._writes: dict[str, int] = {}
        self._made: dict[str, int] = {}
        self._removed: set[str] = set()
        #: Paths, as they were written, that need no look any more; and beginnings of such paths.
        self.known: set[str] = set()
        self.covered: set[str] = set()
        self._places = Places(*spec[:3])
        self._is_child = False

    # -- what the hook tells ------------------------------------------------------------------------------------

    def read(self, path: Any) -> None:
        """Note that a file is opened to be read."""
        if type(path) is not str:
            if type(path) is int:
                return
            path = os.fsdecode(path)
        cut = path.rfind("/") + 1
        folder, file = path[:cut], path[cut:]
        place = self._places.of(folder)
        if place is None:
            return
        home, copied = place
        name = home + file
        try:
            info = os.stat(path)
        except OSError:  # it is not there, perhaps not yet
            return
        if info.st_mode & 0o170000 != _REGULAR or name in self.reads or name in self._writes:
            self._pass(path)
        elif ("." in file and not file.endswith(_CODE)) or not is_code(__name__):
            now = time.time_ns()
            if len(self.reads) < MOST:
                self.reads[name] = now, info.st_size, info.st_mtime_ns, copied
                self._tell("r", name, now, info.st_size, info.st_mtime_ns, copied)
                self._pass(path)
            else:
                if home not in self.folders and len(self.folders) < MOST:
                    self.folders[home] = now
                    self._tell("f", home, now)
                self.covered.add(folder)

    def wrote(self, path: Any, flags: int) -> None:
        """Note that a file is opened to be written, and read perhaps."""
        if type(path) is str and path.startswith(self._places.left_out):
            return
        if not flags & _CREATING and flags & os.O_RDWR:
            self.read(path)
        self._note(self._writes, path, "w")

    def made(self, path: Any) -> None:
        """Note that a file is made in another way than by writing it."""
        self._note(self._writes, path, "w")

    def made_folder(self, path: Any) -> None:
        """Note that a folder is made: what is in it is the run's own."""
        if not os.path.lexists(path):
            self._note(self._made, path, "m")

    def renamed(self, old: Any, new: Any) -> None:
        """Note that something gets another name: what is called so is the run's own."""
        if os.path.isdir(old):
            self._note(self._made, new, "m")
        else:
            self.made(new)

    def removed(self, path: Any) -> None:
        """Note that a file is removed."""
        name = self._places.name(path)
        if name in self.reads:
            self._removed.add(name)
            self._tell("d", name, time.time_ns())

    def moved(self) -> None:
        """Forget what relative paths mean."""
        self.known.clear()
        self.covered.clear()
        self._places.forget()

    def _pass(self, path: Any) -> None:
        if len(self.known) < _KNOWN:
            self.known.add(path)

    def _note(self, table: dict[str, int], path: Any, kind: str) -> None:
        name = self._places.name(path)
        if name and name not in table:
            now = table[name] = time.time_ns()
            self._tell(kind, name, now)

    # -- processes ----------------------------------------------------------------------------------------------

    def adopt(self, journal: str) -> None:
        """From here on this is the process of the run; those that it starts are to tell in `journal`."""
        self._journal, self._is_child, self.thread = journal, False, get_ident()
        self.spec = (*self.spec[:3], journal)

    def be_child(self) -> None:
        """In a process that the run has forked or started: tell at once, as it may be killed at any time."""
        self._is_child = True

    def _tell(self, kind: str, path: str, now: int, size: int = 0, mtime: int = 0, copied: bool = False) -> None:
        if not self._is_child:
            return
        name = path.encode("utf-8", "surrogateescape").hex()
        line = f"{kind} {now} {size} {mtime} {int(copied)} {name}\n".encode()
        # Opened for each line: a process may close every descriptor that it has not opened itself.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._journal, flags, 0o600)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)

    def gather(self) -> None:
        """Add what the children have told; leave out what was the run's own when it was read."""
        lines = []
        try:
            with open(os.open(self._journal, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                lines = file.read().split(b"\n")
            os.unlink(self._journal)
        except OSError:  # no child has seen anything
            pass
        if not (self.reads or lines):
            return
        for line in lines:
            try:
                kind, now, size, mtime, copied, name = line.split()
                path = os.fsdecode(bytes.fromhex(name.decode()))
                self._hear(kind, path, int(now), (int(size), int(mtime), copied == b"1"))
            except ValueError:  # it was cut off
                continue
        self.reads = {path: seen for path, seen in self.reads.items() if not self._is_own(path, seen[0])}
        for path in sorted(self.reads, key=self.reads.__getitem__)[MOST:]:
            self.folders.setdefault(path[: path.rfind("/") + 1], self.reads[path][0])
        if self.folders:
            self.reads = {
                path: seen for path, seen in self.reads.items() if path[: path.rfind("/") + 1] not in self.folders
            }
            self.folders = dict(list(self.folders.items())[:MOST])

    def _hear(self, kind: bytes, path: str, now: int, about: tuple[int, int, bool]) -> None:
        if kind == b"r":
            if path not in self.reads or self.reads[path][0] > now:
                self.reads[path] = now, *about
        elif kind == b"d":
            self._removed.add(path)
        else:
            table = {b"w": self._writes, b"m": self._made}.get(kind, self.folders)
            table[path] = min(now, table.get(path, now))

    def _is_own(self, path: str, read: int) -> bool:
        if path in self._removed or self._writes.get(path, read) < read:
            return True
        return any(when < read and path.startswith(f"{folder}/") for folder, when in self._made.items())

    def rewrote(self, path: str) -> bool:
        """Tell whether the run itself has written a file that it had read before."""
        return path in self._writes


class _Several:
    """Watches of several threads: each hears of its own thread, and all of them of any other."""

    known = covered = _NOTHING

    def __init__(self, watches: Iterable[Watch]) -> None:
        self.watches = list(watches)

    def __getattr__(self, name: str) -> Any:
        here = get_ident()
        mine = [watch for watch in self.watches if watch.thread == here] or self.watches

        def tell(*about: Any) -> None:
            for watch in mine:
                getattr(watch, name)(*about)

        return tell


_watches: list[Watch] = []
_watch: Watch | _Several | None = None
_covered: Set[str] = _NOTHING  # what that has covered, as each look at it counts here
_installed = False


def begin(watch: Watch) -> None:
    """Watch from here on."""
    global _installed
    _watches.append(watch)
    _choose()
    if not _installed:
        _installed = True
        os.register_at_fork(after_in_child=_be_children)
        try:
            sys.addaudithook(_hook)
        except Exception:  # a hook of somebody else's may forbid more of them
            return


def end(watch: Watch) -> None:
    """Watch no more."""
    if watch in _watches:
        _watches.remove(watch)
    _choose()


def _choose() -> None:
    global _watch, _covered
    _watch = None if not _watches else _watches[0] if len(_watches) == 1 else _Several(_watches)
    _covered = _NOTHING if _watch is None else _watch.covered


def _be_children() -> None:
    for watch in _watches:
        watch.be_child()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    watch = _watch
    if watch is None:
        return
    try:
        if event == "open":
            path = args[0]
            if _covered and path[: path.rfind("/") + 1] in _covered:
                return
            if args[2] & _WRITING:
                watch.wrote(path, args[2])
            elif path not in watch.known:
                watch.read(path)
        elif event in _OTHERS:
            _OTHERS[event](watch, args)
    except Exception:  # whatever a path is, whoever opens it is not to be troubled
        return


_OTHERS: dict[str, Any] = {
    "os.rename": lambda watch, args: watch.renamed(args[0], args[1]),
    "os.link": lambda watch, args: watch.made(args[1]),
    "os.symlink": lambda watch, args: watch.made(args[1]),
    "os.truncate": lambda watch, args: watch.made(args[0]),
    "os.mkdir": lambda watch, args: watch.made_folder(args[0]),
    "os.remove": lambda watch, args: watch.removed(args[0]),
    "os.chdir": lambda watch, args: watch.moved(),
}

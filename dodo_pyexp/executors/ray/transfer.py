"""Folders on their way between machines that share no file system: cut into pieces, and put together again.

A folder is told as entries: tuples of plain values that anybody can check. Pieces are lists of entries, and no piece
is larger than `PIECE`, so that neither end holds more than a few of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from typing import TYPE_CHECKING, Any

from ...store.opening import open_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    Entry = tuple[Any, ...]  # ("dir", path, mode) | ("link", path, target) | ("file", path, data, (mode, mtime) | None)

PIECE = 8 << 20  # bytes in a piece
_SMALL = 200  # bytes that an entry takes besides its data


class NodeFolder:
    """The folder of one build on a node that does not see the build's own.

    Parameters
    ----------
    name
        Of the build; nobody else uses it.
    """

    def __init__(self, name: str) -> None:
        self.path = os.path.join(tempfile.gettempdir(), f"pyexp-{os.getuid()}", name)

    def make(self) -> str:
        """Make it, for this user alone, and give its path."""
        parent = os.path.dirname(self.path)
        os.makedirs(parent, mode=0o700, exist_ok=True)
        if os.stat(parent).st_uid != os.getuid():
            raise PermissionError(f"{parent} belongs to somebody else")
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        return self.path

    def run(self, key: str) -> str:
        """Give the folder of one execution."""
        return f"{self.make()}/runs/{key}"

    def parcel(self, key: str) -> str:
        """Give the folder of something that came from the build."""
        return f"{self.make()}/parcels/{key}"


class Packer:
    """Tells a folder in pieces.

    Parameters
    ----------
    folder
        What to tell.
    leave_out
        Names at its top that are left out.
    only
        A name at its top: nothing else is told.
    """

    def __init__(self, folder: str, leave_out: Collection[str] = (), only: str | None = None) -> None:
        self._folder = folder
        self._only = only
        self._leave_out = leave_out

    def pieces(self, size: int = PIECE) -> Iterator[list[Entry]]:
        """Give it in pieces of about `size` bytes."""
        piece: list[Entry] = []
        room = size
        for relative, path, info in self._walk(""):
            if stat.S_ISDIR(info.st_mode):
                piece.append(("dir", relative, stat.S_IMODE(info.st_mode)))
            elif stat.S_ISLNK(info.st_mode):
                piece.append(("link", relative, self._target(path)))
            elif stat.S_ISREG(info.st_mode):
                with open_file(path) as file:
                    end = stat.S_IMODE(info.st_mode), info.st_mtime_ns
                    left = info.st_size
                    while True:
                        data = file.read(min(left, max(room, _SMALL))) if left else b""
                        left = left - len(data) if data else 0  # it may have shrunk
                        piece.append(("file", relative, data, None if left else end))
                        room -= len(data) + _SMALL
                        if room <= 0:
                            yield piece
                            piece, room = [], size
                        if not left:
                            break
            room -= _SMALL
            if room <= 0:
                yield piece
                piece, room = [], size
        if piece:
            yield piece

    def _target(self, path: str) -> str:
        """Give what a link says; from where it lies, if that is something in the folder: it will lie elsewhere."""
        target = os.readlink(path)
        for top in (self._folder, os.path.realpath(self._folder)):
            if target.startswith(f"{top}/"):
                return os.path.relpath(target, os.path.dirname(top + path[len(self._folder) :]))
        return target

    def _walk(self, below: str) -> Iterator[tuple[str, str, os.stat_result]]:
        with os.scandir(f"{self._folder}/{below}") as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            relative = f"{below}{entry.name}"
            if not below and (relative in self._leave_out or (self._only is not None and relative != self._only)):
                continue
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:  # something that the run left behind is tidying up
                continue
            yield relative, entry.path, info
            if stat.S_ISDIR(info.st_mode):
                yield from self._walk(f"{relative}/")


class Unpacker:
    """Puts a folder together from entries, in their order.

    Parameters
    ----------
    folder
        Where; nothing is ever written outside of it.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._open: Any = None
        self._name = ""
        os.makedirs(folder, exist_ok=True)

    def take(self, entry: Entry) -> None:
        """Put one entry in its place."""
        kind, relative = entry[:2]
        path = self._inside(relative)
        if kind == "dir":
            os.makedirs(path, exist_ok=True)
            os.chmod(path, entry[2] | 0o700)
        elif kind == "link":
            os.symlink(entry[2], path)
        else:
            self._write(path, entry[2], entry[3])

    def _write(self, path: str, data: bytes, end: tuple[int, int] | None) -> None:
        if self._name != path:
            self.close()
            self._name = path
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            self._open = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
        view = memoryview(data)
        while view:
            view = view[self._open.write(view) :]
        if end is not None:
            mode, moment = end
            os.fchmod(self._open.fileno(), mode)
            self.close()
            os.utime(path, ns=(moment, moment))

    def _inside(self, relative: str) -> str:
        parts = relative.split("/")
        if not relative or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{relative!r} does not lie in the folder")
        below = self.folder
        for part in parts[:-1]:
            below = f"{below}/{part}"
            if os.path.islink(below):
                raise ValueError(f"{relative!r} lies behind a link")
        return f"{self.folder}/{relative}"

    def close(self) -> None:
        """Close the file that is being written."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self._name = ""


class Parcel:
    """A folder of the build's, put into Ray piece by piece, for as many nodes as ask for it.

    Parameters
    ----------
    folder
        What it holds.
    key
        Names this very content.
    only
        A name in it: it holds nothing else.
    """

    def __init__(self, folder: str, key: str, only: str | None = None) -> None:
        import ray

        self.key = key
        self.refs = [ray.put(piece) for piece in Packer(folder, only=only).pieces()]

    def slip(self) -> tuple[str, list[Any]]:
        """Give what a node needs to unpack it."""
        return self.key, self.refs


def parcel_key(folder: str, mark: str = "") -> str:
    """Name the content of a folder as it is now: by its place, and when something in it was last put into place."""
    moment = os.stat(mark or folder).st_mtime_ns
    return hashlib.sha256(f"{folder}\0{moment}".encode("utf-8", "surrogateescape")).hexdigest()[:24]


def unpack_refs(root: str, slip: tuple[str, list[Any]]) -> str:
    """Unpack a parcel on this node, unless some other run has done so, and give the folder."""
    key, refs = slip
    place = NodeFolder(root).parcel(key)
    if os.path.isdir(place):
        return place
    import ray

    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(f"{place}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(place):
            shutil.rmtree(f"{place}.part", ignore_errors=True)
            unpacker = Unpacker(f"{place}.part")
            for ref in refs:
                for entry in ray.get(ref):
                    unpacker.take(entry)
            unpacker.close()
            os.rename(f"{place}.part", place)
    return place

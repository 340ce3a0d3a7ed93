"""What comes back from nodes that do not see the build's folder: logs as they grow, then everything the run saved.

On such a node an actor, the courier, reads the folders of the runs there; the build asks it for news, a few pieces
at a time, and puts them in place. As the courier is no part of any run, the log of a run that crashed arrives, too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from ...store import opening
from ...store import status as statuses
from ...store.paths import LOG, STATUS, AttemptFolder
from .transfer import PIECE, NodeFolder, Packer, Unpacker

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS = 0.25  # seconds the courier waits for something to tell
_LOG_PIECE = 1 << 20
_ARRIVING = ".arriving.tmp"


class Courier:
    """Lives on a node, and tells what there is of the runs executed on it.

    Parameters
    ----------
    root
        The name of the build's folder on this node.
    """

    def __init__(self, root: str) -> None:
        self._folder = NodeFolder(root)
        path = self._folder.make()
        self._lock = open(f"{path}/lock", "w", encoding="ascii")  # noqa: SIM115  # held as long as this process lives
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sweep(os.path.dirname(path), root)
        self._logs: dict[str, int] = {}
        self._begun: set[str] = set()
        self._sending: dict[str, Iterator[list[tuple[Any, ...]]]] = {}

    def news(self, ended: list[str], dropped: list[str]) -> list[tuple[str, tuple[Any, ...]]]:
        """Give what is new, about `PIECE` bytes of it at most.

        Parameters
        ----------
        ended
            Executions that have ended, and are to be sent whole.
        dropped
            Executions that nobody wants any more.
        """
        for key in dropped:
            self._forget(key)
        for key in ended:
            folder = self._folder.run(key)
            self._sending.setdefault(key, Packer(folder, {LOG}).pieces(PIECE // 2))
        until = time.monotonic() + WAIT_SECONDS
        while not (news := list(self._look())) and not self._sending and time.monotonic() < until:
            time.sleep(0.02)
        return news

    def _look(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        room = PIECE
        for key in self._keys():
            folder = AttemptFolder(self._folder.run(key))
            if key not in self._begun:
                status = statuses.read(folder)
                if "node" in status or status.get("state") != statuses.RUNNING:
                    self._begun.add(key)
                    if status.get("state") == statuses.RUNNING:  # how it ended is told last
                        yield key, ("status", status)
            while room > 0 and (data := _read(folder.log, self._logs.get(key, 0), _LOG_PIECE)):
                self._logs[key] = self._logs.get(key, 0) + len(data)
                room -= len(data)
                yield key, ("log", data)
        for key in list(self._sending):
            while room > 0:
                piece = next(self._sending[key], None)
                if piece is None:
                    yield key, ("end",)
                    self._forget(key)
                    break
                for entry in piece:
                    room -= len(entry[2]) if entry[0] == "file" else 100
                    yield key, entry
            if room <= 0:
                return

    def _keys(self) -> list[str]:
        try:
            return os.listdir(os.path.dirname(self._folder.run("-")))
        except OSError:
            return []

    def _forget(self, key: str) -> None:
        self._sending.pop(key, None)
        self._logs.pop(key, None)
        self._begun.discard(key)
        shutil.rmtree(self._folder.run(key), ignore_errors=True)

    def leave(self) -> None:
        """Delete everything of the build's on this node."""
        shutil.rmtree(self._folder.path, ignore_errors=True)


def _read(path: str, offset: int, most: int) -> bytes:
    try:
        with opening.open_file(path) as file:
            file.seek(offset)
            return file.read(most)
    except OSError:
        return b""


def _sweep(folder: str, own: str) -> None:
    """Delete what builds that were killed have left here: nobody holds the lock of theirs."""
    for name in os.listdir(folder):
        if name != own:
            with contextlib.suppress(OSError), open(f"{folder}/{name}/lock", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)


class Arrival:
    """Puts in place what a courier brings of one execution.

    Parameters
    ----------
    attempt
        Where everything goes; the status comes last.
    """

    def __init__(self, attempt: AttemptFolder) -> None:
        self._attempt = attempt
        self._unpacker: Unpacker | None = None

    def take(self, entry: tuple[Any, ...]) -> bool:
        """Take one entry; True when it was the last."""
        if entry[0] == "log":
            opening.add(self._attempt.log, entry[1])
        elif entry[0] == "status":
            statuses.write(self._attempt, entry[1])
        elif entry[0] == "end":
            self._settle()
            return True
        else:
            if self._unpacker is None:
                self._unpacker = Unpacker(f"{self._attempt.path}/{_ARRIVING}")
            self._unpacker.take(entry)
        return False

    def _settle(self) -> None:
        """Move everything from where it was put together to where it belongs."""
        if self._unpacker is None:
            return
        self._unpacker.close()
        folder = self._unpacker.folder
        for name in sorted(os.listdir(folder), key=lambda name: name == STATUS):
            place = f"{self._attempt.path}/{name}"
            if os.path.isdir(place) and not os.path.islink(place):
                shutil.rmtree(place)
            os.rename(f"{folder}/{name}", place)
        os.rmdir(folder)

    def drop(self) -> None:
        """Delete what has come so far, except for the log."""
        if self._unpacker is not None:
            self._unpacker.close()
            shutil.rmtree(self._unpacker.folder, ignore_errors=True)
            self._unpacker = None

"""One owner a run at a time: a lock that dies with its process; and many readers, where nobody may write meanwhile.

The lock is a `flock` on the run's own folder, so it leaves no file behind and needs no unlock command: the kernel
drops it when the process ends, however that happens. The process that executes the run holds it together with the
build: should the build be killed, the run stays locked until that one is gone as well.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from threading import local

from ..errors import UsageError
from .outputs import make_output
from .owner import Owner
from .paths import LOCKS, check_folder, shown

PATIENCE = 10.0  # seconds that a build waits for a `clean` that is removing something
CANNOT_LOCK = (errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


class RunLock:
    """The lock of one run's folder, or of an experiment's, held until `release`."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd
        _held.add(self)

    @classmethod
    def take(cls, folder: str, output: str | None = None, *, shared: bool = False) -> RunLock | None:
        """Make `folder`, and the `output` folder it is in, if need be, and lock it; None when somebody else has it.

        Never waits.

        With `shared`, others may have it as well, if they only read too.

        Raises
        ------
        UsageError
            The folder cannot be made or opened.
        """
        if output is not None:
            make_output(output)
        path, flags = folder, os.O_RDONLY
        while True:
            try:
                os.makedirs(folder, exist_ok=True)
                if path != folder:
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                fd = os.open(path, flags | os.O_CLOEXEC, 0o666)
            except OSError as error:
                check_folder(folder)
                raise UsageError(
                    f"cannot write to {shown(folder)}: {error.strerror}; choose another --output-dir"
                ) from None
            try:
                fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return None
            except OSError as error:
                if error.errno not in CANNOT_LOCK:
                    os.close(fd)
                    raise UsageError(f"cannot lock {folder}: {error.strerror}") from None
                if path == folder:  # NFS locks files, not folders
                    os.close(fd)
                    experiment, run = os.path.split(folder)
                    path, flags = f"{experiment}/{LOCKS}/{run}", os.O_RDWR | os.O_CREAT
                    continue
                return cls(fd)  # no locks at all here: better a build without them than none
            if _stands_at(fd, path):  # else the folder was deleted, or put aside, in between
                return cls(fd)
            os.close(fd)

    @classmethod
    def occupy(cls, folder: str) -> RunLock | None:
        """Lock an experiment's folder for a build that uses what lies in it; None if that cannot be had.

        Any number of builds may do so. `clean` locks it for itself alone, for as long as it takes to remove one thing:
        that is waited for.
        """
        end = time.monotonic() + PATIENCE
        while os.path.isdir(folder):
            try:
                lock = cls.take(folder, shared=True)
            except UsageError:  # it may only be read, say
                return None
            if lock is not None or time.monotonic() > end:
                return lock
            time.sleep(0.02)
        return None

    @classmethod
    def hold(cls, path: str) -> RunLock | None:
        """Lock a file, whose presence tells others that this process lives; None if that cannot be had."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return None
        return cls(fd)

    def release(self) -> None:
        """Give the lock back."""
        # Explicitly: a forked child may still hold a copy of the descriptor, and closing ours alone would not unlock.
        try:
            fcntl.flock(self.fd, fcntl.LOCK_UN)
        except OSError:  # it never was one: see above
            pass
        _held.discard(self)  # first: a fork of another thread's closes what is held, and must not meet a closed one
        os.close(self.fd)


def is_locked(folder: str) -> bool:
    """Tell whether somebody holds the lock of a run, without waiting for it; True if that cannot be told."""
    lock = os.path.join(os.path.dirname(folder), LOCKS, os.path.basename(folder))
    for path in (folder, lock):  # the second where folders cannot be locked
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # closing it gives it back at once
        except BlockingIOError:
            return True
        except OSError:
            continue
        else:
            return False
        finally:
            os.close(fd)
    return True


def at_work(owner: object, folder: str) -> bool:
    """Tell whether the owner that a status names may still be at work on the run in `folder`, or on a batch.

    Of a batch it is the manifest that is locked.

    A process of a container that shares this machine cannot be seen from here. Its lock can: only then is it looked at.
    """
    process = Owner.from_dict(owner)
    alive = process.alive()
    if alive is None and process.is_here():
        return is_locked(folder)
    return alive is not False


def _stands_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


_held: set[RunLock] = set()


class _HandedOn(local):
    lock: RunLock | None = None


_handed_on = _HandedOn()  # each thread forks for itself: two may have a build each


def hand_on(lock: RunLock | None) -> None:
    """From here on, forks that this thread makes keep `lock`; without that they keep none."""
    _handed_on.lock = lock


def _drop() -> None:
    """In a fork: hold on to nothing but what was handed on, or something left behind could lock a run for ever."""
    for lock in _held:
        if lock is not _handed_on.lock:
            os.close(lock.fd)
    _held.clear()


os.register_at_fork(after_in_child=_drop)

"""`Places`: in which folders files are somebody's data, and how the user calls these."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Forms = tuple[str, ...]
    Place = tuple[str, bool]
    """What the user calls a folder, with a slash behind; and whether it is a copy of that."""

_KNOWN = 100_000  # folders that are remembered
# What belongs to programs, and to nobody's data.
_PARTS = ("/site-packages/", "/dist-packages/", "/__pycache__/", "/.git/", ".egg-info/", ".dist-info/")
_SYSTEM = (
    "/proc/", "/dev/", "/sys/", "/run/", "/etc/", "/usr/share/", "/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/",
    "/System/", "/Library/",
)  # fmt: skip
_TEMPORARY = ("/tmp/", "/var/tmp/", "/private/tmp/", "/private/var/tmp/", "/private/var/folders/")
_SETTINGS = (".config/", ".cache/matplotlib/", ".cache/fontconfig/", ".matplotlib/", ".ipython/", ".jupyter/")


class Places:
    """Tells of folders, as they are written, whether files there count.

    Parameters
    ----------
    project
        Files below count, wherever it lies; others only if nobody else's. In all its `forms`.
    left_out
        Folders of which no file counts: that of the output, and those of pyexp itself.
    copies
        Folders that code runs from in place of others: ``(folder, copy)``.
    """

    __slots__ = ("_copies", "_inside", "_known", "_outside", "left_out")

    def __init__(self, project: Forms, left_out: Forms, copies: list[tuple[str, str]]) -> None:
        self._copies = [(folder + "/", copy + "/") for folder, copy in copies]
        self._inside = project
        programs = program_folders()
        #: Beginnings of paths that do not count though they lie in the project.
        self.left_out = (*left_out, *(folder for folder in programs if folder.startswith(project)))
        self._outside = (*left_out, *programs)
        self._known: dict[str, Place | None] = {}

    def of(self, folder: str) -> Place | None:
        """Find out how the user calls a folder that is written like this; None if files there are nobody's data."""
        if folder in self._known:
            return self._known[folder]
        if len(self._known) >= _KNOWN:
            self._known.clear()
        place = self._known[folder] = self._find(folder)
        return place

    def name(self, path: Any) -> str:
        """Give what the user calls a file; "" if it is nobody's data."""
        if type(path) is int:
            return ""
        path = os.fsdecode(path)
        cut = path.rfind("/") + 1
        place = self.of(path[:cut])
        return "" if place is None else place[0] + path[cut:]

    def forget(self) -> None:
        """Forget what relative paths mean: the current folder is another one."""
        self._known.clear()

    def _find(self, folder: str) -> Place | None:
        if not folder.startswith("/"):
            folder = f"{os.getcwd()}/{folder}"
        if "/./" in folder or "/../" in folder or "//" in folder:
            folder = _straight(folder)
        copied = False
        for own, copy in self._copies:  # code runs from copies; data beside it is the project's all the same
            if folder.startswith(copy):
                folder, copied = own + folder[len(copy) :], True
                break
        for form in self._inside[1:]:  # one file has one name
            if folder.startswith(form):
                folder = self._inside[0] + folder[len(form) :]
        if not copied and folder.startswith(self.left_out if folder.startswith(self._inside) else self._outside):
            return None
        return None if any(part in folder for part in _PARTS) else (folder, copied)


def _straight(folder: str) -> str:
    """Leave out dots and repeated slashes of a folder, unless that leads elsewhere because of a link."""
    straight = os.path.normpath(folder)
    if "/../" in folder:
        try:
            if not os.path.samefile(folder, straight):
                straight = os.path.realpath(folder)
        except OSError:
            straight = os.path.realpath(folder)
    return straight.rstrip("/") + "/"


def forms(*folders: str) -> Forms:
    """Give folders as paths begin in them, as they are called and with links followed."""
    found = [form.rstrip("/") + "/" for folder in folders for form in (folder, os.path.realpath(folder))]
    return tuple(dict.fromkeys(found))


_programs: dict[tuple[str | None, ...], Forms] = {}


def program_folders() -> Forms:
    """Give the folders of Python, of the system, of settings, and of what is temporary; found out once a process."""
    given = tuple(map(os.environ.get, ("TMPDIR", "TEMP", "TMP", "HOME")))
    if given not in _programs:
        python = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.__file__)}
        temporary = [folder for folder in given[:3] if folder and os.path.isabs(folder)]
        mine = forms(*python, *temporary)
        home = os.path.expanduser("~").rstrip("/")
        settings = [f"{home}/{folder}" for folder in _SETTINGS] if home.startswith("/") else []
        _programs[given] = (*(folder for folder in mine if folder != "/"), *_SYSTEM, *_TEMPORARY, *settings)
    return _programs[given]

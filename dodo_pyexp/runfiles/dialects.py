"""`Dialect`: how run files of one kind are recognised, read and carried out; each is found by its entry point.

Nothing else knows which dialects there are: one of them may come with another distribution.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import UsageError

if TYPE_CHECKING:
    from ..history.verdict import Reproduction
    from ..planning.definition import Definition
    from ..results.stored import StoredRun
    from .document import Reader
    from .wanted import Wanted

GROUP = "pyexp.dialect"  # of entry points
UNKNOWN, LIKELY, SURE, CERTAIN, BEYOND_DOUBT = range(5)  # how surely a file is of a dialect


class Shown(Protocol):
    """A run file as one dialect understands it."""

    def show(self) -> tuple[dict[Any, Any], dict[str, str]]:
        """Give the whole as data, and the place of each value."""


class Dialect(ABC):
    """One dialect of run files.

    Implements: docs/run-files.md.
    """

    #: As messages call it.
    name: str

    @abstractmethod
    def certainty(self, keys: Mapping[Any, Any]) -> int:
        """Say how surely a file with these keys at its top is of this dialect, from `UNKNOWN` to `BEYOND_DOUBT`."""

    def by_default(self, *, names_code: bool) -> int:
        """Say the same where no file tells: `names_code` if the command line names a file or a module with code."""
        return UNKNOWN

    @abstractmethod
    def read(self, reader: Reader, wanted: Wanted) -> Shown:
        """Read a run file, and the overrides of the command line; no code of the user's is imported.

        Raises
        ------
        PyexpError
            The file or an override is wrong.
        """

    @abstractmethod
    def run(self, reader: Reader, wanted: Wanted) -> int:
        """Carry out a run file, and give the exit status.

        Raises
        ------
        PyexpError
            Something in the file, in its code, on the command line or on this machine makes it impossible.
        """

    def declared(self, reader: Reader, wanted: Wanted) -> tuple[Definition, list[Definition]]:
        """Give the experiment that a run file declares, and those that it may depend on.

        Raises
        ------
        UsageError
            Files of this dialect tell their runs only when they are carried out.
        """
        raise UsageError(f"{wanted.path} tells its runs only when it is carried out: pyexp run {wanted.path}")

    def is_key(self, reader: Reader, name: str) -> bool:
        """Tell whether an option that stands behind the file means a key of its config."""
        return False

    def relaunch(self, run: StoredRun) -> Callable[..., Reproduction] | None:
        """Give what executes a run again that was launched from a file of this dialect, if its runs need their own way.

        What is given is called like `relaunch(at, tolerance=..., settings=..., note=..., live=..., unpickle=...)`.
        """
        return None


@cache
def dialects() -> list[Dialect]:
    """Give the dialects that are installed, by name."""
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    return [found[name].load() for name in sorted(found)]


def dialect_of(reader: Reader, *, names_code: bool = False) -> Dialect:
    """Recognise the dialect from the keys of the file; where they leave it open, from what it is merged with.

    Parameters
    ----------
    reader
        The file.
    names_code
        The command line names a file or a module.

    Raises
    ------
    MissingFile, ConfigError
        A file does not exist, or is no config file.
    """
    known = dialects()
    if not known:
        raise UsageError("pyexp is not installed as a whole: it knows no dialect of run files; install it with pip")
    for keys in reader.keys_in_order():
        best = max(known, key=lambda each: each.certainty(keys))
        if best.certainty(keys):
            return best
    return max(known, key=lambda each: each.by_default(names_code=names_code))

"""`File` and `Folder`: what a run reads, said in its config. The path is config; the content is an input."""

from __future__ import annotations

import os

from ..errors import ConfigError, ConfigTypeError
from .atoms import ATOMS, rebuilt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any, ClassVar

#: Some value of this process is an input: until then no config has to be searched for one, which would take a tenth
#: of a build of 10,000 runs with nothing to do.
_made = False
_CONTAINERS = (dict, list, tuple, set, frozenset)


class Input:
    """A path that a run reads.

    Attributes
    ----------
    path
        As it was written: relative to the experiment's project, or absolute.
    root
        The project's folder, once it is known; it is neither saved nor compared.
    """

    __slots__ = ("path", "root")

    kind: ClassVar[str]
    path: str
    root: str | None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        global _made
        name = type(self).__name__
        path = path.path if isinstance(path, Input) else path
        text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
        if not isinstance(text, str):
            raise ConfigTypeError(f"pyexp.{name} takes a path, not {path!r}")
        if not text or "\0" in text:
            raise ConfigTypeError(f"pyexp.{name} takes a path, and {text!r} is none")
        self.path = str.__str__(text)
        self.root = None
        _made = True

    @property
    def key(self) -> str:
        """What records call it: its path as it is written; of a folder, with a slash at the end."""
        return self.path

    @property
    def place(self) -> str:
        """The absolute path; of one whose project is not known, from the current folder."""
        return os.path.join(self.root or os.getcwd(), os.path.expanduser(self.path))

    def __fspath__(self) -> str:
        return self.path if self.root is None else self.place

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.path == self.path

    def __hash__(self) -> int:
        return hash((self.kind, self.path))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __str__(self) -> str:
        return self.path

    def __reduce__(self) -> Any:
        return _again, (type(self), self.path, self.root)


class File(Input):
    """A file that a run reads: ``{"data": pyexp.File("data/train.csv")}``; the function gets its `Path`.

    A relative path is relative to the experiment's project. A run is out of date when the content has changed.

    Raises
    ------
    ConfigTypeError
        It is no path.

    Examples
    --------
    >>> File("data/train.csv")
    File('data/train.csv')
    """

    __slots__ = ()
    kind = "file"


class Folder(Input):
    """A folder that a run reads, with everything in it; otherwise like `File`.

    Examples
    --------
    >>> Folder("data/images").path
    'data/images'
    """

    __slots__ = ()
    kind = "folder"

    @property
    def key(self) -> str:
        """Its path with a slash at the end."""
        return f"{self.path.rstrip('/')}/"


def _again(kind: type[Input], path: str, root: str | None) -> Input:
    value = kind(path)
    value.root = root
    return value


def as_input(item: Any, where: str) -> Input:
    """Read an item of `inputs`: a text means a file, or a folder where it ends in ``/``.

    Raises
    ------
    ConfigError
        It is no path; the message starts with `where`.
    """
    if isinstance(item, Input):
        return item
    try:
        text = os.fspath(item)
        return Folder(text) if text.endswith("/") and text != "/" else File(text)
    except (TypeError, ConfigTypeError):
        raise ConfigError(
            f'{where}: inputs must be a list of paths, such as ["data/train.csv"], not {item!r}'
        ) from None


def rooted(value: Input, root: str) -> Input:
    """Give an input whose project is known."""
    return _again(type(value), value.path, root)


def inputs_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Input]]:
    """Walk to the inputs in a config, each with its key path."""
    if not _made:
        return
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if type(item) in ATOMS:
            continue
        if isinstance(item, Input):
            yield (*path, key), item
        elif isinstance(item, _CONTAINERS):
            yield from inputs_in(item, (*path, key))


def replaced(value: Any, new: Callable[[Input], Any]) -> Any:
    """Put something else in the place of each input; containers are changed in place where that can be."""
    if isinstance(value, Input):
        return new(value)
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list, tuple, set, frozenset, Input)):
                dict.__setitem__(value, key, replaced(item, new))
    elif isinstance(value, list):
        value[:] = [replaced(item, new) for item in value]
    elif isinstance(value, tuple):
        return rebuilt(value, [replaced(item, new) for item in value])
    elif type(value) in (set, frozenset):
        return type(value)(replaced(item, new) for item in value)
    return value


def as_path(value: Input) -> Path:
    """Give the path as an experiment function gets it."""
    from pathlib import Path

    return Path(value.place)

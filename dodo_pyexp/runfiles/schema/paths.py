"""Types of values that are paths: plain ones, and files and folders that a run reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config.inputs import Input
from .schema import Type


@dataclass(frozen=True)
class PathType(Type):
    """A path, written as text.

    Parameters
    ----------
    make
        Makes the path.
    """

    make: Callable[[str], Any] = Path

    def __str__(self) -> str:
        return "a path"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return isinstance(value, Path)

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if not isinstance(value, (str, Path)):
            raise self.refuse(value)
        return self.make(str(value))


@dataclass(frozen=True)
class InputType(Type):
    """A file or a folder that a run reads, written as text or with its tag.

    Parameters
    ----------
    kind
        Which of the two.
    """

    kind: type[Input]

    def __str__(self) -> str:
        return f"a {self.kind.kind}"

    def exact(self, value: Any) -> bool:
        """As for `Type`."""
        return type(value) is self.kind

    def convert(self, value: Any) -> Any:
        """As for `Type`."""
        if type(value) is self.kind:
            return value
        if not isinstance(value, (str, Path)) or not str(value):
            raise self.refuse(value)
        return self.kind(value)

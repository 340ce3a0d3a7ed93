"""The native dialect of run files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..dialects import LIKELY, SURE, UNKNOWN, Dialect

if TYPE_CHECKING:
    from ...planning.definition import Definition
    from ..document import Reader
    from ..wanted import Wanted
    from .file import NativeFile


class Native(Dialect):
    """A function, a config, and how to vary it."""

    name = "native"

    def certainty(self, keys: Mapping[Any, Any]) -> int:
        """It names a function: ``entry``."""
        return SURE if "entry" in keys else UNKNOWN

    def by_default(self, *, names_code: bool) -> int:
        """What names nothing is ours."""
        return LIKELY

    def read(self, reader: Reader, wanted: Wanted) -> NativeFile:
        """Read a run file."""
        from .file import read

        return read(reader, wanted)

    def run(self, reader: Reader, wanted: Wanted) -> int:
        """Build what a run file declares, and give the exit status."""
        from .build import build

        return build(self.read(reader, wanted))

    def declared(self, reader: Reader, wanted: Wanted) -> tuple[Definition, list[Definition]]:
        """Give the experiment that a run file declares."""
        from .build import declared

        return declared(self.read(reader, wanted))


DIALECT = Native()

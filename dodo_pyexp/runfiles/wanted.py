"""`Wanted`: what somebody asked ``pyexp run`` for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError, nearest
from .document import Overrides

NORMAL, DRY_RUN, GENERATE_ONLY, PREPARE = "normal", "dry_run", "generate_only", "prepare"
MODES = (NORMAL, DRY_RUN, GENERATE_ONLY, PREPARE)


def run_mode(text: str) -> str:
    """Read a run mode, in any case, with ``-`` or ``_``.

    Raises
    ------
    UsageError
        There is no such mode.

    Examples
    --------
    >>> run_mode("DRY-RUN")
    'dry_run'
    """
    mode = text.strip().lower().replace("-", "_")
    if mode not in MODES:
        raise UsageError(f'there is no run mode "{text}"{nearest(mode, MODES)}; choose one of {", ".join(MODES)}')
    return mode


@dataclass
class Wanted:
    """A run file, and what the command line says besides.

    Parameters
    ----------
    path
        The run file.
    arguments
        The flags of a build, and `dry_run`.
    pre, post
        Files that are merged before and after it.
    conf
        Overrides ``KEY=VALUE``, read as YAML.
    pairs
        Overrides ``--KEY VALUE``, which take the type of what they replace.
    mode
        One of `MODES`.
    debug
        Write below ``DEBUG/``.
    workdir
        In place of the output folder that the file names.
    file, module
        In place of the file or the module that holds the entry point.
    words
        What was written behind ``pyexp run``.
    """

    path: Path
    arguments: Namespace
    pre: list[Path] = field(default_factory=list)
    post: list[Path] = field(default_factory=list)
    conf: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    mode: str = NORMAL
    debug: bool = False
    workdir: str | None = None
    file: str | None = None
    module: str | None = None
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("report", "jobs", "executor"):
            vars(self.arguments).setdefault(name, None)  # not every command takes them
        for name in ("list", "graph", "json", "dry_run"):
            vars(self.arguments).setdefault(name, False)
        if self.mode == DRY_RUN:
            self.arguments.dry_run = True
        elif self.arguments.dry_run:
            self.mode = DRY_RUN

    def overrides(
        self, own: Sequence[str] = (), section: str = "", *, later: bool = False, free: Sequence[str] = ()
    ) -> Overrides:
        """Give what is to be set in the document; see `Overrides`."""
        flags = [name.replace("_", "-") for name in vars(self.arguments)]
        return Overrides(self.conf, self.pairs, own, section, later, flags, free)

"""What a run reads, noted where it is executed, and handed over to the build with how it went.

Implements: docs/how-it-works.md, "What a run reads".
"""

from __future__ import annotations

import os

from .. import engine
from ..provenance.inputs import interpreters, watch
from ..provenance.inputs.places import forms
from ..store import atomic, status
from ..store.paths import INPUTS, AttemptFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..provenance.inputs.places import Forms
    from ..results.outcome import OwnFiles

# So many fit into the status; more are written to a file of their own.
FEW = 20


def folders_of(project: str, output: str) -> tuple[Forms, Forms]:
    """Give what `Watching` is to know of folders, in all their forms: found out by the build, and not for each run."""
    return forms(project), forms(output, engine.FOLDER, os.path.join(engine.IMPORT_ROOT, "pyexp"))


class Watching:
    """Watches from when it is made; for which run may be said later, in a process that was forked from this one.

    Parameters
    ----------
    watched
        See `folders_of`.
    copies
        Folders that code runs from in place of others: ``(folder, copy)``.
    """

    def __init__(self, watched: tuple[Forms, Forms], copies: list[tuple[str, str]]) -> None:
        self._own = watched[0][0]
        self._watch = watch.Watch((*watched, copies, ""))
        watch.begin(self._watch)

    def adopt(self, attempt: AttemptFolder) -> None:
        """Let this process be the run's, with all that it starts from here on."""
        self._watch.adopt(attempt.journal)
        interpreters.announce(self._watch)

    def end(self) -> None:
        """Watch no more."""
        watch.end(self._watch)
        interpreters.withdraw()
        self._watch.gather()

    def hand_over(self, attempt: AttemptFolder, state: dict[str, Any], own: OwnFiles) -> None:
        """Put what was read into the state of the run.

        Raises
        ------
        OSError
            It cannot be written.
        """
        told = self._told()
        if not told["files"] and not told["folders"]:
            return
        taken = os.path.lexists(attempt.inputs)
        if taken:
            state[status.TAKEN] = [*state.get(status.TAKEN, ()), INPUTS]
        if len(told["files"]) + len(told["folders"]) <= FEW:
            state[status.READ] = told
            return
        os.makedirs(attempt.path, exist_ok=True)  # the function may have deleted it
        atomic.write_json(attempt.inputs + (AttemptFolder.BESIDE if taken else ""), told, indent=None)
        state[status.READ] = INPUTS
        if not taken:
            own.wrote(INPUTS)

    def _told(self) -> dict[str, list[Any]]:
        """Give it as JSON holds it: paths of the project are relative to it, so that it can be moved."""
        return {
            "files": [
                [path.removeprefix(self._own), size, mtime, copied, self._watch.rewrote(path)]
                for path, (_, size, mtime, copied) in self._watch.reads.items()
            ],
            "folders": [path.removeprefix(self._own) or "./" for path in self._watch.folders],
        }

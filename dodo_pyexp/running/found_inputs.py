"""The files that a run was seen to read: they are looked at when it has ended, and go into its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..planning.declared_inputs import is_declared
from ..provenance.inputs import found

if TYPE_CHECKING:
    from ..provenance.inputs.entries import Table
    from .attempt import Attempt
    from .session import Session


def put_down(session: Session, attempt: Attempt, status: dict[str, Any]) -> Table | str | None:
    """Write which files a run has read, with what they are like; give what its record says of them.

    Raises
    ------
    OSError
        It cannot be written.
    """
    said = found.told(attempt.folder, status)
    if said is None:
        return None
    experiment, kept = attempt.run.experiment, session.batch(attempt.run.experiment).kept

    def copy_of(path: str) -> str | None:
        return None if kept is None else kept.relocation.of(path)

    try:
        said = {**said, "files": [one for one in said["files"] if not is_declared(attempt.run, one[0])]}
        inputs = found.look_at(said, experiment.inside, experiment.contents, copy_of)
    except (KeyError, TypeError, ValueError, IndexError):  # the run itself has damaged it
        return None
    return found.write(attempt.folder, status, inputs)

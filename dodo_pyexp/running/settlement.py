"""What is settled when a run has succeeded: its record, written last of all, and only of what is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..executors.job import taken_text
from ..planning import declared_inputs
from ..store import status as statuses
from ..store.record import Record
from . import found_inputs, upstreams

if TYPE_CHECKING:
    from .attempt import Attempt
    from .one_try import Try
    from .session import Session


def put_on_record(session: Session, attempt: Attempt, trying: Try, status: dict[str, Any]) -> bool:
    """Write the record of a run, if its status says that it succeeded; False if that does not hold.

    Parameters
    ----------
    session, attempt, trying
        The build, the attempt, and the try that it took last.
    status
        What the run itself has written.
    """
    run, ledger = attempt.run, session.ledger
    if status.get("state") != statuses.FINISHED:
        return False
    changed = upstreams.changed_meanwhile(run, ledger, trying.upstream)
    if changed is not None:
        trying.killed = "UpstreamChanged", changed
        return False
    session.plan.contents.forget()  # what the run has written, others may have read
    inputs = declared_inputs.as_read(run, attempt.state.get("inputs"))
    try:
        found = found_inputs.put_down(session, attempt, status)
        outputs = status["digest"], attempt.name, status["files"], status["saved"]
        seal = status["sums"], status["written"]
        made = attempt.state["code"], *seal, attempt.state["requirements"]
        record = Record(run.name, run.hash, trying.upstream, *outputs, *made, run.experiment.name, found, inputs)
    except KeyError:  # the status was damaged by the run itself
        return False
    attempt.mark_ended()
    record.write(run.files)
    ledger.recorded(run, record)
    if said := taken_text(status):
        session.note_once(f"{run.experiment.name}: {said}")
    return True

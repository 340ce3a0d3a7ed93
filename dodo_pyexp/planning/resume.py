"""From which attempt may a run go on? ``resume=True``: from one that did not finish, if it was made of the same.

Implements: docs/how-to.md, "Go on from a checkpoint": config, upstreams and code must be what they were then, or what
the attempt left behind (a checkpoint, say) belongs to another run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..store import status as statuses
from ..store.digest import saved_files
from ..store.paths import REPRODUCES
from .code import UNKNOWN

if TYPE_CHECKING:
    from ..store.paths import AttemptFolder
    from .plan import PlannedRun


class Resumption:
    """What a new attempt goes on from.

    Attributes
    ----------
    attempt
        An earlier attempt of the same run, if there is one to go on from.
    note
        What there is to tell about it, in a line, or "".
    """

    __slots__ = ("attempt", "note")

    def __init__(self, attempt: AttemptFolder | None, note: str) -> None:
        self.attempt = attempt
        self.note = note


NOTHING = Resumption(None, "")


def made_of(run: PlannedRun, upstream: dict[str, str]) -> dict[str, Any]:
    """Give what the status of an attempt says, beside the code, so that a later one can tell whether it is the same."""
    return {"config_hash": run.hash, "upstream": upstream}


def find(run: PlannedRun, new: AttemptFolder, state: dict[str, Any]) -> Resumption:
    """Find the newest attempt that did not finish, was made of the same, and left anything of its own.

    A finished attempt that was made of the same ends the search: the run was done, and is wanted anew.

    Parameters
    ----------
    run
        The run; its lock is held, so nobody else is at work on it.
    new
        The attempt that begins.
    state
        Its status, with `made_of` and ``code``.
    """
    note = ""
    unfinished = True  # so far; what came before a finished attempt is history
    for name in reversed(run.files.attempt_names()):
        if name == new.name:
            continue
        attempt = run.files.attempt(name)
        before = statuses.read(attempt)
        if REPRODUCES in before:
            continue
        changed = _changed(run, before, state)
        # Without its mark it was not put on record: the build was killed just then, and so nobody wants it anew.
        if before.get("state") == statuses.FINISHED and os.path.exists(attempt.finished):
            unfinished = False
            if changed is None:
                break
            continue
        if next(saved_files(attempt), None) is None:
            continue
        if changed is None:
            return Resumption(attempt, f"{run.full_name}: goes on from its attempt {name}")
        if unfinished and not note:
            note = f"{run.full_name}: starts anew, not from its attempt {name}: {changed}"
    return Resumption(None, note)


def _changed(run: PlannedRun, before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Say what keeps an attempt from being gone on from; None if nothing does."""
    if "config_hash" not in before:
        return "that was made when resume had not been set"
    if before["config_hash"] != now["config_hash"]:
        return "its config has changed since"
    upstream = before.get("upstream")
    if not isinstance(upstream, dict) or list(upstream.items()) != list(now["upstream"].items()):
        return "its upstreams have changed since"
    if now["code"] in ("", UNKNOWN):
        return "what its code is cannot be told"
    then, code = before.get("code"), run.experiment.code
    same = then == now["code"] or (isinstance(then, str) and now["code"] == code.hash and code.differences(then) == [])
    if not same or not then:
        return "its code has changed since"
    return None

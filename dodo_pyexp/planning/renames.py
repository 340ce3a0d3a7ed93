"""A run that was never executed may be one that finished under another name.

Implements: docs/how-to.md, "I renamed my runs".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..store.record import Record
from . import declared_inputs, files_read

if TYPE_CHECKING:
    from .plan import PlannedRun
    from .previous_folders import Twin

    DigestOf = Callable[[PlannedRun], str | None]

MOST_NAMED = 3


def twins(run: PlannedRun, digest_of: DigestOf) -> list[Twin]:
    """Find the finished orphans of the same config that were made from the same code, upstreams and inputs.

    Found once for each run: what lies behind it asks again.

    Parameters
    ----------
    run
        A run that was never executed.
    digest_of
        Gives the digest of what an upstream has put out; None if nobody knows. Of one that is a renamed run itself,
        that of the orphan counts.
    """
    orphans = run.experiment.orphans
    known = orphans.alike.get(run.folder)
    if known is None:
        found = orphans.by_config.get(run.hash, ())
        known = orphans.alike[run.folder] = [twin for twin in found if _is_same(run, twin.record, digest_of)]
    return known


def _is_same(run: PlannedRun, record: Record, digest_of: DigestOf) -> bool:
    options = run.experiment.options
    if options.code != "ignore" and record.code != run.experiment.code.hash:
        return False
    if list(record.upstream.values()) != [_digest(upstream, digest_of) for upstream in run.upstream]:
        return False
    try:
        if declared_inputs.changes(run, record):
            return False
        return options.read_files == "ignore" or not record.found or not files_read.changes(run, record)
    except (TypeError, ValueError, IndexError):  # what the record says of files makes no sense
        return False


def _digest(upstream: PlannedRun, digest_of: DigestOf) -> str | None:
    known, assumed = digest_of(upstream), upstream.experiment.orphans.assumed
    if known is not None:
        return known
    if upstream.folder not in assumed:
        found = [] if _was_run(upstream) else twins(upstream, digest_of)
        assumed[upstream.folder] = found[0].record.digest if len(found) == 1 else None
    return assumed[upstream.folder]


def _was_run(run: PlannedRun) -> bool:
    """Tell whether there is an attempt, or a result of another config under the same name: then it is not renamed."""
    experiment = run.experiment
    return run.files.newest() is not None or (experiment.hashed and experiment.siblings.newest(run.folder) is not None)


def question(run: PlannedRun, found: list[Twin]) -> str:
    """Ask whether a run was renamed: ``train:old_w32, an orphan, has the same config: renamed?``."""
    names = [f"{run.experiment.name}:{_name(run, twin.record)}" for twin in found]
    if len(names) == 1:
        return f"{names[0]}, an orphan, has the same config: renamed?"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}, orphans, have the same config: renamed?"


def _name(run: PlannedRun, record: Record) -> str:
    """Give the name of an orphan, also of one whose record has the new one already: somebody was killed in between."""
    if record.name == run.name and record.renamed:
        return str(record.renamed[-1])
    return record.name


def as_named_today(run: PlannedRun, upstream: dict[str, str], digest_of: DigestOf) -> dict[str, str] | None:
    """Give what a record says of upstreams, by the names that those have today; None if none was renamed since.

    A name may have been given to another run since. What an upstream has put out tells which it was.
    """
    if not any(one.experiment.orphans.earlier for one in run.upstream):
        return None
    left, today = dict(upstream), {}
    for one in run.upstream:
        earlier = one.experiment.orphans.earlier.get(one.folder, ())
        names = [name for name in (one.task, *(f"{one.experiment.task}:{old}" for old in earlier)) if name in left]
        digest = digest_of(one)
        name = next((name for name in names if left[name] == digest), names[0] if names else None)
        if name is not None:
            del left[name]
            today[name] = one.task
    return {today.get(name, name): digest for name, digest in upstream.items()}

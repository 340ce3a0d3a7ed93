"""Results that were not all made alike: by other code, or with other packages. One line says so.

Implements: docs/reference.md, "Command line" (``results``): a table of such results compares more than the configs that
it shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..errors import DamagedFile
from ..planning.code import UNKNOWN, Kept, read_kept
from ..planning.decision import several
from ..provenance.batch_environment import find_requirements
from ..results.result import Result
from ..store.paths import ExperimentFolder
from ..store.record import record_of

MOST_NAMES = 3


class Made(NamedTuple):
    """What one result was made by.

    Parameters
    ----------
    name
        The run.
    code, packages
        Hashes; None where nobody knows.
    """

    name: str
    code: str | None
    packages: str | None


def made_of(result: Result) -> Made:
    """Look up what a result on disk was made by."""
    attempt = result._attempt()[0]
    try:
        record = None if attempt is None else record_of(attempt)
    except DamagedFile:
        record = None
    return Made(result.name, *((None, None) if record is None else (record.code, record.packages)))


def mixed_line(files: ExperimentFolder, results: Iterable[Made]) -> str | None:
    """Say which results were made by which code and packages; None if all were made alike, as far as is known."""
    made = list(results)
    parts = [part for part in (_code(files, made), _packages(files, made)) if part]
    return f"not all of these were made alike: {'; '.join(parts)}" if parts else None


def _groups(pairs: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """Group names by a hash; those of which nobody knows are in no group."""
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        if value and isinstance(value, str):  # it may be what a status says that was written over
            groups.setdefault(value, []).append(name)
    return groups


def _code(files: ExperimentFolder, made: list[Made]) -> str | None:
    groups = _groups((one.name, one.code) for one in made)
    if len(groups) < 2:
        return None
    from ..provenance.code.changes import changes

    kept = {code: read_kept(files, code) for code in groups}
    first = next((one for one in kept.values() if one.pieces), Kept())
    differing: dict[str, None] = {}
    same: dict[str, list[str]] = {}
    for code, names in groups.items():
        told, meanings = kept[code]
        found = (
            changes(first.pieces, told, (first.meanings, meanings))
            if told
            else []
            if code != UNKNOWN
            else ["edited while it was in use"]
        )
        differing.update((change.rpartition(" ")[0] if told else change, None) for change in found)
        # What only moved to another file is the same code.
        same.setdefault(",".join(found) if told else code, []).extend(names)
    if len(same) < 2:
        return None
    what = f" ({several(list(differing))} differs)" if differing else ""
    return f"{len(same)} states of the code{what}: {_named(same.values())}"


def _packages(files: ExperimentFolder, made: list[Made]) -> str | None:
    groups = _groups((one.name, one.packages) for one in made)
    if len(groups) < 2:
        return None
    from ..provenance.packages import versions

    known = {digest: versions(find_requirements(files, digest) or "") for digest in groups}
    names = dict.fromkeys(name for found in known.values() for name in found)
    differing = [name for name in names if len({found.get(name) for found in known.values() if found}) > 1]
    told = []
    for name in differing:
        have = list(dict.fromkeys(found.get(name, "none") for found in known.values() if found))
        told.append(f"{name} {' and '.join(have)}")
    what = f" ({several(told)})" if told else ""
    return f"{len(groups)} sets of packages{what}: {_named(groups.values())}"


def _named(groups: Iterable[list[str]]) -> str:
    """Name groups of runs, a few runs of each."""
    told = []
    for names in groups:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        told.append(", ".join(names[:MOST_NAMES]) + more)
    return " | ".join(told)

"""What runs are declared to read: in their configs, or by `inputs` of the experiment; and how that changed since.

Implements: docs/how-to.md, "Data as input".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from ..config.inputs import Folder, Input, as_input, inputs_in
from ..errors import ConfigError, InputError, nearest
from ..printable import printable
from ..provenance.inputs.declared import GONE, Seen, change, is_folder_key
from ..provenance.inputs.entries import CHANGED
from ..store import atomic
from ..store.paths import ExperimentFolder, shown
from .definition import place as place_of

if TYPE_CHECKING:
    from ..config.config import Config
    from ..provenance.inputs.entries import Table
    from ..store.record import Record
    from .plan import Plan, PlannedExperiment, PlannedRun

MOST_TOLD = 5  # missing inputs that are named


def inputs_of(experiment: PlannedExperiment, config: Config) -> tuple[Input, ...]:
    """List what a run is declared to read, each file and folder once.

    Raises
    ------
    ConfigError
        What `inputs` says, or the function given as that, makes no sense.
    """
    said, where = experiment.options.inputs, f"{place_of(experiment.definition.fn)}: experiment {experiment.name}"
    if callable(said):
        try:
            said = list(said(config))
        except Exception as error:  # the user's own function
            what = f"{type(error).__name__}: {error}"
            raise ConfigError(
                f'{where}: for the config "{config["name"]}" the function given as inputs failed: {what}'
            ) from error
    named = [
        as_input(item, f"{place_of(experiment.definition.fn)}: experiment {experiment.name}") for item in said or ()
    ]
    return tuple(dict.fromkeys([*named, *(value for _, value in inputs_in(config))]))


def named(key: str) -> str:
    """Give the path of an input as messages name it."""
    return printable(key[:-1] if is_folder_key(key) else key)


def place_in(run: PlannedRun, value: Input) -> str:
    """Give the absolute path of an input of a run."""
    return run.experiment.inside(os.path.expanduser(value.path))


def is_declared(run: PlannedRun, path: str) -> bool:
    """Tell whether a file that a run was seen to read is an input that it was declared to read."""
    place = run.experiment.inside(path)
    return any(
        place == declared or (value.kind == Folder.kind and place.startswith(f"{declared.rstrip('/')}/"))
        for value in run.inputs
        for declared in (os.path.normpath(place_in(run, value)),)
    )


def see(run: PlannedRun, value: Input) -> Seen:
    """Look at an input of a run; each is looked at once a build."""
    return run.experiment.contents.declared(value.kind, place_in(run, value))


def today(run: PlannedRun) -> Table:
    """Give what the run reads now, as its record will say it; the files of its folders are kept beside.

    Raises
    ------
    InputError
        Something is not there, or cannot be read.
    """
    table: Table = {}
    for value in run.inputs:
        seen = see(run, value)
        if seen.entry is None:
            raise InputError(f"input {named(value.key)} {seen.trouble}{_near(place_in(run, value), seen)}")
        table[value.key] = seen.entry
        if seen.tree is not None:
            _keep_tree(run.experiment.files, seen.entry[-1], seen.tree)
    return table


def as_read(run: PlannedRun, before: Table | None) -> Table | None:
    """Give what a record says of the inputs that were there when the run began; what changed meanwhile is marked."""
    if before is None:
        return None
    table = dict(before)
    for value in run.inputs:
        entry = table[value.key]
        if change(entry, see(run, value)):
            table[value.key] = [entry[0], CHANGED, *entry[2:]] if len(entry) == 4 else [*entry[:2], CHANGED]
    return table


def changes(run: PlannedRun, record: Record) -> dict[str, str]:
    """Give the inputs that differ from what a record says, each with what became of it."""
    before = record.inputs or {}
    found: dict[str, str] = {}
    for value in run.inputs:
        key = value.key
        entry = before.get(key)
        if entry is None:
            found[key] = "is new"
        elif len(entry) == 4 and entry[1:] == _unread(run, value, entry):
            continue
        elif said := change(entry, seen := see(run, value), _tree_of(run, entry) if seen.tree is not None else None):
            found[key] = said
    if len(before) > len(run.inputs) or found:
        keys = {value.key for value in run.inputs}
        found |= {key: "is no longer one" for key in before if key not in keys}
    return found


def _unread(run: PlannedRun, value: Input, entry: list[Any]) -> list[Any] | None:
    """Give the digest and times of a file that needs no reading, as it has the size and times that it had."""
    size, digest, mtime, ctime = entry
    return (
        [digest, mtime, ctime] if run.experiment.contents.stat(place_in(run, value)) == (size, mtime, ctime) else None
    )


def in_words(changed: dict[str, str]) -> list[str]:
    """Say which inputs changed: ``input data/train.csv changed (12.1 MB -> 12.3 MB)``."""
    return [
        f"input {named(key)}{':' if is_folder_key(key) and said[:1].isdigit() else ''} {said}"
        for key, said in changed.items()
    ]


def listed(runs: Iterable[PlannedRun]) -> dict[str, Any]:
    """List the inputs of some runs for a manifest: of each file its bytes, None where that is not known yet.

    What is in them stands in the records: to find that out here would have a build with nothing to do read files.
    """
    first = {value.key: (run, value) for run in runs for value in run.inputs}
    stats = {key: run.experiment.contents.stat(place_in(run, value)) for key, (run, value) in first.items()}
    return {key: None if stat is None else stat[0] for key, stat in stats.items()}


# -- what is made sure of before anything is executed --------------------------------------------------------------


def check_places(plan: Plan) -> None:
    """Refuse inputs that the build itself writes.

    Raises
    ------
    ConfigError
        One lies in the output folder, and below no upstream of its run; or the output folder lies in it.
    """
    for run in (run for run in plan.runs() if run.inputs):
        output = f"{os.path.realpath(run.experiment.output.path)}/"
        for value in run.inputs:
            place = os.path.realpath(place_in(run, value)) + "/"
            where = f"{run.experiment.place}: {run.full_name}: input {named(value.key)}"
            if place.startswith(output) and not made_by_upstream(run, value):
                raise ConfigError(
                    f"{where} lies in the output folder; what another run makes is said by depends_on, and read "
                    "from deps[...].out"
                )
            if value.kind == Folder.kind and output.startswith(place):
                raise ConfigError(
                    f"{where} holds the output folder {shown(output[:-1])}, which each build changes; name the folder "
                    "of the data alone"
                )


def made_by_upstream(run: PlannedRun, value: Input) -> bool:
    """Tell whether an input lies in the folder of a run that this one depends on."""
    place = os.path.realpath(place_in(run, value))
    return any(place.startswith(f"{os.path.realpath(one.files.path)}/") for one in run.upstream)


def missing(runs: Iterable[PlannedRun], is_made: Callable[[str], bool] = lambda place: False) -> Iterator[str]:
    """Say of each input that is not there, or cannot be read, what is wrong with it, and who needs it.

    Parameters
    ----------
    runs
        The runs to be executed.
    is_made
        Tells of an absolute path whether something else in this build makes it.
    """
    needed: dict[tuple[str, str], list[PlannedRun]] = {}
    for run in runs:
        for value in run.inputs:
            if not made_by_upstream(run, value) and not is_made(place_in(run, value)):
                needed.setdefault((value.kind, place_in(run, value)), []).append(run)
    for (kind, place), who in needed.items():
        seen = who[0].experiment.contents.declared(kind, place)
        if seen.entry is None:
            key = next(value.key for value in who[0].inputs if place_in(who[0], value) == place)
            others = f" and {len(who) - 1} more run{'s' if len(who) > 2 else ''}" if len(who) > 1 else ""
            trouble = "is not there" if seen.trouble == GONE else seen.trouble
            verb = "need" if len(who) > 1 else "needs"
            yield f"input {named(key)}, which {who[0].full_name}{others} {verb}, {trouble}{_near(place, seen)}"


def refuse_missing(runs: Iterable[PlannedRun], is_made: Callable[[str], bool] = lambda place: False) -> None:
    """Make sure that what is to be executed finds its inputs.

    Raises
    ------
    InputError
        It does not.
    """
    found = list(missing(runs, is_made))
    if found:
        more = f"; and {len(found) - MOST_TOLD} more inputs" if len(found) > MOST_TOLD else ""
        raise InputError("; ".join(found[:MOST_TOLD]) + more)


def _near(place: str, seen: Seen) -> str:
    """Name a file that may have been meant, or say where it was looked for."""
    if seen.trouble != GONE:
        return ""
    folder, name = os.path.split(place.rstrip("/"))
    if not os.path.isdir(folder):
        return f" (there is no folder {shown(folder)})"
    return nearest(name, _listed(folder)) or f" (looked for in {shown(folder)})"


@cache
def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


# -- the files of folders, kept by the digest of them all ----------------------------------------------------------


def _keep_tree(files: ExperimentFolder, digest: str, tree: dict[str, list[Any]]) -> None:
    path = files.tree(digest)
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        atomic.write_json(path, {"files": tree}, indent=None)


def _tree_of(run: PlannedRun, entry: list[Any]) -> dict[str, list[Any]] | None:
    digest = entry[-1]
    if not isinstance(digest, str) or not digest.isalnum():
        return None
    files = (atomic.read_json(run.experiment.files.tree(digest)) or {}).get("files")
    return files if isinstance(files, dict) else None

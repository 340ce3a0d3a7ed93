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
from ..provenance.inputs.declared import GONE, Declared, Seen, change, is_folder_key
from ..provenance.inputs.entries import CHANGED
from ..store import atomic
from ..store.paths import ExperimentFolder, shown
from .definition import place as place_of

if TYPE_CHECKING:
    from ..config.config import Config
    from ..provenance.inputs.entries import Entry, Table
    from ..store.record import Record
    from .plan import Plan, PlannedExperiment, PlannedRun

MOST_TOLD = 5  # missing inputs that are named


class Declarations:
    """The inputs of one experiment: runs that read the same share one tuple, so that it is looked at once for all."""

    def __init__(self, experiment: PlannedExperiment) -> None:
        self._experiment = experiment
        self._known: dict[Input, Declared] = {}
        self._sets: dict[tuple[Declared, ...], tuple[Declared, ...]] = {}
        said = experiment.options.inputs
        self._always = () if callable(said) else self._read(said)

    def of(self, config: Config) -> tuple[Declared, ...]:
        """List what a run is declared to read, each file and folder once.

        Raises
        ------
        ConfigError
            What `inputs` says, or the function given as that, makes no sense.
        """
        said = self._experiment.options.inputs
        always = self._read(self._asked(said, config)) if callable(said) else self._always
        found = [self._declared(value) for _, value in inputs_in(config)]
        if not found:
            return always
        together = tuple(dict.fromkeys([*always, *found]))
        return self._sets.setdefault(together, together)

    def _declared(self, value: Input) -> Declared:
        found = self._known.get(value)
        if found is None:
            place = os.path.normpath(self._experiment.inside(os.path.expanduser(value.path)))
            found = self._known[value] = Declared(value, place)
        return found

    def _read(self, said: Iterable[Any] | None) -> tuple[Declared, ...]:
        found = tuple(dict.fromkeys(self._declared(as_input(item, self._where)) for item in said or ()))
        return self._sets.setdefault(found, found)

    def _asked(self, said: Callable[[Config], Any], config: Config) -> list[Any]:
        try:
            return list(said(config))
        except Exception as error:  # the user's own function
            what = f"{type(error).__name__}: {error}"
            raise ConfigError(
                f'{self._where}: for the config "{config["name"]}" the function given as inputs failed: {what}'
            ) from error

    @property
    def _where(self) -> str:
        return f"{place_of(self._experiment.definition.fn)}: experiment {self._experiment.name}"


def named(key: str) -> str:
    """Give the path of an input as messages name it."""
    return printable(key[:-1] if is_folder_key(key) else key)


def is_declared(run: PlannedRun, path: str) -> bool:
    """Tell whether a file that a run was seen to read is an input that it was declared to read."""
    place = run.experiment.inside(path)
    return any(
        place == one.place or (one.kind == Folder.kind and place.startswith(f"{one.place.rstrip('/')}/"))
        for one in run.inputs
    )


def see(run: PlannedRun, declared: Declared) -> Seen:
    """Look at an input of a run; each is looked at once a build."""
    return run.experiment.contents.declared(declared.kind, declared.place)


def today(run: PlannedRun) -> Table:
    """Give what the run reads now, as its record will say it; the files of its folders are kept beside.

    Raises
    ------
    InputError
        Something is not there, or cannot be read.
    """
    table: Table = {}
    for one in run.inputs:
        seen = see(run, one)
        if seen.entry is None:
            raise InputError(f"input {named(one.key)} {seen.trouble}{_near(one.place, seen)}")
        table[one.key] = seen.entry
        if seen.tree is not None:
            _keep_tree(run.experiment.files, seen.entry[-1], seen.tree)
    return table


def as_read(run: PlannedRun, before: Table | None) -> Table | None:
    """Give what a record says of the inputs that were there when the run began; what changed meanwhile is marked."""
    if before is None:
        return None
    table = dict(before)
    for one in run.inputs:
        entry = table[one.key]
        if change(entry, see(run, one)):
            table[one.key] = [entry[0], CHANGED, *entry[2:]] if len(entry) == 4 else [*entry[:2], CHANGED]
    return table


def changes(run: PlannedRun, record: Record) -> dict[str, str]:
    """Give the inputs that differ from what a record says, each with what became of it."""
    before, contents = record.inputs or {}, run.experiment.contents
    if contents.same.get(id(run.inputs)) == before:  # as of the last run that reads the same
        return {}
    found: dict[str, str] = {}
    for one in run.inputs:
        entry = before.get(one.key)
        if entry is None:
            found[one.key] = "is new"
        elif said := _change_of(run, one, entry):
            found[one.key] = said
    keys = {one.key for one in run.inputs}
    found |= {key: "is no longer one" for key in before if key not in keys}
    if not found:
        contents.same[id(run.inputs)] = before
    return found


def _change_of(run: PlannedRun, one: Declared, entry: Entry) -> str:
    """Say how an input differs from what a record says of it; it is read only if nothing else tells."""
    if CHANGED in entry[1:]:
        return change(entry, Seen(None))
    stat = run.experiment.contents.stat(one.place) if one.kind != Folder.kind and len(entry) == 4 else None
    if stat is not None and stat == (entry[0], *entry[2:]):
        return ""
    if stat is not None and stat[0] != entry[0]:
        return change(entry, Seen([stat[0], None, *stat[1:]]))
    seen = see(run, one)
    return change(entry, seen, _tree_of(run, entry) if seen.tree is not None else None)


def in_words(changed: dict[str, str]) -> list[str]:
    """Say which inputs changed.

    Examples
    --------
    >>> in_words({"data/train.csv": "changed (12.1 MB -> 12.3 MB)", "data/images/": "2 files added, 1 changed"})
    ['input data/train.csv changed (12.1 MB -> 12.3 MB)', 'data/images: 2 files added, 1 changed']
    """
    counted = {key for key, said in changed.items() if is_folder_key(key) and said[:1].isdigit()}
    return [
        f"{named(key)}: {said}" if key in counted else f"input {named(key)} {said}" for key, said in changed.items()
    ]


def distinct(runs: Iterable[PlannedRun]) -> dict[Declared, list[PlannedRun]]:
    """Give each input of some runs, with the runs that read it."""
    readers: dict[int, list[PlannedRun]] = {}
    sets: dict[int, tuple[Declared, ...]] = {}
    for run in runs:
        if run.inputs:
            sets[id(run.inputs)] = run.inputs
            readers.setdefault(id(run.inputs), []).append(run)
    found: dict[Declared, list[PlannedRun]] = {}
    for number, inputs in sets.items():
        for one in inputs:
            found.setdefault(one, []).extend(readers[number])
    return found


def listed(runs: Iterable[PlannedRun]) -> dict[str, Any]:
    """List the inputs of some runs for a manifest: of each file its bytes, None where that is not known yet.

    What is in them stands in the records: to find that out here would have a build with nothing to do read files.
    """
    stats = {one.key: who[0].experiment.contents.stat(one.place) for one, who in distinct(runs).items()}
    return {key: None if stat is None else stat[0] for key, stat in stats.items()}


# -- what is made sure of before anything is executed --------------------------------------------------------------


def check_places(plan: Plan) -> None:
    """Refuse inputs that the build itself writes.

    Raises
    ------
    ConfigError
        One lies in the output folder, and below no upstream of its run; or the output folder lies in it.
    """
    for one, runs in distinct(plan.runs()).items():
        output = f"{os.path.realpath(runs[0].experiment.output.path)}/"
        place = os.path.realpath(one.place) + "/"
        if place.startswith(output):
            for run in runs:
                if not made_by_upstream(run, one):
                    raise ConfigError(
                        f"{_asked_by(run, one)} lies in the output folder; what another run makes is said by "
                        "depends_on, and read from deps[...].out"
                    )
        if one.kind == Folder.kind and output.startswith(place):
            raise ConfigError(
                f"{_asked_by(runs[0], one)} holds the output folder {shown(output[:-1])}, which each build changes; "
                "name the folder of the data alone"
            )


def _asked_by(run: PlannedRun, declared: Declared) -> str:
    return f"{run.experiment.place}: {run.full_name}: input {named(declared.key)}"


def made_by_upstream(run: PlannedRun, declared: Declared) -> bool:
    """Tell whether an input lies in the folder of a run that this one depends on."""
    place = os.path.realpath(declared.place)
    return any(place.startswith(f"{os.path.realpath(one.files.path)}/") for one in run.upstream)


def refuse_missing(runs: Iterable[PlannedRun], is_made: Callable[[str], bool] = lambda place: False) -> None:
    """Make sure that what is to be executed finds its inputs.

    Parameters
    ----------
    runs
        The runs to be executed.
    is_made
        Tells of an absolute path whether something else in this build makes it.

    Raises
    ------
    InputError
        Something is not there, or cannot be read; the message says what, and who needs it.
    """
    found = list(_missing(runs, is_made))
    if found:
        more = f"; and {len(found) - MOST_TOLD} more inputs" if len(found) > MOST_TOLD else ""
        raise InputError("; ".join(found[:MOST_TOLD]) + more)


def _missing(runs: Iterable[PlannedRun], is_made: Callable[[str], bool]) -> Iterator[str]:
    for one, who in distinct(runs).items():
        contents = who[0].experiment.contents
        if is_made(one.place) or (one.kind != Folder.kind and contents.stat(one.place) is not None):
            continue  # what is there and cannot be read fails its runs; to read it now would take long for nothing
        seen = contents.declared(one.kind, one.place)
        needing = [run for run in who if not made_by_upstream(run, one)] if seen.entry is None else []
        if needing:
            others = f" and {len(needing) - 1} more run{'s' if len(needing) > 2 else ''}" if len(needing) > 1 else ""
            trouble = "is not there" if seen.trouble == GONE else seen.trouble
            need = "need" if len(needing) > 1 else "needs"
            said = f"input {named(one.key)}, which {needing[0].full_name}{others} {need}, {trouble}"
            yield f"{said}{_near(one.place, seen)}"


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

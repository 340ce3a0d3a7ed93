"""What the runs of one build share: batches, executors, the guardian, the wishes of whoever started it."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import ExecutorError, PyexpError, UsageError
from ..planning.code import UNKNOWN
from ..planning.garbage import Collector
from ..planning.plan import Plan, PlannedExperiment, PlannedRun
from ..printable import size_text
from ..provenance.batch_environment import BatchEnvironment
from ..store import timestamps
from ..store.atomic import IN_THE_WAY
from ..store.locks import RunLock
from ..store.manifest import Manifest
from ..store.paths import shown
from ..store.renames import settle
from .batch import Batch
from .ledger import Ledger
from .stash import Stash
from .uncommitted import Uncommitted

if TYPE_CHECKING:
    from ..executors.base import Executor
    from ..executors.guardian import Guardian
    from ..executors.idle import Processes
    from ..executors.logs.scribes import Scribe
    from ..executors.memory import OomKills

# Nothing can be written here, and no other run of the experiment would fare better.
FORBIDDEN = frozenset([errno.EACCES, errno.EPERM, errno.EROFS])


@dataclass
class Wishes:
    """How this build is to be carried out.

    Parameters
    ----------
    jobs
        How many runs may be on their way at once.
    live
        Show what runs print, as they print it.
    rerun
        Execute the selected runs whatever their records say.
    keep_going
        Go on with independent runs after a failure.
    timestamp
        Name of the batch; the present moment by default.
    continued
        Manifests to go on with, by experiment name.
    """

    jobs: int = 1
    live: bool = False
    rerun: bool = False
    keep_going: bool = True
    timestamp: str | None = None
    continued: dict[str, Manifest] | None = None


class Session:
    """One build on its way."""

    def __init__(self, plan: Plan, wishes: Wishes | None = None) -> None:
        self.plan = plan
        self.wishes = wishes or Wishes()
        self.ledger = Ledger()
        self.collector = Collector()
        self.note: Callable[[str], None] = lambda text: None
        self._said: set[str] = set()
        plan.contents.digests.progress = self._tell_reading
        self._stash = Stash(plan, lambda text: self.note(text))
        self.uncommitted = Uncommitted(plan, lambda text: self.note(text))
        named = self.wishes.timestamp is not None
        stamp = self.wishes.timestamp or timestamps.now()
        continued = self.wishes.continued or {}
        build = f"{os.getpid()}-{time.time_ns()}"
        self._batches = {
            id(experiment): Batch(experiment, self.ledger, stamp, build, continued.get(experiment.name), named=named)
            for experiment in plan.experiments
        }
        self._surroundings = BatchEnvironment()
        self._executors: dict[Any, Executor] = {}
        self._occupied: dict[int, RunLock] = {}
        self._checked = False
        self._starting = threading.Lock()  # for the threads of ``doit -n 2 -P thread``

    # What only executing needs is made, and imported, when something is executed.

    @cached_property
    def guardian(self) -> Guardian:
        """Ends what is still running when this process is gone."""
        from ..executors.guardian import Guardian

        return Guardian()

    @cached_property
    def scribe(self) -> Scribe:
        """Writes the logs that are masked or shown."""
        from ..executors.logs.scribes import Scribe

        return Scribe(self.note_once)

    @cached_property
    def processes(self) -> Processes:
        """Tells what the runs' processes do."""
        from ..executors.idle import Processes

        return Processes()

    @cached_property
    def oom_kills(self) -> OomKills:
        """Tells what was killed because memory ran out."""
        from ..executors.memory import OomKills

        return OomKills()

    def note_once(self, text: str) -> None:
        """Say, the first time only, what holds for one run after the other."""
        if text not in self._said:
            self._said.add(text)
            self.note(text)

    def _tell_reading(self, path: str, done: int, size: int) -> None:
        """Say how much of a large input has been read: nothing else happens meanwhile."""
        self.note(f"reading {shown(path)}: {size_text(done)} of {size_text(size)}")

    def batch(self, experiment: PlannedExperiment) -> Batch:
        """Give the batch of an experiment of the plan."""
        return self._batches[id(experiment)]

    def start_batch(self, experiment: PlannedExperiment) -> Batch:
        """Give the batch of an experiment of which a run is about to be executed: snapshot taken, manifest written."""
        batch = self.batch(experiment)
        with self._starting:
            if not batch.is_open:
                try:
                    self._open(experiment, batch)
                except OSError as error:
                    folder = experiment.files.path
                    place = str(error.filename2 or error.filename)
                    if error.errno in IN_THE_WAY and place.startswith(folder):
                        raise UsageError(
                            f"cannot write to {shown(place)}: {error.strerror}; move away what stands there"
                        ) from None
                    if error.errno not in FORBIDDEN or not place.startswith(folder):
                        raise
                    raise UsageError(
                        f"cannot write to {shown(folder)}: {error.strerror}; choose another --output-dir"
                    ) from None
        return batch

    def occupy(self) -> None:
        """Keep `clean` away from all that this build may use, until this process ends."""
        for experiment in self.plan.experiments:
            if id(experiment) not in self._occupied and (lock := RunLock.occupy(experiment.files.path)) is not None:
                self._occupied[id(experiment)] = lock
                with suppress(OSError):  # then it may only be read, and whoever is next does it
                    settle(experiment.files)

    def _hold(self, manifest: str, key: int) -> None:
        """Show those who cannot see this process, in another container, that the batch is at work."""
        if key not in self._occupied and (lock := RunLock.hold(manifest)) is not None:
            self._occupied[key] = lock

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Do so for a while."""
        self.occupy()
        try:
            yield
        finally:
            while self._occupied:
                self._occupied.popitem()[1].release()

    def _open(self, experiment: PlannedExperiment, batch: Batch) -> None:
        executor = self.executor(experiment.runs[0])
        if executor.opening:
            self.note(executor.opening)
        executor.open_for(member.output.path for member in self.plan.experiments)
        self._keep_code(experiment, batch)
        self._tell_old_code(experiment)
        batch.surroundings = self._surroundings.about(experiment.files)
        batch.open()
        self.occupy()
        self._hold(experiment.files.manifest(batch.timestamp), id(batch))
        self._surroundings.keep(experiment.files, batch.timestamp)
        self._share_code(experiment, batch)

    def _keep_code(self, experiment: PlannedExperiment, batch: Batch) -> None:
        """Take the snapshot; all runs of the batch are made by this code, whatever becomes of the files."""
        imports_anew = self.executor(experiment.runs[0]).imports_anew
        if self._stash.has(experiment):  # of the time when another experiment began: and so is the code
            batch.kept = self._stash.keep(experiment)
            batch.code = experiment.code.at_first(imported_anew=imports_anew)
            self.uncommitted.tell(experiment, batch.kept)
            return
        if experiment.options.stash:
            for member in self.plan.experiments:
                if any(run.selected for run in member.runs):
                    member.code.look()
        before = experiment.code.starting(imported_anew=imports_anew)
        batch.kept = self._stash.keep(experiment)
        self.uncommitted.tell(experiment, batch.kept)
        if batch.kept is not None:
            same = experiment.code.starting(imported_anew=imports_anew) == before
            batch.code = before if same else UNKNOWN

    def _share_code(self, experiment: PlannedExperiment, batch: Batch) -> None:
        """Take over the snapshot of another process of this build (``doit -n 2``) that was there first."""
        first = batch.open().about
        if batch.kept is not None and first.get("build") == batch.build and first.get("commit") != batch.commit:
            batch.kept = self._stash.adopt(experiment, first.get("commit"), first.get("snapshot"))
            batch.code = first.get("code")

    def _tell_old_code(self, experiment: PlannedExperiment) -> None:
        """Say so if what is going to be executed is not what stands in the files."""
        if self.executor(experiment.runs[0]).imports_anew:
            return
        for path in experiment.code.outdated:
            self.note(
                f"{experiment.name}: {os.path.relpath(path)} was edited after this process had imported it; what is "
                "executed is the code as it was, so start anew or import it again"
            )

    def executor(self, run: PlannedRun) -> Executor:
        """Give the executor of a run: one object for all runs that name the same.

        Raises
        ------
        ExecutorError
            It cannot work here.
        """
        wanted = run.experiment.options.executor
        key = wanted if isinstance(wanted, str) else id(wanted)
        if key not in self._executors:
            from ..executors.registry import get_executor

            executor = get_executor(wanted)
            try:
                executor.check()
            except PyexpError:
                raise
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                raise ExecutorError(f"the executor {type(executor).__name__} cannot be used: {said}") from error
            self._executors[key] = executor
        return self._executors[key]

    def check_executors(self) -> None:
        """Make sure, before the first run of the build is executed, that every executor can work.

        Raises
        ------
        ExecutorError
            One cannot.
        """
        if self._checked:
            return
        self._checked = True
        for experiment in self.plan.experiments:
            if not experiment.runs:
                continue
            executor, options = self.executor(experiment.runs[0]), experiment.options
            for name in ("timeout", "idle_timeout"):
                seconds = getattr(options, name)
                if executor.blocking and seconds is not None:
                    self.note(
                        f"{experiment.name}: {name}={seconds} does not hold for the executor "
                        f'"{executor.name}", which executes in the build\'s own process'
                    )
            if options.idle_timeout is not None and not executor.blocking and not self.processes.available():
                self.note(f"{experiment.name}: idle_timeout does not hold here: there is no /proc, and no ps to ask")

    def cool(self) -> None:
        """Tell the executors that code of the user's was executed in this process."""
        for executor in self._executors.values():
            self._tell_failure(executor, executor.cool)

    def warm(self, run: PlannedRun) -> None:
        """Have the executor get ready for a run that may be started soon."""
        executor, kept = self.executor(run), self.batch(run.experiment).kept
        relocation = None if kept is None else kept.relocation
        self._tell_failure(executor, lambda: executor.warm(run.experiment.definition.fn, relocation, self.guardian))

    def _tell_failure(self, executor: Executor, step: Callable[[], object]) -> None:
        """Take a step that no run's outcome hangs on; a bug of the executor's there is told, and ends nothing."""
        try:
            step()
        except Exception as error:
            self.note_once(f"{type(executor).__name__} itself failed: {type(error).__name__}: {error}")

    def window(self) -> int:
        """Give how many runs may be on their way at once, whatever executes them."""
        executors = [self.executor(experiment.runs[0]) for experiment in self.plan.experiments if experiment.runs]
        return max([self.wishes.jobs, *(executor.window or 0 for executor in executors)])

    def close(self) -> None:
        """End watching; nothing that was started goes on."""
        try:
            for executor in self._executors.values():
                self._tell_failure(executor, executor.close)
        finally:
            self.plan.contents.digests.save()
            if "guardian" in vars(self):
                self.guardian.close()
            if "scribe" in vars(self):
                self.scribe.close()

"""Executing a past attempt again, as it was, and comparing the outcome.

Implements: docs/how-to.md, "Run it again"; Expyrun readme, "Reproducing Experiments".
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..config.config import Config
from ..config.encode import dumps_config
from ..errors import UsageError
from ..executors.guardian import Guardian
from ..executors.imports.reference import Reference
from ..executors.job import Job
from ..executors.logs.capture import Log
from ..executors.logs.scribes import Scribe
from ..executors.process import describe_end
from ..executors.subprocess import SubprocessExecutor
from ..executors.watching import folders_of
from ..importing import module_name
from ..planning.declared_inputs import named
from ..planning.definition import Definition
from ..planning.plan import RESUME_KEY
from ..planning.source import source_file
from ..planning.withheld import masker_of
from ..printable import printable
from ..provenance.batch_environment import BatchEnvironment
from ..provenance.inputs.entries import Table
from ..provenance.secrets.credentials import environment_secrets
from ..provenance.secrets.masking import Masker
from ..provenance.secrets.repeats import printed_forms
from ..results.outcome import save_failure
from ..results.stored import stored_run
from ..store import atomic, opening, timestamps
from ..store import status as statuses
from ..store.owner import Owner
from ..store.paths import REPRODUCES, AttemptFolder, ExperimentFolder, OutputFolder, shown
from .inputs import InputsSince, placed, project_of_past
from .past import Past
from .verdict import DIFFERENT, TOLERANCE, Reproduction, importable, judge

Fit = Callable[[Path, str, list[str], Config, Config], Config]


def reproduce(
    output: OutputFolder,
    run: str,
    at: str | None = None,
    *,
    tolerance: float = TOLERANCE,
    settings: Sequence[str] = (),
    near: Sequence[str] = (),
    note: Callable[[str], None] = lambda text: None,
    live: bool = False,
    fit: Fit | None = None,
    unpickle: bool = False,
) -> Reproduction:
    """Execute a past attempt again, with its code, config and upstream results, in a new attempt; compare the outcomes.

    Neither the original nor the run's record is touched.

    Parameters
    ----------
    output
        The output folder.
    run
        ``experiment:run``, or the name of a run alone.
    at
        Which attempt: its name or that of a batch, or a prefix; by default the one that is the run's result.
    tolerance
        How much numbers may differ, relatively; near zero, absolutely.
    settings
        ``a.b=c``: changes to the config.
    near
        Folders that may lie in the repository, should the snapshot have to be checked out again.
    note
        Told what there is to know before the run starts.
    live
        Show what the run prints.
    fit
        Given the file and the name of the function, the folders it imports from, the config before and after
        `settings`: gives the config that fits the function, or says why none does.
    unpickle
        Load the values to compare them, which executes what the files say; else as far as JSON has them.

    Raises
    ------
    UsageError, ConfigError
        There is no such attempt, something that it was made of is gone, or a setting makes no sense; nothing has been
        executed.
    """
    if not tolerance >= 0:
        raise UsageError(f"the tolerance is 0 or more, not {tolerance}")
    found = stored_run(output, run)
    past = Past(found, at, found.experiment.output)
    past.require_outcome("execute it again with --rerun" if past.trouble else "build it again")
    config = past.config(settings)
    deps = past.deps()
    snapshot = past.snapshot(*near)
    function = past.function(snapshot)
    relocation = past.relocation(snapshot, function)
    past.link_data(snapshot, function)
    if settings and fit is not None:
        config = fit(snapshot / function["file"], function["attribute"], relocation.first, past.kept_config, config)
    project = project_of_past(past, function)
    inputs = InputsSince(past, project)
    for key, said in inputs.changed.items():
        note(f"warning: input {named(key)} {said} since then")
    new = _New(past, placed(config, project), function, settings, inputs.today, project)
    differing = differing_packages(past, new.surroundings, note)
    note(f"reproducing {past.label} with the code of {past.snapshot_name}")
    with _folder_of(past, function):
        try:
            ended = new.execute(relocation, snapshot, deps, live=live)
        except OSError as error:
            if error.filename is None or not str(error.filename).startswith(past.output.path):
                raise
            place = shown(str(error.filename2 or error.filename))
            raise UsageError(f"cannot write to {place}: {error.strerror}") from None
    made = Reproduction(past.run.full_name, Path(past.attempt.path), Path(new.attempt.path), DIFFERENT, tolerance)
    made.packages, made.settings, made.inputs = differing, new.settings, inputs.changed
    inputs.put_down(new.attempt, ended, relocation.of)
    with importable(relocation.first):
        judge(made, past, new.attempt, ended, unpickle=unpickle)
    return made


def reproduce_for(
    definition: Definition,
    files: ExperimentFolder,
    run: str,
    at: str | None,
    tolerance: float,
    changes: Mapping[str, Any] | None,
    *,
    unpickle: bool,
) -> Reproduction:
    """Do what `Experiment.reproduce` promises; see there."""
    settings = []
    for key, value in (changes or {}).items():
        try:
            settings.append(f"{key}={json.dumps(value, ensure_ascii=False)}")
        except TypeError:
            raise UsageError(
                f'set: "{key}" must be given a value as YAML has them, not {type(value).__name__}'
            ) from None
    home = source_file(definition.fn)
    output = OutputFolder(os.path.dirname(files.path))
    if not os.path.isdir(files.batches):
        raise UsageError(f"there is no batch of {definition.name} in {shown(output.path)} yet; run it first")
    return reproduce(
        output, f"{os.path.basename(files.path)}:{run}", at,
        tolerance=tolerance, settings=settings, near=[os.path.dirname(home)] if home else [], note=tell_plainly,
        unpickle=unpickle,
    )  # fmt: skip


def tell_plainly(text: str) -> None:
    """Say on stderr what there is to know."""
    print(printable(text), file=sys.stderr, flush=True)


class _New:
    """The new attempt."""

    def __init__(
        self,
        past: Past,
        config: Config,
        function: dict[str, Any],
        settings: Sequence[str],
        inputs: Table,
        project: str,
    ) -> None:
        self.past = past
        self.inputs = inputs
        self.project = project
        self.function = function
        config.pop("depends_on", None)
        self.config = config
        masker = masker_of(past.manifest)
        self.kept_config = masker.config(config)
        self.settings = masked_settings(settings, masker)
        self.surroundings = BatchEnvironment()
        self.attempt: AttemptFolder = past.attempt

    def execute(self, relocation: Any, snapshot: Path, deps: Any, *, live: bool) -> dict[str, Any]:
        """Execute the run and give its status."""
        past, files = self.past, self.past.run.files
        name = timestamps.claim_folder(files.path, timestamps.now())
        attempt = self.attempt = AttemptFolder(f"{files.path}/{name}")
        self.surroundings.keep(past.files, name)
        atomic.write_text(attempt.config_json, dumps_config(self.kept_config) + "\n")
        atomic.write_mark(attempt.config_yml, f"{self.kept_config!s}\n")
        atomic.write_text(attempt.commit, past.snapshot_name or "")
        seconds = time.time()
        state = {
            "state": statuses.RUNNING,
            "experiment": past.run.experiment.name,
            "run": past.run.name,
            "batch": None,
            REPRODUCES: past.attempt.name if not past.attempt.flat else ".",
            "settings": self.settings,
            "executor": SubprocessExecutor.name,
            "host": Owner.current().host,
            "owner": Owner.current().to_dict(),
            "start": timestamps.to_iso(seconds),
            "start_seconds": seconds,
            "tries": 1,
            "code": past.status.get("code"),
            "requirements": self.surroundings.digest,
            "why": f"reproduces {past.name}",
            **({"inputs": self.inputs} if self.inputs else {}),
            **({"deps": past.status["deps"]} if "deps" in past.status else {}),
        }
        statuses.write(attempt, state)
        module = self.function.get("module") or ""
        file = os.path.join(os.path.realpath(snapshot), self.function["file"])
        fn = Reference(module or module_name(file)[0], file, self.function["attribute"])
        given: dict[str, str | None] = (
            {RESUME_KEY: None} if RESUME_KEY in past.status else {}
        )  # as where `resume` is set
        job = Job(past.run.name, fn, int(self.function.get("arity", 1)), self.config, deps, attempt, state, given)
        job.kept_config, job.relocation = self.kept_config, relocation
        job.watched = folders_of(self.project, past.output.path)
        self._wait(job, live=live)
        status = statuses.read(attempt)
        atomic.mark(attempt.finished, attempt.status)
        return status

    def _wait(self, job: Job, *, live: bool) -> None:
        guardian, scribe = Guardian(), Scribe()
        try:
            guardian.start()
            secrets = printed_forms(job.config, job.kept_config, environment_secrets())
            handle = SubprocessExecutor().start(job, Log(job.attempt, scribe, live=live, secrets=secrets), guardian)
            try:
                while (ended := handle.poll()) is None:
                    if handle.fileno() < 0:
                        time.sleep(0.02)
                        continue
                    select.select([handle.fileno()], [], [], 0.5)
            except BaseException:
                handle.kill()
                while handle.poll() is None:
                    time.sleep(0.005)
                statuses.end(job.attempt, job.state, statuses.INTERRUPTED)
                raise
        finally:
            guardian.close()
            scribe.close()
        if statuses.read(job.attempt).get("state") not in (statuses.FINISHED, statuses.FAILED):
            kind, message = describe_end(ended)
            error = {"type": kind, "message": message, "where": None, "traceback": ""}
            opening.add(job.attempt.log, f"{kind}: {message}\n".encode("utf-8", "backslashreplace"))
            save_failure(job.attempt, job.state, job.kept_config, error)


def masked_settings(settings: Sequence[str], masker: Masker) -> list[str]:
    """Give changes to a config (``a.b=c``) without secrets."""
    pairs = [text.partition("=") for text in settings]
    return [f"{key}=***" if masker.has_secret({key: text}) else f"{key}={text}" for key, _, text in pairs]


def differing_packages(
    past: Past, today: BatchEnvironment, note: Callable[[str], None]
) -> list[tuple[str, str | None, str | None]]:
    """Warn of every package whose version differs, and of another Python."""
    from ..provenance.packages import differences

    before, now = past.requirements, today.about(past.files)["environment"]["python"]
    if before is None:
        note(f"warning: the packages that {past.label} ran with are not on record")
        return []
    found = differences(before, today.requirements)
    then = past.environment.get("python")
    if isinstance(then, str) and then != now:
        found.insert(0, ("python", then, now))
    for name, old, new in found:
        said = f"was {old}" if old else "was not installed"
        note(f"warning: {name} is {new} now and {said}" if new else f"warning: {name} {said} and is not installed now")
    return found


@contextmanager
def _folder_of(past: Past, function: dict[str, Any]) -> Iterator[None]:
    """Go to the folder of the project that the build was started in, as far as there is one."""
    here, live, folder = os.getcwd(), past.live_root(function), function.get("folder")
    place = os.path.join(live, folder) if live is not None and isinstance(folder, str) else here
    if os.path.isdir(place):
        os.chdir(place)
    try:
        yield
    finally:
        os.chdir(here)

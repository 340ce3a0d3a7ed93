"""A request to build: definitions and flags in, a plan and a build out.

Both doors, `Experiment.run` and ``pyexp build``, come here.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..characters import never_fail
from ..collection.tensor import Tensor
from ..colour import name_limit
from ..config.config import Config
from ..config.encode import Kept, decode
from ..errors import DONE, INTERRUPTED, SOME_FAILED, WRONG_USAGE, PyexpError, UsageError, suggest
from ..planning.decision import FAILED, Decision, foresee
from ..planning.declared_inputs import refuse_missing
from ..planning.definition import Definition
from ..planning.options import Options
from ..planning.plan import Plan, PlannedExperiment, PlannedRun
from ..planning.planner import make_plan
from ..planning.targets import Targets, is_full, matcher
from ..planning.withheld import given_again, kinds_of, may_repeat, withheld
from ..printable import LONGEST_QUOTED, printable, shorten
from ..reporting import listing  # sparing: before anything imports doit
from ..reporting.batches import batches_text
from ..reporting.graph import graph_text
from ..reporting.notices import Advice, remark_lines
from ..reporting.progress import make_reporter
from ..results.reading import read_results
from ..results.result import Result
from ..running.ledger import EXECUTED
from ..running.session import Wishes
from ..running.uncommitted import Uncommitted
from ..standard import heard_or_not
from ..store import manifest as manifests
from ..store import timestamps
from ..store.manifest import Manifest
from ..store.paths import shown
from ..tasks import lazy_doit  # noqa: F401  # sparing: before anything imports doit
from ..tasks.user_tasks import OwnTasks
from .build import Build
from .continued import refuse_renamed
from .loader import is_file
from .retry_command import again_line, started

if TYPE_CHECKING:
    import argparse


class Request:
    """What somebody wants to be built.

    Parameters
    ----------
    definitions
        The experiments to build.
    said
        Options from `run()`; those of the command line are in `arguments` and win.
    arguments
        The flags, as `arguments.add_build_flags` parses them.
    reach
        Gives the experiments that `depends_on` may reach besides.
    own
        Other doit tasks of the same file.
    targets
        What of it, as `Targets` reads it; everything by default.

    Attributes
    ----------
    exit_code
        The exit status of what was done last.
    """

    def __init__(
        self,
        definitions: list[Definition],
        said: Options,
        arguments: argparse.Namespace,
        reach: Callable[[], list[Definition]],
        own: OwnTasks | None = None,
        targets: Sequence[str] = (),
    ) -> None:
        self.definitions = definitions
        self.arguments = arguments
        self._said = said
        self._command_line = Options(
            output_dir=arguments.output_dir,
            executor=arguments.executor,
            retry=arguments.retry,
            stash=arguments.stash,
            timeout=arguments.timeout,
            idle_timeout=arguments.idle_timeout,
            resume=arguments.resume,
            code=arguments.code,
            read_files=arguments.read_files,
            dirty_git=arguments.dirty_git,
        ).checked("command line")
        self._reach = reach
        #: Those of them that were selected; before that, all.
        self.own = self._own = own or OwnTasks()
        self.targets = targets
        self._continued: dict[str, Manifest] = {}
        self.exit_code = DONE

    @property
    def output_dir(self) -> str:
        """Where the first experiment is written."""
        return os.path.abspath(self._options(self.definitions[0]).output_dir or "out")

    # -- from definitions to a plan -----------------------------------------------------------------------------

    def _options(self, definition: Definition) -> Options:
        return definition.resolved(self._said, typed=self._command_line)

    def _upstream_options(self, definition: Definition) -> Options:
        """Options of an experiment that is only needed by another: what `run()` said of that one does not count."""
        said = self._said
        shared = Options(
            output_dir=said.output_dir, executor=said.executor, stash=said.stash, code=said.code,
            read_files=said.read_files, dirty_git=said.dirty_git, resources=said.resources,
        )  # fmt: skip
        return definition.resolved(shared, typed=self._command_line)

    def plan(self) -> Plan:
        """Expand the experiments, and select what `--filter` says.

        Raises
        ------
        PyexpError
            A config, a dependency or a flag is wrong.
        """
        roots = []
        for definition in self.definitions:
            experiment = PlannedExperiment(definition, self._options(definition))
            saved = self._saved_configs(experiment)
            roots.append((experiment, definition.call_configs() if saved is None else saved))
        if self.arguments.continued is not None and not self._continued:
            manifests.find(roots[0][0].files, self.arguments.continued)  # raises: no experiment has such a batch
        return make_plan(roots, self._others)

    def _others(self) -> list[tuple[PlannedExperiment, Callable[[], Any]]]:
        return [
            (PlannedExperiment(definition, self._upstream_options(definition)), definition.call_configs)
            for definition in self._reach()
            if definition.configs is not None
        ]

    def _saved_configs(self, experiment: PlannedExperiment) -> Any:
        """Give the configs of the batch that is to be continued; None for a new batch."""
        named = self.arguments.timestamp is not None
        wanted = self.arguments.timestamp if named else self.arguments.continued
        if wanted is None:
            return None
        names = experiment.files.batch_names()
        if named and wanted not in names:
            if timestamps.is_timestamp(wanted) and "/" not in wanted:
                return None  # a new batch of that name
            if not any(name.startswith(wanted) for name in names):
                raise UsageError(f'"{wanted}" is no name for a batch; write it like {timestamps.now()}')
        if len(self.definitions) > 1 and not _has_batch(names, wanted):
            return None  # the build that is continued did not come as far as this experiment
        manifest = manifests.find(experiment.files, wanted)
        refuse_renamed(experiment, manifest)
        self._continued[experiment.name] = manifest
        experiment.source = shown(experiment.files.manifest(manifest.timestamp))
        return Tensor(self._with_secrets(experiment, manifest), manifest.shape)

    def _with_secrets(self, experiment: PlannedExperiment, manifest: Manifest) -> list[Config]:
        """Give the saved configs, with the secrets that were not saved: from the configs of today, or the environment.

        Raises
        ------
        UsageError
            A secret is nowhere.
        """
        try:
            configs = [Config(decode(manifest.configs[run], _value)) for run in manifest.runs]
        except ImportError as error:
            raise UsageError(f"{experiment.source}: {error}; run it anew, without the batch") from None
        paths = [withheld(manifest, run, config) for run, config in zip(manifest.runs, configs, strict=True)]
        if not any(paths):
            return configs
        today = experiment.definition.call_configs() if experiment.definition.configs is not None else []
        by_name = {config.get("name"): config for config in today if isinstance(config, dict)}
        kinds = kinds_of(manifest)
        where = "neither written down nor in the configs of today"
        for index, config in enumerate(configs):
            if paths[index]:
                label = f"{experiment.name}:{config.get('name')}"
                source = by_name.get(config.get("name"), {})
                configs[index] = given_again(
                    config, paths[index], source, kinds=kinds, label=label, where=where,
                    repeats=may_repeat(manifest, manifest.runs[index]),
                )  # fmt: skip
        return configs

    def _wishes(self) -> Wishes:
        jobs = self.arguments.jobs
        return Wishes(
            jobs=1 if jobs is None else jobs or os.cpu_count() or 1,
            live=self.arguments.live,
            rerun=self.arguments.rerun,
            keep_going=self.arguments.keep_going,
            timestamp=next((found.timestamp for found in self._continued.values()), self.arguments.timestamp),
            continued=self._continued,
        )

    def select(self, plan: Plan, note: Callable[[str], None]) -> tuple[list[str] | None, OwnTasks] | None:
        """Select what the targets and `--filter` say; None if nothing is left.

        Otherwise give the names of the doit tasks to execute (None for all) and the tasks that are no runs.

        Raises
        ------
        UsageError, ConfigError
            A target names nothing, or the filter is no regular expression.
        """
        targets = Targets(plan, self._own)
        for word in self.targets:
            targets.add(word)
        if self.targets:
            plan.select(lambda run: run in targets.runs)
        if not self._apply_filter(plan, note) and not targets.others:
            return None
        if self.targets:
            self.own = self._own.only(targets.others)
            return targets.names([run for run in plan.runs() if run.selected]), self.own
        self.own = OwnTasks() if self.arguments.filter else self._own
        return None, self.own

    def _apply_filter(self, plan: Plan, note: Callable[[str], None]) -> bool:
        """Select what `--filter` says of the chosen runs; False if it matches nothing."""
        pattern = self.arguments.filter
        if pattern is None:
            return True
        matches, shown = matcher(pattern), shorten(repr(pattern), LONGEST_QUOTED)
        before = {run for run in plan.runs() if run.chosen}
        total = len(before)
        chosen, added = plan.select(lambda run: run in before and matches(run))
        if not chosen:
            names = [run.full_name if is_full(pattern) else run.name for run in plan.runs() if run in before]
            note(f"error: --filter {shown} matches no run{suggest(pattern, names)}")
            self.exit_code = WRONG_USAGE
            return False
        upstreams = f", and {added} more that they depend on" if added else ""
        note(f"--filter {shown}: {chosen} of {total} runs selected{upstreams}")
        return True

    # -- what can be done with it -------------------------------------------------------------------------------

    def tell(self) -> int:
        """Do what only reads: `--list`, `--graph`, `--dry-run`; give the exit status."""
        never_fail(sys.stdout)
        arguments = self.arguments
        if arguments.list:
            experiment = PlannedExperiment(self.definitions[0], self._options(self.definitions[0]))
            print(batches_text(experiment.name, experiment.files))
            return 0
        plan = self.plan()
        if arguments.graph:
            print(graph_text(plan, limit=name_limit(sys.stdout)))
            return 0
        if self.select(plan, lambda text: print(printable(text), file=sys.stderr)) is None:
            return self.exit_code
        decisions = foresee(plan, rerun=arguments.rerun)
        self.forbid(plan, decisions)
        text, code = listing.dry_run_text(decisions)
        print(text)
        self.tell_code(decisions)
        return code

    def forbid(self, plan: Plan, decisions: dict[PlannedRun, Decision]) -> None:
        """Make sure that nothing forbids a build: no uncommitted changes, and no input that is missing.

        Of runs that have finished, an input that is gone is only their reason.

        Raises
        ------
        DirtyGitError, InputError
            Something does.
        """
        Uncommitted(plan, lambda text: None).forbid()
        new = (run for run, said in decisions.items() if run.selected and said.kind == "never")
        refuse_missing(new, self._own.makers().__contains__)

    def tell_code(self, decisions: dict[PlannedRun, Decision]) -> None:
        """Say which experiments have runs that were made by other code."""
        for line in remark_lines({run: said for run, said in decisions.items() if run.selected}, self._advice()):
            print(printable(line), file=sys.stderr)

    @heard_or_not()
    def build(self, *, reports: bool = True) -> Build | None:
        """Build; None if the filter leaves nothing to build."""
        plan = self.plan()
        reporter = make_reporter(live=self.arguments.live)
        reporter.again = self._again
        reporter.advice = self._advice()
        selection = self.select(plan, reporter.note)
        if selection is None:
            return None
        names, own = selection
        refuse_missing((run for run in plan.runs() if run.selected), own.makers().__contains__)
        build = Build(plan, self._wishes(), reporter, own, reports=reports)
        try:
            self.exit_code = build.run(names)
        except PyexpError:
            reporter.pause()
            if any(map(reporter.ledger.runs, (EXECUTED, FAILED))):  # not the first run, but a later one could not go on
                reporter.finish()
            raise
        finally:
            reporter.pause()
        reporter.finish()
        return build

    def data(self, build: Build | None) -> dict[str, Any]:
        """Give for programs what a build did."""
        if build is None:
            return {"exit_code": self.exit_code, "runs": []}
        return listing.build_data(build.session, build.reporter, build.exit_code)

    @property
    def _is_script(self) -> bool:
        return self.definitions[0].fn.__module__ == "__main__" and hasattr(sys.modules["__main__"], "__file__")

    def _again(self, runs: list[PlannedRun]) -> str | None:
        """Offer the command that builds just these runs again."""
        return again_line(self.arguments, runs, self._continued, is_script=self._is_script)

    def _advice(self) -> Advice:
        """Say what can be done about runs that were made by other code, in the words of this door."""
        arguments = self.arguments
        output_dir = self._said.output_dir if arguments.output_dir is None else arguments.output_dir
        flags = [] if output_dir is None else ["--output-dir", os.fspath(output_dir)]
        if hasattr(arguments, "targets"):
            files = [word for word in arguments.targets if is_file(word)]
            rerun = ["pyexp", "build", *files]
        elif self._is_script and (script := started()) and is_file(file := sys.modules["__main__"].__file__ or ""):
            files, rerun = [shown(file)], script
        else:
            return Advice('run(code="rerun")', "accept()", 'run(read_files="rerun")')
        accept = ["pyexp", "accept", *files, *flags]
        said = [*rerun, "--code", "rerun", *flags], accept, [*rerun, "--read-files", "rerun", *flags]
        return Advice(*(f"`{shlex.join(words)}`" for words in said))

    @heard_or_not()
    def run(self) -> Any:
        """Do what `Experiment.run` promises for one experiment: build, then report."""
        definition = self.definitions[0]
        if self.arguments.report is not None:
            experiment = PlannedExperiment(definition, self._options(definition))
            from ..tasks.report_task import report_from_disk

            return report_from_disk(experiment, self.arguments.timestamp or self.arguments.report)
        build = self.build(reports=False)
        if build is None:
            return self._results(definition)
        experiment = build.session.plan.roots[0]
        if self.exit_code == INTERRUPTED:
            raise KeyboardInterrupt
        if definition.report is not None and self.exit_code in (DONE, SOME_FAILED):
            from ..tasks.report_task import make_report

            with build.session.occupied():
                return make_report(experiment, build.session.ledger, build.session.batch(experiment))
        return self._results(definition)

    def _results(self, definition: Definition) -> Tensor[Result]:
        return read_results(PlannedExperiment(definition, self._options(definition)).files)


def _has_batch(names: list[str], wanted: str) -> bool:
    return any(wanted == "latest" or name.startswith(wanted) for name in names)


def _value(kept: Kept) -> Any:
    """Give a value with the class that it had, or none: what a run is given must be of that."""
    return kept.value(importing=True)

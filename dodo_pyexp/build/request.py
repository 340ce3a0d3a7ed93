"""A request to build: definitions and flags in, a plan and a build out.

Both doors, `Experiment.run` and ``pyexp build``, come here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..collection.tensor import Tensor
from ..config.config import Config
from ..config.encode import decode
from ..errors import ConfigError, UsageError
from ..results.reading import read_results
from ..results.result import Result
from ..store import manifest as manifests
from ..store import timestamps
from ..store.manifest import Manifest
from . import listing
from .build import INTERRUPTED, SOME_FAILED, Build
from .decision import foresee
from .definition import Definition
from .options import Options, resolve
from .plan import Plan, PlannedExperiment, make_plan
from .report import make_report, report_from_disk
from .reporter import BuildReporter
from .session import Wishes

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
    tasks
        Other doit tasks of the same file.

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
        tasks: Iterable[Any] = (),
    ) -> None:
        self.definitions = definitions
        self.arguments = arguments
        self._said = said
        self._command_line = Options(
            output_dir=arguments.output_dir, executor=arguments.executor, retry=arguments.retry, stash=arguments.stash
        ).checked("command line")
        self._reach = reach
        self._tasks = tasks
        self._continued: dict[str, Manifest] = {}
        self.exit_code = 0

    @property
    def output_dir(self) -> str:
        """Where the first experiment is written."""
        return os.path.abspath(self._options(self.definitions[0]).output_dir or "out")

    # -- from definitions to a plan -----------------------------------------------------------------------------

    def _options(self, definition: Definition) -> Options:
        return resolve(self._command_line, self._said, definition.options)

    def _upstream_options(self, definition: Definition) -> Options:
        """Options of an experiment that is only needed by another: what `run()` said of that one does not count."""
        shared = Options(output_dir=self._said.output_dir, executor=self._said.executor, stash=self._said.stash)
        return resolve(self._command_line, shared, definition.options)

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
        return make_plan(roots, self._others)

    def _others(self) -> list[tuple[PlannedExperiment, Callable[[], Any]]]:
        return [
            (PlannedExperiment(definition, self._upstream_options(definition)), definition.call_configs)
            for definition in self._reach()
            if definition.configs is not None
        ]

    def _saved_configs(self, experiment: PlannedExperiment) -> Any:
        """Give the configs of the batch that is to be continued; None for a new batch."""
        wanted = self.arguments.timestamp or self.arguments.continued
        if wanted is None:
            return None
        names = experiment.files.batch_names()
        if self.arguments.timestamp and not any(name.startswith(wanted) for name in names):
            if not timestamps.is_timestamp(wanted) or "/" in wanted:
                raise UsageError(f'"{wanted}" is no name for a batch; write it like {timestamps.now()}')
            return None
        manifest = manifests.find(experiment.files, wanted)
        self._continued[experiment.name] = manifest
        return Tensor([Config(decode(manifest.configs[run])) for run in manifest.runs], manifest.shape)

    def _wishes(self) -> Wishes:
        jobs = self.arguments.jobs
        return Wishes(
            jobs=1 if jobs is None else jobs or os.cpu_count() or 1,
            live=self.arguments.live,
            rerun=self.arguments.rerun,
            keep_going=self.arguments.keep_going,
            timestamp=self.arguments.timestamp,
            continued=self._continued,
        )

    def _apply_filter(self, plan: Plan, note: Callable[[str], None]) -> bool:
        """Select what `--filter` says; False if it matches nothing."""
        pattern = self.arguments.filter
        if pattern is None:
            return True
        import re

        try:
            search = re.compile(pattern).search
        except re.error as error:
            raise ConfigError(f"--filter {pattern!r} is no regular expression: {error}") from None
        total = sum(run.selected for run in plan.runs())
        roots = {id(experiment) for experiment in plan.roots}
        chosen, added = plan.select(
            lambda run: id(run.experiment) in roots and bool(search(run.name) or search(run.full_name))
        )
        if not chosen:
            note(f"--filter {pattern!r} matches no run")
            return False
        upstreams = f", and {added} more that they depend on" if added else ""
        note(f"--filter {pattern!r}: {chosen} of {total} runs selected{upstreams}")
        return True

    # -- what can be done with it -------------------------------------------------------------------------------

    def tell(self) -> int:
        """Do what only reads: `--list`, `--graph`, `--dry-run`; give the exit status."""
        arguments = self.arguments
        if arguments.list:
            experiment = PlannedExperiment(self.definitions[0], self._options(self.definitions[0]))
            print(listing.batches_text(experiment.name, experiment.files))
            return 0
        plan = self.plan()
        if arguments.graph:
            print(listing.graph_text(plan))
            return 0
        self._apply_filter(plan, lambda text: print(text, file=sys.stderr))
        text, code = listing.dry_run_text(plan, foresee(plan, rerun=arguments.rerun))
        print(text)
        return code

    def build(self, selection: list[str] | None = None, *, reports: bool = True) -> Build | None:
        """Build; None if the filter leaves nothing to build."""
        plan = self.plan()
        reporter = BuildReporter(0)
        if not self._apply_filter(plan, reporter.note):
            return None
        build = Build(plan, self._wishes(), reporter, self._tasks, reports=reports)
        self.exit_code = build.run(selection)
        reporter.finish()
        return build

    def run(self) -> Any:
        """Do what `Experiment.run` promises for one experiment: build, then report."""
        definition = self.definitions[0]
        if self.arguments.report is not None:
            experiment = PlannedExperiment(definition, self._options(definition))
            return report_from_disk(experiment, self.arguments.timestamp or self.arguments.report)
        build = self.build(reports=False)
        if build is None:
            return self._results(definition)
        experiment = build.session.plan.roots[0]
        if self.exit_code == INTERRUPTED:
            raise KeyboardInterrupt
        if definition.report is not None and self.exit_code in (0, SOME_FAILED):
            return make_report(experiment, build.session.batch(experiment))
        return self._results(definition)

    def _results(self, definition: Definition) -> Tensor[Result]:
        return read_results(PlannedExperiment(definition, self._options(definition)).files)

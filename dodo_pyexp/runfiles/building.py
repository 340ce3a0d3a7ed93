"""Building what a run file declares, in the mode that was asked for.

Implements: Experimaestro guide, run modes (`normal`, `dry_run`, `generate_only`, `prepare`), in terms of runs and
batches.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..building.request import Request
from ..building.retry_command import command_line, pattern_of
from ..interchange import json_text
from ..planning.definition import Definition
from ..planning.options import Options
from ..planning.plan import Plan, PlannedRun
from ..printable import printable_lines
from ..reporting import listing
from ..reporting.notices import Advice
from ..running.session import Session
from ..store.paths import shown
from ..tasks.user_tasks import refused_tasks
from .wanted import DRY_RUN, GENERATE_ONLY, PREPARE, Wanted

NAMED = 5  # failed runs that are named in the command that builds them again


class RunFileRequest(Request):
    """A request to build what a run file declares.

    Parameters
    ----------
    definitions, said, reach
        As for `Request`.
    wanted
        What the command line says.
    """

    def __init__(
        self,
        definitions: list[Definition],
        said: Options,
        wanted: Wanted,
        reach: Callable[[], Iterable[Definition]] = tuple,
    ) -> None:
        super().__init__(definitions, said, wanted.arguments, lambda: list(reach()))
        self._mode = wanted.mode
        self._words = [word for word in wanted.words if word not in ("-n", "--dry-run")]

    def plan(self) -> Plan:
        """Expand the experiments; to prepare, select only what other runs depend on.

        Raises
        ------
        PyexpError
            A config, a dependency or a flag is wrong.
        """
        plan = super().plan()
        if self._mode == PREPARE:
            needed = {id(upstream) for run in plan.runs() for upstream in run.upstream}
            plan.select(lambda run: id(run) in needed)
        return plan

    def carry_out(self) -> int:
        """Do what the mode says, and give the exit status.

        Raises
        ------
        PyexpError
            It cannot be done.
        """
        with refused_tasks():
            if self._mode == DRY_RUN:
                return self._foresee()
            if self._mode == GENERATE_ONLY:
                return self._generate()
            done = self.build()
        if self.arguments.json:
            self._print(self.data(done))
        return self.exit_code

    def _again(self, runs: list[PlannedRun]) -> str | None:
        """Offer the command that builds just these runs again."""
        if not self._words:
            return super()._again(runs)
        command = command_line(["pyexp", "run", *self._words])
        if self.arguments.filter is None and len(runs) <= NAMED and all(run.chosen for run in runs):
            pattern = f"^({'|'.join(pattern_of(run.full_name) for run in runs)})$"
            return (
                f"To build just {'it' if len(runs) == 1 else 'these'} again: {command} --filter {shlex.quote(pattern)}"
            )
        return f"To build them again (what is finished stays as it is): {command}"

    def _advice(self) -> Advice:
        """Say what can be done about runs that were made by other code."""
        if not self._words:
            return super()._advice()
        command = command_line(["pyexp", "run", *self._words])
        return Advice(f"`{command} --code rerun`", f"`{command} --code ignore`")

    def _foresee(self) -> int:
        """Say what would be executed, and why."""
        from ..planning.decision import foresee

        plan = self.plan()
        if self.select(plan, tell) is None:
            return self.exit_code
        decisions = foresee(plan, rerun=self.arguments.rerun)
        self.forbid(plan, decisions)
        text, code = listing.dry_run_text(decisions)
        if self.arguments.json:
            self._print(listing.states_data(plan, decisions))
        else:
            print(text)
        self.tell_code(decisions)
        return code

    def _generate(self) -> int:
        """Write down the batch that a build would execute, every config of it, and execute nothing."""
        plan = self.plan()
        if self.select(plan, tell) is None:
            return self.exit_code
        self.forbid(plan, {})
        session = Session(plan, self._wishes())
        session.note = tell
        try:
            for experiment in plan.experiments:
                count = sum(run.selected for run in experiment.runs)
                if count:
                    batch = session.start_batch(experiment)
                    batch.close()
                    tell(
                        f"{experiment.name}: {count} run{'' if count == 1 else 's'} written down in "
                        f"{shown(experiment.files.manifest(batch.timestamp))}; --continue {batch.timestamp} executes "
                        f"{'it' if count == 1 else 'them'}"
                    )
        finally:
            session.close()
        return 0

    def _print(self, data: Any) -> None:
        print(json_text(data))


def introduce(name: str, texts: Iterable[str | None], path: Path) -> None:
    """Say what a run file says about itself, without its secrets."""
    from ..provenance.secrets.repeats import masked_text
    from ..provenance.secrets.yaml_text import secrets_in

    said = [text for text in texts if text]
    known = secrets_in(path.read_text(encoding="utf-8", errors="replace")) if said else []
    for text in said:
        tell(f"{name}: {masked_text(text, known)}")


def tell(text: str) -> None:
    """Say something on stderr."""
    print(printable_lines(text.rstrip("\n")), file=sys.stderr, flush=True)

"""Building a plan: what is out of date is left to doit, and what became of all runs is written down.

Implements: docs/how-it-works.md, "Who does what".
"""

from __future__ import annotations

from ..errors import DONE, INTERRUPTED, SOME_FAILED, UsageError
from ..planning.decision import FAILED, SKIPPED, UP_TO_DATE, decide
from ..planning.plan import Plan
from ..reporting.notices import renamed_lines
from ..reporting.reporter import BuildReporter
from ..running.session import Session, Wishes
from ..tasks.user_tasks import OwnTasks


class Build:
    """One build of a plan.

    Parameters
    ----------
    plan
        What to bring up to date.
    wishes
        How.
    reporter
        Tells the user; by default lines on stderr.
    own
        Other doit tasks of the same file.
    reports
        Make reports that are out of date.
    """

    def __init__(
        self,
        plan: Plan,
        wishes: Wishes | None = None,
        reporter: BuildReporter | None = None,
        own: OwnTasks | None = None,
        *,
        reports: bool = True,
    ) -> None:
        self.session = Session(plan, wishes)
        total = sum(run.selected for run in plan.runs())
        self.reporter = reporter or BuildReporter(total)
        self._own = own or OwnTasks()
        self.reporter.ledger = self.session.ledger
        self.reporter.total = total
        self.reporter.expect(self._own.tasks)
        self.reporter.expected = lambda: (run for run in plan.runs() if run.selected)
        self.session.note = self.reporter.note
        self._reports = reports
        self.exit_code = DONE

    def run(self, selection: list[str] | None = None) -> int:
        """Execute what is out of date and give the exit status.

        Parameters
        ----------
        selection
            Names of tasks or paths of targets; everything by default.

        Raises
        ------
        PyexpError
            Something about the plan or this machine makes it impossible; nothing has been executed.
        """
        self.session.uncommitted.forbid()
        with self.session.occupied(), self.session.collector:
            interrupted = self._bring_up_to_date(selection)
            self._close_batches()
        return self._judge(interrupted=interrupted)

    def _bring_up_to_date(self, selection: list[str] | None) -> bool:
        """Execute what is out of date; True if that was interrupted."""
        try:
            if self._find_up_to_date(selection):
                return False
            from ..tasks.dispatch import run_tasks

            runner = run_tasks(self.session, self.reporter, self._own, selection, reports=self._reports)
            return runner.interrupted
        finally:
            self.session.close()

    def _find_up_to_date(self, selection: list[str] | None) -> bool:
        """Decide every run that nothing is executed for before it; True if all are up to date.

        These are no tasks for doit; if there is none at all, doit is not even imported.
        """
        session, ledger = self.session, self.session.ledger
        if selection is not None or self._own or session.wishes.rerun or session.wishes.continued:
            return False
        runs = [run for run in session.plan.ordered() if run.selected]
        for run in runs:
            if run.upstream and any(one.selected and ledger.of(one).ended is None for one in run.upstream):
                continue  # decided when it is known what came of that
            try:
                found = decide(run, ledger.output_of)
            except Exception:  # told where it is that run's failure alone
                continue
            ledger.decided(run, found)
            if found.record is not None:
                ledger.settled(run, UP_TO_DATE)
                self.reporter.passed_over(run)
        if len(ledger.runs(UP_TO_DATE)) < len(runs):
            decided = {run: said for run in runs if (said := ledger.of(run).decision) is not None}
            for line in renamed_lines(decided):
                session.note(line)
        reports = self._reports and any(experiment.definition.report for experiment in session.plan.experiments)
        return not reports and len(ledger.runs(UP_TO_DATE)) == len(runs)

    def _close_batches(self) -> None:
        for experiment in self.session.plan.experiments:
            # A sweep that has become empty is a batch too, or the results would still be those of the one before.
            emptied = not experiment.runs and bool(experiment.files.batch_names())
            if emptied or any(run.selected for run in experiment.runs):
                try:
                    self.session.batch(experiment).close()
                except (OSError, UsageError) as error:  # all runs are on record; what was done is still to be told
                    why = error.strerror if isinstance(error, OSError) else str(error)
                    self.reporter.unrecorded(f"the manifest of {experiment.name} cannot be written: {why}")

    def _judge(self, *, interrupted: bool) -> int:
        if interrupted:
            self.exit_code = INTERRUPTED
        elif self.session.ledger.runs(FAILED) or self.session.ledger.runs(SKIPPED) or self.reporter.other_failures:
            self.exit_code = SOME_FAILED
        return self.exit_code

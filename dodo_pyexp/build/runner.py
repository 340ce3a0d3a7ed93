"""The runner: doit says what comes next, many runs are on their way at once, one thread waits for them all.

Implements: DESIGN section 7; doit notes, section 3.6. Only `Runner.run_tasks` and `select_task` of doit are overridden.
The wait is on the ends of processes (pidfds), never on a queue that a dead worker could not fill.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Generator
from typing import Any

from doit.exceptions import InvalidDodoFile
from doit.runner import FAILURE, Runner

from .execution import Execution
from .reporter import BuildReporter
from .session import Session
from .signals import Interrupts
from .tasks import GroupTask, ReportTask, RunTask, check, failure

TICK_SECONDS = 0.5
POLL_SECONDS = 0.02


class BuildRunner(Runner):
    """Keeps up to `jobs` runs on their way.

    Parameters
    ----------
    dep_manager
        doit's database.
    reporter
        Tells the user what happens.
    session
        The build.
    """

    final_result: int
    _stop_running: bool

    def __init__(self, dep_manager: Any, reporter: BuildReporter, session: Session) -> None:
        super().__init__(dep_manager, reporter, continue_=session.wishes.keep_going)
        self.session = session
        self._reporter = reporter
        self._flying: dict[Execution, Any] = {}
        self._blind: set[Execution] = set()  # in flight, with nothing to wait on: looked at from time to time
        self._timed: set[Execution] = set()  # in flight, with a timeout
        self._looked = 0.0
        self._parked: deque[tuple[Any, Execution]] = deque()
        self._settled: deque[Any] = deque()
        self._selector = selectors.DefaultSelector()
        self._exhausted = False
        self._holding = False
        self.interrupts = Interrupts()

    @property
    def interrupted(self) -> bool:
        """Somebody asked the build to stop."""
        return self.interrupts.count > 0

    # -- doit's decision ----------------------------------------------------------------------------------------

    def select_task(self, node: Any, tasks: dict[str, Any]) -> bool:
        """Let doit decide, except where a failed upstream means something else to pyexp than to doit."""
        task = node.task
        if node.bad_deps:
            if isinstance(task, RunTask):
                self._skip(node)
                return False
            if isinstance(task, ReportTask):
                node.bad_deps = []  # a report shows failures, too
                return not self.interrupted
            if isinstance(task, GroupTask):
                node.run_status = "failure"
                return False
        try:
            if isinstance(task, RunTask):
                return self._select_run(node)
            selected: bool = super().select_task(node, tasks)
        except Exception as error:  # a bug in a check must not end the build
            from doit.exceptions import DependencyError

            self._handle_task_error(node, DependencyError(f"{task.name}: {type(error).__name__}: {error}"))
            return False
        return selected

    def _select_run(self, node: Any) -> bool:
        """Decide a run as doit does, by its one check, but without asking 100,000 times what else it might have."""
        task: RunTask = node.task
        if node.ignored_deps or self.dep_manager.status_is_ignore(task):
            node.run_status = "ignore"
            self._reporter.skip_ignore(task)
            return False
        if check(task) and not self._forced(task):
            node.run_status = "up-to-date"
            self._reporter.skip_uptodate(task)
            return False
        node.run_status = "run"
        return True

    def _forced(self, task: RunTask) -> bool:
        return self.session.wishes.rerun and task.run.chosen

    def _skip(self, node: Any) -> None:
        task: RunTask = node.task
        run = task.run
        bad = next((dep.task for dep in node.bad_deps if isinstance(dep.task, RunTask)), None)
        if bad is None:
            reason = f"{node.bad_deps[0].task.name} failed"
        else:
            what = "was skipped" if self._reporter.was_skipped(bad.run) else "failed"
            reason = f"upstream {bad.run.full_name} {what}"
        node.run_status = "failure"
        self.final_result = self.final_result or FAILURE
        self.session.batch(run.experiment).skip(run, reason)
        self._reporter.skip_unmet(run, reason)

    # -- the loop -----------------------------------------------------------------------------------------------

    def run_tasks(self, task_dispatcher: Any) -> None:
        """Execute what doit hands out until there is nothing left, or the build is told to stop."""
        generator = task_dispatcher.generator
        with self.interrupts:
            try:
                while True:
                    self._obey()
                    self._feed(generator)
                    if not self._flying and not self._parked:
                        if self._exhausted or self._stop_running:
                            break
                        if not self._settled:
                            names = sorted(node.task.name for node in task_dispatcher.waiting)
                            raise InvalidDodoFile(f"these tasks wait for each other: {', '.join(names[:10])}")
                    self._collect()
            except KeyboardInterrupt:
                self.interrupts.count = max(self.interrupts.count, 2)
            finally:
                self._end_all()
                self._selector.close()

    def _obey(self) -> None:
        """Stop starting after the first interrupt; end what is running after the second."""
        if self.interrupts.count and not self._stop_running:
            self._stop_running = True
            self._reporter.stopping(len(self._flying))
            for execution in self._flying:
                execution.stopping = True
        if self.interrupts.count >= 2:
            for execution in self._flying:
                execution.kill("Interrupted", "the build was interrupted")

    def _room(self) -> bool:
        # Runs executed in this very process follow each other without a look around in between.
        stopping = self._stop_running or self.interrupts.count
        return not stopping and len(self._flying) < max(1, self.session.wishes.jobs)

    def _feed(self, generator: Generator[Any, Any, None]) -> None:
        """Take tasks from doit while there is room for them."""
        if self._stop_running:
            self._parked.clear()
            return
        for _ in range(len(self._parked)):
            if not self._room():
                return
            node, execution = self._parked.popleft()
            self._launch(node, execution)
        while not self._exhausted and self._room():
            if self._holding and not self._settled:
                return
            try:
                node = generator.send(self._settled.popleft() if self._settled else None)
            except StopIteration:
                self._exhausted = True
                return
            self._holding = node == "hold on"
            if self._holding:
                continue
            if not self.select_task(node, {}):
                self._settled.append(node)
            elif isinstance(node.task, RunTask):
                task = node.task
                self._launch(node, Execution(self.session, task.run, forced=self._forced(task)))
            else:
                self._execute_here(node)

    def _execute_here(self, node: Any) -> None:
        """Execute what is no run: a group, a report, a task of the user's own."""
        if isinstance(node.task, GroupTask):
            node.run_status = "successful"
        else:
            self._reporter.pause()
            self.session.collector.wake()
            self.process_task_result(node, self.execute_task(node.task))
        self._settled.append(node)

    def _launch(self, node: Any, execution: Execution) -> None:
        self.session.collector.wake()
        try:
            with self.interrupts.in_process(execution.run.experiment.options.executor):
                started = execution.start()
        except KeyboardInterrupt:
            self._reporter.broken_off(execution)
            self._settled.append(node)
            raise
        if not started:
            self._parked.append((node, execution))
            return
        if not execution.executed:
            self._land(node, execution)
            return
        self._reporter.started(execution)
        self._flying[execution] = node
        self._watch(execution)
        if execution.handle is not None and execution.handle.fileno() < 0:
            self._look(execution)

    def _watch(self, execution: Execution) -> None:
        fd = execution.handle.fileno() if execution.handle is not None else -1
        if fd >= 0:
            self._selector.register(fd, selectors.EVENT_READ, execution)
        else:
            self._blind.add(execution)
        if execution.timed:
            self._timed.add(execution)

    def _collect(self) -> None:
        """Wait until a run ends, or until it is time to look around."""
        if not self._flying and not self._parked:
            return
        wait = POLL_SECONDS if self._blind or self._parked else TICK_SECONDS
        if self._more_to_feed():
            wait = 0.0
        if len(self._selector.get_map()):
            for key, _ in self._selector.select(wait):
                self._look(key.data)
        else:
            time.sleep(wait)
        for execution in list(self._blind):
            self._look(execution)
        now = time.monotonic()
        if self._timed and now - self._looked > TICK_SECONDS / 5:
            self._looked = now
            for execution in list(self._timed):
                if execution.overdue(now):
                    self._look(execution)
        self._reporter.tick()

    def _more_to_feed(self) -> bool:
        return bool(self._settled) and self._room()

    def _look(self, execution: Execution) -> None:
        """See whether a run has ended; it may also have been started once more."""
        if execution not in self._flying:
            return
        before = execution.handle
        fd = before.fileno() if before is not None else -1
        with self.interrupts.in_process(execution.run.experiment.options.executor):
            ended = execution.poll()
        if ended or execution.handle is not before:
            if fd >= 0:
                self._selector.unregister(fd)
            self._blind.discard(execution)
            self._timed.discard(execution)
            if ended:
                self._land(self._flying.pop(execution), execution)
            else:
                self._watch(execution)

    def _land(self, node: Any, execution: Execution) -> None:
        """Tell doit and the user how a run ended."""
        if not self._flying:
            self.session.collector.rest()
        self._reporter.ended(execution)
        fail = failure(execution)
        if execution.interrupted:
            node.run_status = "failure"
            self._stop_running = True
        else:
            self.process_task_result(node, fail)
        self._settled.append(node)

    def _end_all(self) -> None:
        """Leave nothing behind: whatever is still running is ended and recorded as interrupted."""
        for execution in list(self._flying):
            execution.kill("Interrupted", "the build was interrupted")
        while self._flying:
            for execution in list(self._flying):
                self._look(execution)
            if self._flying:
                time.sleep(0.002)

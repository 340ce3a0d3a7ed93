"""The runner: doit says what comes next, many runs are on their way at once, one thread waits for them all.

Implements: docs/how-it-works.md, "Who does what". It takes the place of doit's `Runner`: doit's dispatcher hands out
the tasks, doit's database is told how they ended, and tasks that are no runs are left to doit's own runner. The wait is
on the ends of processes (pidfds), never on a queue that a dead worker could not fill.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidDodoFile, InvalidTask

from ..planning.decision import INTERRUPTED, SKIPPED, UP_TO_DATE
from ..reporting.reporter import BuildReporter
from ..running.ledger import EXECUTED
from ..running.open_files import Descriptors, Shortage
from ..running.polling import Pace
from ..running.session import Session
from .other_tasks import OtherTasks
from .run_tasks import GroupTask, ReportTask, RunTask, check, failure
from .signals import Interrupts

if TYPE_CHECKING:
    from ..running.execution import Execution

TICK_SECONDS = 0.5
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 20.0  # seconds a run may take to end after it was killed: on a disk that hangs, a process never does


class BuildRunner:
    """Keeps up to `jobs` runs on their way.

    Parameters
    ----------
    dep_manager
        doit's database.
    reporter
        Tells the user what happens.
    session
        The build.
    others
        Decides and executes what is no run.
    """

    def __init__(self, dep_manager: Any, reporter: BuildReporter, session: Session, others: OtherTasks) -> None:
        self.session = session
        self._dep_manager = dep_manager
        self._reporter = reporter
        self._ledger = session.ledger
        self._others = others
        self._stopping = False
        self._flying: dict[Execution, Any] = {}
        self._untold: list[Execution] = []  # started, and not told yet
        self._overtaking = False
        self._leaving: set[Execution] = set()  # in flight, but on record: their processes are ending
        self._blind: set[Execution] = set()  # in flight, with nothing to wait on: looked at from time to time
        self._timed: set[Execution] = set()  # in flight, with a timeout
        self._looked = 0.0
        self._parked: deque[tuple[Any, Execution]] = deque()  # somebody else executes them
        self._blind_pace, self._parked_pace = Pace(POLL_SECONDS), Pace(POLL_SECONDS)
        self._shared = False
        self._settled: deque[Any] = deque()
        self._next: tuple[Any, Execution | None] | None = None  # decided, and waiting for room; no execution: no run
        self._selector = selectors.DefaultSelector()
        self._exhausted = False
        self._holding = False
        self.interrupts = Interrupts()

    @property
    def interrupted(self) -> bool:
        """Somebody asked the build to stop."""
        return self.interrupts.count > 0

    @property
    def _stop_running(self) -> bool:
        return self._stopping or self._others.stopped

    def run_all(self, task_dispatcher: Any) -> None:
        """Bring the selected tasks up to date, in doit's order."""
        try:
            self._run_tasks(task_dispatcher)
        except InvalidTask as error:
            self._reporter.runtime_error(str(error))
        finally:
            self._dep_manager.close()
            self._others.finish()

    # -- doit's decision ----------------------------------------------------------------------------------------

    def _select(self, node: Any) -> bool:
        """Decide a task as doit does, except where a failed upstream means something else to pyexp than to doit."""
        task = node.task
        if node.bad_deps and isinstance(task, RunTask) and task.run.optional:
            node.bad_deps = [dep for dep in node.bad_deps if not self._ledger.does_without(task.run, dep.task.run)]
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
        if isinstance(task, RunTask):
            try:
                return self._select_run(node)
            except Exception as error:  # a bug in a check must not end the build
                from doit.exceptions import DependencyError

                self._fail(node, DependencyError(f"{task.name}: {type(error).__name__}: {error}"))
                return False
        if isinstance(task, GroupTask):
            node.run_status = "run"
            return True
        return self._others.select(node)

    def _fail(self, node: Any, fail: Any) -> None:
        """Tell doit and the user that a run failed."""
        node.run_status = "failure"
        self._dep_manager.remove_success(node.task)
        self._reporter.add_failure(node.task, fail)
        if not self.session.wishes.keep_going:
            self._stopping = True

    def _select_run(self, node: Any) -> bool:
        """Decide a run as doit does, by its one check, but without asking 100,000 times what else it might have."""
        task: RunTask = node.task
        if node.ignored_deps or self._dep_manager.status_is_ignore(task):
            node.run_status = "ignore"
            self._reporter.skip_ignore(task)
            return False
        if check(task) and not self._forced(task):
            node.run_status = "up-to-date"
            self._ledger.settled(task.run, UP_TO_DATE)
            self._reporter.passed_over(task.run)
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
            what = "was skipped" if self._ledger.of(bad.run).ended == SKIPPED else "failed"
            reason = f"upstream {bad.run.full_name} {what}"
        node.run_status = "failure"
        self._ledger.settled(run, SKIPPED, reason)
        self._reporter.passed_over(run)

    # -- the loop -----------------------------------------------------------------------------------------------

    def _run_tasks(self, task_dispatcher: Any) -> None:
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
                if "_descriptors" in vars(self):
                    self._descriptors.close()

    def _obey(self) -> None:
        """Stop starting after the first interrupt; end what is running after the second."""
        if self.interrupts.count and not self._stop_running:
            self._stopping = True
            queued = [execution for execution in self._flying if execution.queued]
            self._reporter.stopping(len(self._flying) - len(queued))
            for execution in self._flying:
                execution.stopping = True
            for execution in queued:
                execution.kill("Interrupted", "the build was interrupted")
        if self.interrupts.count >= 2:
            self._end_all()

    def _room(self) -> bool:
        # Runs executed in this very process follow each other without a look around in between.
        stopping = self._stop_running or self.interrupts.count
        return not stopping and (not self._flying or len(self._flying) < self._descriptors.jobs)

    def _feed(self, generator: Generator[Any, Any, None]) -> None:
        """Take tasks from doit while there is room for them."""
        if self._stop_running:
            self._parked.clear()
            self._next = None
            return
        if self._parked and self._room() and self._parked_pace.begin():
            before = len(self._parked)
            for _ in range(before):
                if self._room():
                    self._launch(*self._parked.popleft())
            self._parked_pace.end(in_vain=len(self._parked) == before)
        while self._room() and (self._next is not None or self._take(generator)):
            if self._next is not None:
                (node, execution), self._next = self._next, None
                if execution is None:
                    self._execute_here(node)
                else:
                    self._launch(node, execution)
        if self._next is None and self._flying:
            # No room, so there is time: what comes next is made ready while a run is on its way.
            self._take(generator)
            if self._next is not None and self._next[1] is not None:
                self._next[1].prepare()
        if self._next is not None and self._next[1] is not None and not self._leaving:
            self._next[1].warm()  # not while a process is ending: both are slower then, by more than the time of one

    def _take(self, generator: Generator[Any, Any, None]) -> bool:
        """Take a task from doit and decide it; what has to be executed becomes `_next`. False if there is none now."""
        if self._exhausted or (self._holding and not self._settled):
            return False
        try:
            node = generator.send(self._settled.popleft() if self._settled else None)
        except StopIteration:
            self._exhausted = True
            return False
        self._holding = node == "hold on"
        if not self._holding:
            if not self._select(node):
                self._settled.append(node)
            elif isinstance(node.task, RunTask):
                self._next = node, self._execution(node.task)
            else:
                self._next = node, None
        return True

    @cached_property
    def _descriptors(self) -> Descriptors:
        return Descriptors(min(max(1, self.session.window()), max(1, self._reporter.total)), self.session.note)

    def _execution(self, task: RunTask) -> Execution:
        from ..running.execution import Execution  # a build that finds nothing to do needs nothing of all this

        self.session.check_executors()
        return Execution(self.session, task.run, forced=self._forced(task))

    def _execute_here(self, node: Any) -> None:
        """Execute what is no run: a group, a report, a task of the user's own."""
        if isinstance(node.task, GroupTask):
            node.run_status = "successful"
        else:
            self._reporter.pause()
            self.session.collector.wake()
            try:
                with self.interrupts.in_task():
                    self._others.execute(node)
            except KeyboardInterrupt:
                self.interrupts.count = max(self.interrupts.count, 1)
                node.run_status = "failure"
                self._reporter.line(f"{node.task.name}  interrupted")
        self._settled.append(node)

    def _crowded(self, execution: Execution) -> bool:
        """Tell whether ``--jobs`` keeps a run waiting that there is room for only because others go to a cluster."""
        jobs = self.session.wishes.jobs
        if self._descriptors.jobs <= jobs or self.session.executor(execution.run).window is not None:
            return False
        here = [other for other in self._flying if self.session.executor(other.run).window is None]
        return len(here) >= max(1, jobs)

    def _launch(self, node: Any, execution: Execution) -> None:
        if self._crowded(execution):
            self._parked.append((node, execution))
            return
        self.session.collector.wake()
        execution.may_wait = bool(self._flying)
        try:
            with self.interrupts.in_process(self.session.executor(execution.run)):
                started = execution.start()
        except KeyboardInterrupt:
            self._ledger.settled(execution.run, INTERRUPTED)
            self._settled.append(node)
            raise
        except Shortage as shortage:
            self._descriptors.bound(len(self._flying), str(shortage))
            self._parked.append((node, execution))
            return
        if not started:
            self._share(execution)
            self._parked.append((node, execution))
            return
        if self._ledger.of(execution.run).ended == UP_TO_DATE:
            self._land(node, execution)
            return
        self._untold.append(execution)
        if not self._overtaking:
            self._tell_started()
        self._flying[execution] = node
        self._descriptors.hand_on(None if execution.handle is None else execution.handle.pid)
        self._watch(execution)
        if execution.handle is not None and execution.handle.fileno() < 0:
            self._look(execution)

    def _tell_started(self) -> None:
        """Tell of the runs that were started: not before the end of those that they have overtaken is told."""
        for execution in [execution for execution in self._untold if execution.overtook not in self._flying]:
            self._untold.remove(execution)
            self._reporter.started(execution.run)

    def _share(self, execution: Execution) -> None:
        """Say, once, that somebody else is at work on the same runs."""
        if not self._shared:
            self._shared = True
            name = execution.run.full_name
            self.session.note(f"{name} is being executed by another build; this one waits for what the other is at")

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
        if self._blind and self._blind_pace.begin():
            before = len(self._blind)
            for execution in [execution for execution in self._blind if execution.due]:
                self._look(execution)
            self._blind_pace.end(in_vain=len(self._blind) == before)
        now = time.monotonic()
        if self._timed and now - self._looked > TICK_SECONDS / 5:
            self._looked = now
            for execution in list(self._timed):
                if execution.overdue(now):
                    self._look(execution)
        self._reporter.tick()

    def _more_to_feed(self) -> bool:
        return bool(self._settled) and self._next is None and not self._stop_running

    def _look(self, execution: Execution) -> None:
        """See whether a run has ended; it may also have been started once more."""
        if execution not in self._flying:
            return
        if execution.overtook in self._flying:  # that one's process has ended before this one began
            self._look(execution.overtook)
        # Before it is closed: a fork may hold a copy, and then epoll would report it for ever.
        self._unwatch(execution)
        with self.interrupts.in_process(self.session.executor(execution.run)):
            ended = execution.poll()
        if not ended:
            self._watch(execution)
            if execution.leaving and not execution.overtaken:
                self._leaving.add(execution)
                self._overtake(execution)
            return
        self._leaving.discard(execution)
        if self._ledger.of(execution.run).ended == EXECUTED and not execution.overtaken:
            self._overtake()
        self._land(self._flying.pop(execution), execution)

    def _unwatch(self, execution: Execution) -> None:
        fd = execution.handle.fileno() if execution.handle is not None else -1
        if fd >= 0:
            self._selector.unregister(fd)
        self._blind.discard(execution)
        self._timed.discard(execution)

    def _overtake(self, last: Execution | None = None) -> None:
        """Start the next run before it is told how the last one ended, which is on record: that can wait.

        If the process of the last one has still to end, the next one has to wait for that where it is executed.
        """
        stopping = self._stop_running or self.interrupts.count
        node, execution = self._next or (None, None)
        if execution is None or not execution.prompt or stopping:
            return
        if last is not None:
            executor = self.session.executor(last.run)
            if executor is not self.session.executor(execution.run) or not executor.queues or last.handle is None:
                return
            execution.after = last.handle.pid
            execution.overtook, last.overtaken = last, True
        self._next = None
        self._overtaking = True
        try:
            self._launch(node, execution)
        finally:
            self._overtaking = False
            execution.after = None  # if it could not start, the last one has ended when it does

    def _land(self, node: Any, execution: Execution) -> None:
        """Tell doit and the user how a run ended."""
        if not self._flying:
            self.session.collector.rest()
        if execution in self._untold:
            self._untold.remove(execution)
            self._reporter.started(execution.run)
        self._reporter.ended(execution.run)
        execution.overtook = None  # else each would keep all before it
        self._tell_started()
        if self._ledger.of(execution.run).ended == INTERRUPTED:
            node.run_status = "failure"
            self._stopping = True
        elif (fail := failure(execution.run, self._ledger)) is not None:
            self._fail(node, fail)
        else:
            self._dep_manager.save_success(node.task)
            node.run_status = "successful"
        self._settled.append(node)

    def _end_all(self) -> None:
        """Leave nothing behind: whatever is still running is ended and recorded as interrupted."""
        for execution in list(self._flying):
            execution.kill("Interrupted", "the build was interrupted")
        patience = time.monotonic() + PATIENCE_SECONDS
        while self._flying:
            for execution in list(self._flying):
                if time.monotonic() > patience:
                    self.session.note(f"{execution.run.full_name} was killed and does not end; it is left alone")
                    execution.abandon()
                self._look(execution)
            if self._flying:
                time.sleep(0.002)

"""`Experiment`: a named function with its configs.

Implements: pyexp guide, "Minimal Experiment", "`@pyexp.experiment` Parameters", "Loading Results"; pyexp README, "Quick
Start" and "Alternative API".
"""

from __future__ import annotations

import functools
import os
import sys

from . import importing, libraries, main_module, script
from .errors import LookupFailed
from .executors.forking import random_numbers
from .planning.calling import as_function, check_call, check_experiment_name, fill
from .planning.definition import Definition, called, caller, place, refuse_unknown
from .planning.options import Options
from .planning.signature import FUNCTION, REPORT, takes_nothing
from .tasks.plain_doit import configure_doit, greet, plainly

libraries.keep_apart()
script.speak_plainly()  # whatever a script does with pyexp
if "dodo_pyexp.executors.worker" not in sys.modules:  # which forks no runs
    random_numbers.watch()

greet()

TYPE_CHECKING = False  # a worker process imports this module
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Never

    from .collection.tensor import Tensor
    from .config.config import Config
    from .executors.base import Executor
    from .history.verdict import Reproduction
    from .results.result import Result
    from .store.paths import ExperimentFolder


class _DoitTasks:
    """Makes an experiment a doit task creator, but not its class: doit would call that unbound."""

    def __get__(self, experiment: Experiment | None, owner: type) -> Callable[[], Iterator[Any] | None]:
        if experiment is None:
            raise AttributeError("create_doit_tasks belongs to experiments, not to their class")
        from .tasks.creators import task_creator

        return task_creator(experiment.definition, lambda: family(experiment))


class Experiment:
    """A named function with its configs; made by the decorator `experiment`.

    Calling it calls the function. At the top level of a module it is a doit task creator as well, so
    ``doit -f my_experiment.py`` works.

    Attributes
    ----------
    fn
        The function.
    definition
        All that was said about the experiment.
    """

    create_doit_tasks = _DoitTasks()

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, options: Options | None = None, defaults: Any = None
    ) -> None:
        script.speak_plainly()  # also where something else has taken the hook since
        libraries.keep_apart()  # the user may have put folders on the search path
        main_module.answer_to_own_name(getattr(fn, "__module__", None) or "")
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.definition = Definition(
            name or called(fn),
            fn,
            FUNCTION.arity(fn),
            options=(options or Options()).checked(f"{place(fn)}: @experiment on {called(fn)}"),
            defaults=defaults,
        )
        self._last: tuple[str, str] | None = None
        greet()  # doit may have been imported since
        configure_doit(self.definition)

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.definition.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the experiment function itself."""
        return self.fn(*args, **kwargs)

    def configs(self, fn: Callable[[], Any]) -> Callable[[], Any]:
        """Register the function that gives the configs; to be used as a decorator, and returned as it is.

        Raises
        ------
        ArgumentError, SignatureError
            It is no function, or one with parameters.

        Examples
        --------
        >>> @experiment
        ... def train(cfg): ...
        >>> @train.configs
        ... def configs():
        ...     return [{"name": "small", "width": 32}]
        """
        with plainly():
            takes_nothing(fn)
        self.definition = self.definition.replaced(configs=fn)
        return fn

    def report(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Register the function that reports on the results; to be used as a decorator, and returned as it is.

        Raises
        ------
        SignatureError
            It takes neither ``(results)`` nor ``(results, out)``.
        """
        with plainly():
            REPORT.arity(fn)
        self.definition = self.definition.replaced(report=fn)
        return fn

    def run(
        self,
        configs: Callable[[], Any] | Iterable[Any] | None = None,
        report: Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        executor: str | Executor | None = None,
        name: str | None = None,
        timestamp: bool | str | None = None,
        retry: int | None = None,
        stash: bool | None = None,
        hash_configs: bool | None = None,
        filter: str | None = None,
        rerun: bool = False,
        jobs: int | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        resume: bool | None = None,
        code: str | None = None,
        read_files: str | None = None,
        dirty_git: str | None = None,
        resources: dict[str, float] | Callable[[Config], dict[str, float]] | None = None,
        defaults: dict[str, Any] | None = None,
        **unknown: Never,
    ) -> Any:
        """Bring the experiment's runs up to date, then report.

        Runs that are up to date are not executed again; runs of other experiments that they depend on are brought up
        to date first. In a script the flags of the command line win over these arguments; see ``--help``.

        Parameters
        ----------
        configs, report
            In place of the registered functions; `configs` may also be a list.
        output_dir, executor, name, retry, stash, hash_configs, timeout, idle_timeout, resume, code, read_files,
        dirty_git, resources, defaults
            In place of what the decorator said.
        timestamp
            False: one folder a run, overwritten in place. A text: go on with the batch of that name, or start it.
        filter
            Only runs whose name matches this regular expression, and what they depend on.
        rerun
            Execute the runs even if they are up to date.
        jobs
            How many runs may be executed at once; 0 for one a core. The default is 1.

        Returns
        -------
        Any
            What the report function returns; without one, the results.

        Raises
        ------
        PyexpError
            The configs, the arguments or this machine make it impossible. A run that fails raises nothing: its
            `Result` has the error, and a script ends with status 1.
        """
        if importing.active():
            importing.pass_over_run()
            from .collection.tensor import Tensor

            return Tensor([], (0,))  # which a script can loop over
        where = f"{caller()}: run()"
        refuse_unknown(unknown, Experiment.run, where)
        if report is not None:
            REPORT.arity(report)
        check_call(where, timestamp=timestamp, filter=filter, jobs=jobs)
        check_experiment_name(name, f"{where}: an experiment")
        definition = self.definition.replaced(
            name=name or self.definition.name,
            report=report or self.definition.report,
            configs=self.definition.configs if configs is None else as_function(configs),
            defaults=self.definition.defaults if defaults is None else defaults,
        )
        from .arguments import script_arguments

        is_script = script.is_script(self.fn.__module__)
        arguments = script_arguments(strict=is_script)
        said = Options(
            output_dir=output_dir, executor=executor, retry=retry, stash=stash, hash_configs=hash_configs,
            timestamp=timestamp if isinstance(timestamp, bool) else None, timeout=timeout, idle_timeout=idle_timeout,
            resume=resume, code=code, read_files=read_files, dirty_git=dirty_git, resources=resources,
        ).checked(where)  # fmt: skip
        if isinstance(timestamp, str) and arguments.timestamp is None:
            arguments.timestamp = timestamp
        fill(arguments, filter=filter, jobs=jobs)
        arguments.rerun = arguments.rerun or rerun
        from .building.request import Request

        if arguments.name:
            check_experiment_name(arguments.name, "--name: an experiment")
            definition = definition.replaced(name=arguments.name)
        try:
            request = Request([definition], said, arguments, lambda: family(self))
            self._last = request.output_dir, definition.name
            if arguments.list or arguments.graph or arguments.dry_run:
                status = request.tell()
                if is_script:
                    raise SystemExit(status)
                return None
            value = request.run()
        except KeyboardInterrupt:
            if is_script:
                raise script.interrupted() from None  # the build has said so already
            raise
        if is_script and request.exit_code:
            script.end_with(request.exit_code)
        return value

    def accept(
        self,
        configs: Callable[[], Any] | Iterable[Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        filter: str | None = None,
    ) -> list[str]:
        """Let finished runs count as made by today's code, without executing them; ``pyexp accept`` for notebooks.

        Parameters
        ----------
        configs, output_dir, name, filter
            As for `run`; by default what the last `run` of this process wrote is meant.

        Returns
        -------
        list of str
            The names of the runs that were accepted: those that were up to date but for their code.

        Raises
        ------
        PyexpError
            The configs or the arguments make no sense, or a record cannot be written.
        """
        check_call(f"{caller()}: accept()", timestamp=None, filter=filter, jobs=None)
        from .arguments import script_parser
        from .building.request import Request
        from .history.accepting import accept
        from .planning.decision import foresee

        last_dir, last_name = self._last or (None, None)
        arguments = script_parser("").parse_args([])
        arguments.filter = filter
        definition = self.definition.replaced(
            name=name or last_name or self.definition.name,
            configs=self.definition.configs if configs is None else as_function(configs),
        )
        said = Options(output_dir=output_dir or last_dir, code="warn", read_files="warn").checked("accept()")
        request = Request([definition], said, arguments, lambda: family(self))
        plan = request.plan()
        request.select(plan, lambda text: None)
        return [run.name for run in accept(foresee(plan)).accepted]

    def reproduce(
        self,
        run: str,
        at: str | None = None,
        tolerance: float = 1e-6,
        set: dict[str, Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        *,
        unpickle: bool = False,
    ) -> Reproduction:
        """Execute a past attempt again, with its code, config and upstream results, in a new one; compare the outcomes.

        Parameters
        ----------
        run
            The name of the run.
        at
            Which attempt: its name or that of its batch, or a prefix; by default the one that is the run's result.
        tolerance
            How much numbers may differ, relatively; near zero, absolutely.
        set
            Changes to the config: ``{"model.width": 64}``.
        output_dir, name
            Where to look, as for `results`.
        unpickle
            Load both values to compare what JSON cannot hold. Unpickling executes what a file says: not for results
            of strangers.

        Returns
        -------
        Reproduction
            Its `verdict` is ``"identical"``, ``"within tolerance"`` or ``"different"``; it is true but for the last.

        Raises
        ------
        PyexpError
            There is no such attempt, something that it was made of is gone, or a change makes no sense.
        """
        from .history.reproduce import reproduce_for

        return reproduce_for(
            self.definition, self._folder(output_dir, name), run, at, tolerance, set, unpickle=unpickle
        )

    def results(
        self,
        timestamp: str | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        finished: bool = False,
    ) -> Tensor[Result]:
        """Load results from disk; safe in a notebook, also while a build goes on.

        Parameters
        ----------
        timestamp
            Which batch: its name, a date, any unambiguous prefix, or ``latest``; by default the newest.
        output_dir, name
            Where to look; by default where the last `run` of this process wrote, else where the decorator says.
        finished
            The newest batch in which every run has ended.

        Returns
        -------
        Tensor of Result
            Every config of the batch, each with the attempt that satisfies it; empty if there is no batch yet.

        Raises
        ------
        UsageError
            No batch goes by that name.
        DamagedFile
            There are batches, and the manifest of none can be read.

        Examples
        --------
        >>> experiment.results("2026-02-17")            # doctest: +SKIP
        """
        from .results.reading import read_results

        return read_results(self._folder(output_dir, name), timestamp, finished=finished)

    def _folder(self, output_dir: str | os.PathLike[str] | None, name: str | None) -> ExperimentFolder:
        from .planning.ownership import folder_of

        check_experiment_name(name, f"{caller()}: an experiment")
        last_dir, last_name = self._last or (None, None)
        definition = self.definition.replaced(name=name or last_name or self.definition.name)
        return folder_of(definition, Options(output_dir or last_dir))

    def __getitem__(self, key: Any) -> Any:
        """Look up the newest results: ``experiment["name"]``, ``experiment["regex"]``, ``experiment[{"cfg.lr": 0.1}]``.

        Raises
        ------
        IndexError
            Nothing matches.
        """
        results = self.results()
        if not len(results):
            raise LookupFailed(f"experiment {self.name} has no results yet; run it first")
        return results[key]

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results())

    def __len__(self) -> int:
        return len(self.results())

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Experiment({self.definition.name!r})"


def family(experiment: Experiment) -> list[Definition]:
    """List the experiments that `depends_on` may reach: those in the same module, and in theirs."""
    found: dict[int, Experiment] = {id(experiment): experiment}
    pending = [experiment]
    while pending:
        for value in list(getattr(pending.pop().fn, "__globals__", {}).values()):
            if isinstance(value, Experiment) and id(value) not in found:
                found[id(value)] = value
                pending.append(value)
    return [member.definition for member in found.values() if member is not experiment]

"""`Experiment` and the decorator that makes one.

Implements: pyexp guide, "Minimal Experiment", "`@pyexp.experiment` Parameters", "Loading Results"; pyexp README, "Quick
Start" and "Alternative API".
"""

from __future__ import annotations

import functools
import os
import sys
from types import NoneType

from . import importing, script
from .build.definition import FUNCTION_SIGNATURE, REPORT_SIGNATURE, Definition, arity, called
from .build.options import Options, resolve
from .errors import LookupFailed, PyexpError, UsageError
from .store.names import folder_name
from .store.paths import ExperimentFolder, OutputFolder

TYPE_CHECKING = False  # a worker process imports this module
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType
    from typing import Any

    from .collection.tensor import Tensor
    from .executors.base import Executor
    from .results.result import Result


class _DoitTasks:
    """Makes an experiment a doit task creator, but not its class: doit would call that unbound."""

    def __get__(self, experiment: Experiment | None, owner: type) -> Callable[[], Iterator[Any] | None]:
        if experiment is None:
            raise AttributeError("create_doit_tasks belongs to experiments, not to their class")
        from .build.doors import task_creator

        return task_creator(experiment.definition, lambda: family(experiment))


class Experiment:
    """A named function with its configs; made by `experiment`.

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

    def __init__(self, fn: Callable[..., Any], name: str | None = None, options: Options | None = None) -> None:
        if script.is_script(getattr(fn, "__module__", None)):
            script.speak_plainly()
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.definition = Definition(
            name or called(fn),
            fn,
            arity(fn, range(1, 4), FUNCTION_SIGNATURE),
            options=(options or Options()).checked(f"@experiment on {called(fn)}"),
        )
        self._last: tuple[str, str] | None = None
        if "doit.doit_cmd" in sys.modules:
            _configure_doit(self.definition)

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.definition.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the experiment function itself."""
        return self.fn(*args, **kwargs)

    def configs(self, fn: Callable[[], Any]) -> Callable[[], Any]:
        """Register the function that gives the configs; to be used as a decorator, and returned as it is.

        Examples
        --------
        >>> @experiment
        ... def train(cfg): ...
        >>> @train.configs
        ... def configs():
        ...     return [{"name": "small", "width": 32}]
        """
        self.definition = self.definition.replaced(configs=fn)
        return fn

    def report(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Register the function that reports on the results; to be used as a decorator, and returned as it is.

        Raises
        ------
        SignatureError
            It takes neither ``(results)`` nor ``(results, out)``.
        """
        arity(fn, range(1, 3), REPORT_SIGNATURE)
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
    ) -> Any:
        """Bring the experiment's runs up to date, then report.

        Runs that are up to date are not executed again; runs of other experiments that they depend on are brought up
        to date first. In a script the flags of the command line win over these arguments; see ``--help``.

        Parameters
        ----------
        configs, report
            In place of the registered functions; `configs` may also be a list.
        output_dir, executor, name, retry, stash, hash_configs, timeout
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
            from .collection.tensor import Tensor

            return Tensor([], (0,))  # which a script can loop over
        if report is not None:
            arity(report, range(1, 3), REPORT_SIGNATURE)
        _check_call(timestamp=timestamp, filter=filter, jobs=jobs)
        definition = self.definition.replaced(
            name=name or self.definition.name,
            report=report or self.definition.report,
            configs=self.definition.configs if configs is None else _callable(configs),
        )
        from .arguments import script_arguments
        from .build.request import Request

        is_script = script.is_script(self.fn.__module__)
        arguments = script_arguments(strict=is_script)
        said = Options(
            output_dir=output_dir,
            executor=executor,
            retry=retry,
            stash=stash,
            hash_configs=hash_configs,
            timestamp=timestamp if isinstance(timestamp, bool) else None,
            timeout=timeout,
        ).checked("run()")
        if isinstance(timestamp, str) and arguments.timestamp is None:
            arguments.timestamp = timestamp
        _fill(arguments, filter=filter, jobs=jobs)
        arguments.rerun = arguments.rerun or rerun
        if arguments.name:
            definition = definition.replaced(name=arguments.name)
        request = Request([definition], said, arguments, lambda: family(self))
        self._last = request.output_dir, definition.name
        if arguments.list or arguments.graph or arguments.dry_run:
            code = request.tell()
            if is_script:
                raise SystemExit(code)
            return None
        try:
            value = request.run()
        except KeyboardInterrupt:
            if is_script:
                raise SystemExit(130) from None  # the build has said so already
            raise
        if is_script and request.exit_code:
            script.end_with(request.exit_code)
        return value

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

        Examples
        --------
        >>> experiment.results("2026-02-17")            # doctest: +SKIP
        """
        from .results.reading import read_results

        return read_results(self._folder(output_dir, name), timestamp, finished=finished)

    def _folder(self, output_dir: str | os.PathLike[str] | None, name: str | None) -> ExperimentFolder:
        last_dir, last_name = self._last or (None, None)
        directory = output_dir or last_dir or resolve(self.definition.options).output_dir or "out"
        return OutputFolder(directory).experiment(folder_name(name or last_name or self.definition.name))

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


def experiment(
    fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    executor: str | Executor | None = None,
    retry: int | None = None,
    stash: bool | None = None,
    hash_configs: bool | None = None,
    timestamp: bool | None = None,
    timeout: float | None = None,
) -> Any:
    """Turn a function into an `Experiment`; with or without arguments.

    Parameters
    ----------
    fn
        The function: ``fn(cfg)``, ``fn(cfg, out)`` or ``fn(cfg, out, deps)``. `cfg` is the `Config` of the run, `out`
        the folder to save files in (also ``cfg.out``), `deps` the `Runs` of its upstreams' results. What it returns
        becomes ``Result.result``.
    name
        Name of the experiment, and of its folder; by default the function's name.
    output_dir
        Folder that everything is written to; ``"out"`` by default.
    executor
        ``"subprocess"`` (the default), ``"fork"``, ``"inline"``, ``"ray"``, or an `Executor`.
    retry
        How many more times a failed run is tried; 0 by default.
    stash
        Take a snapshot of the code before running; True by default.
    hash_configs
        Add a hash of the config to the names of run folders.
    timestamp
        False: one folder a run, overwritten in place, instead of one folder an attempt.
    timeout
        Seconds after which a run is killed with its children.

    Raises
    ------
    SignatureError
        The function takes no parameter, or more than three.

    Examples
    --------
    >>> @experiment(name="mnist", executor="fork")
    ... def train(cfg, out):
    ...     return {"accuracy": 0.9}
    >>> train.name
    'mnist'
    """
    options = Options(output_dir, executor, retry, stash, hash_configs, timestamp, timeout)

    def decorate(fn: Callable[..., Any]) -> Experiment:
        return Experiment(fn, name, options)

    return decorate if fn is None else decorate(fn)


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


def _callable(configs: Callable[[], Any] | Iterable[Any]) -> Callable[[], Any]:
    return configs if callable(configs) else lambda: configs


def _check_call(*, timestamp: Any, filter: Any, jobs: Any) -> None:
    """Refuse what `run` takes beside options and what makes no sense there."""
    if not isinstance(timestamp, (bool, str, NoneType)):
        raise UsageError(f"run(): timestamp must be false or the name of a batch, not {timestamp!r}")
    if not isinstance(filter, (str, NoneType)):
        raise UsageError(f"run(): filter must be a regular expression as text, not {filter!r}")
    if not isinstance(jobs, (int, NoneType)) or isinstance(jobs, bool) or (jobs or 0) < 0:
        raise UsageError(f"run(): jobs must be a number, 0 or more, not {jobs!r}")


def _fill(arguments: argparse.Namespace, **values: Any) -> None:
    for key, value in values.items():
        if getattr(arguments, key) is None:
            setattr(arguments, key, value)


def _configure_doit(definition: Definition) -> None:
    """Tell the doit that is loading a dodo file just now to keep its database in the output folder (P8).

    The file may define this experiment itself or import it. Whatever it says in a ``DOIT_CONFIG`` of its own wins.
    """
    frame: FrameType | None = sys._getframe(1)
    dodo = None
    while frame is not None and frame.f_globals.get("__name__") != "doit.loader":
        if frame.f_code.co_name == "<module>":
            dodo = frame.f_globals
        frame = frame.f_back
    if frame is not None and dodo is not None:
        try:
            output_dir = os.fspath(resolve(definition.options).output_dir or "out")
        except PyexpError:  # told when the tasks are made
            return
        settings = {"backend": "pyexp", "dep_file": f"{output_dir}/.doit.db", "continue": True}
        dodo.setdefault("DOIT_CONFIG", settings)

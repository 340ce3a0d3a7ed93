"""`Workspace`: the folder of an experiment in Experimaestro's sense, in which pyexp experiments are declared and built.

Implements: Experimaestro guide, the context manager `experiment`. ``<workdir>/<id>/`` is an output folder like any
other: all commands read it with ``--output-dir``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from ... import importing, script
from ...arguments import script_arguments
from ...collection.tensor import Tensor
from ...config.sweep import sweep
from ...decorator import experiment as decorate
from ...errors import DONE, INTERRUPTED, SOME_FAILED, WORK_TO_DO, WRONG_USAGE, ArgumentError, ConfigError
from ...experiment import Experiment, family
from ...planning.definition import Definition, Given, caller
from ...planning.options import Options, placed
from ...provenance.roots import project_of
from ...provenance.snapshots.dirty import DirtyGitAction, check_dirty
from ...results.reading import read_results
from ...results.result import Result
from ...store.names import folder_name, refusal
from ...store.paths import OutputFolder
from ..building import RunFileRequest, tell
from ..schema.configuration import plain
from ..wanted import DRY_RUN, NORMAL, Wanted
from .launches import Launch


class WorkspaceExperiment(Experiment):
    """An experiment that is built in a workspace; see `Experiment`.

    Parameters
    ----------
    made
        The experiment as it was declared.
    workspace
        Where it is built.
    """

    def __init__(self, made: Experiment, workspace: Workspace) -> None:
        vars(self).update(vars(made))
        self._workspace = workspace
        self.built = False

    def run(  # type: ignore[override]  # the workspace knows the rest
        self,
        configs: Callable[[], Any] | Iterable[Any] | None = None,
        report: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Any:
        """Bring the experiment's runs up to date, in the mode that was asked for, then report.

        Parameters
        ----------
        configs, report
            In place of those that were declared.
        **options
            As for `Experiment.run`, without `output_dir` and `name`.

        Returns
        -------
        Any
            What the report function returns; without one, the results. In a dry run, the results there are.

        Raises
        ------
        PyexpError
            The configs or the arguments make no sense.
        """
        if importing.active():
            importing.pass_over_run()
            return Tensor([], (0,))
        if configs is not None:
            self.definition = self.definition.replaced(configs=_plainly(configs))
        if report is not None:
            self.report(report)
        return self._workspace.build_one(self, options)


class Workspace:
    """One experiment in Experimaestro's sense, with an `id`: what ``helper.xp`` is; a context manager.

    Parameters
    ----------
    workdir
        The folder that holds all of them.
    id
        Its name, and that of its folder.
    dirty_git
        What uncommitted changes mean: ``"ignore"``, ``"warn"`` or ``"error"``.
    wanted
        What the command line says, for ``pyexp run``.
    about
        What manifests are to say about where it comes from.
    source
        The file whose repository counts.
    config
        The whole config, to be kept with the launch.
    choose
        Has the last word on options.

    Attributes
    ----------
    id
        As above.
    path
        Its folder.
    exit_code
        0, or how the build ended that went worst.

    Raises
    ------
    ConfigError
        The `id` would lead out of the folder.
    DirtyGitError
        When it is entered: there are uncommitted changes, and `dirty_git` forbids them.

    Examples
    --------
    >>> with experiment("out", "my-experiment", dirty_git="error") as xp:      # doctest: +SKIP
    ...     results = xp.experiment(train, configs=[{"name": "one", "lr": 0.1}]).run()
    """

    def __init__(
        self,
        workdir: str | os.PathLike[str],
        id: str,
        *,
        dirty_git: DirtyGitAction | str = DirtyGitAction.WARN,
        wanted: Wanted | None = None,
        about: Mapping[str, Any] | None = None,
        source: str | None = None,
        config: Any = None,
        choose: Callable[[Options], Options] = lambda options: options,
    ) -> None:
        refused = refusal(id) if isinstance(id, str) and id.strip() else f"needs a name as its id, not {id!r}"
        if refused is not None:
            raise ConfigError(f"an experiment {refused}" if wanted else f"{caller()}: an experiment {refused}")
        self.id = id
        self._source = source or caller().rpartition(":")[0]
        in_code = wanted is None and os.path.isfile(self._source)
        self.workdir = Path(placed(workdir, project_of(self._source)) if in_code else workdir)
        self.path = self.workdir / folder_name(id)
        self.exit_code = DONE
        self._wanted = wanted or _from_script()
        arguments = self._wanted.arguments
        self._dirty_git = DirtyGitAction(arguments.dirty_git or dirty_git)
        arguments.dirty_git = None  # here is where it is looked at, before anything is written
        self._in_script = wanted is None and script.is_script(_calling_module())
        self._about = about or {}
        self._config = config
        self._choose = choose
        self._experiments: list[WorkspaceExperiment] = []
        #: What the code of the experiment has raised.
        self.failure: BaseException | None = None
        self._launch: Launch | None = None

    @property
    def resultspath(self) -> Path:
        """A folder for what belongs to the experiment as a whole; made when it is asked for."""
        folder = self.path / "results"
        if self._wanted.mode != DRY_RUN and not self._only_tells and not importing.active():
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def _only_tells(self) -> bool:
        """Whether the command line asks for the list or the graph of the runs."""
        return bool(self._wanted.arguments.list or self._wanted.arguments.graph)

    # -- declaring ----------------------------------------------------------------------------------------------

    def experiment(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        configs: Callable[[], Any] | Iterable[Any] | None = None,
        report: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Any:
        """Declare an experiment of this workspace; also as a decorator.

        It is built when its `run` is called, or else at the end.

        Parameters
        ----------
        fn
            The function, as for `pyexp.experiment`; or an `Experiment`.
        name
            Its name; by default that of the function.
        configs
            Gives the configs; or a list of them. Objects of `configuration` classes may stand in them.
        report
            The report function.
        **options
            As for `pyexp.experiment`, without `output_dir`.

        Raises
        ------
        PyexpError
            Something of that makes no sense.
        """
        if "output_dir" in options:
            raise ArgumentError(f"{caller()}: output_dir is the folder of the workspace; use another workdir")
        if fn is None:
            return lambda function: self.experiment(function, name=name, configs=configs, report=report, **options)
        made: Experiment = decorate(fn.fn if isinstance(fn, Experiment) else fn, name=name, **options)
        if isinstance(fn, Experiment):
            said = made.definition.options.over(fn.definition.options)
            made.definition = fn.definition.replaced(options=said, name=name or fn.definition.name)
        if configs is not None:
            made.definition = made.definition.replaced(configs=_plainly(configs))
        if report is not None:
            made.report(report)
        here = Options(output_dir=os.path.abspath(self.path)).over(made.definition.options)
        said = self._choose(here.over(Options(dirty_git="ignore")))
        made.definition = made.definition.replaced(options=said, about=self._about)
        declared = WorkspaceExperiment(made, self)
        self._experiments.append(declared)
        return declared

    @staticmethod
    def sweep(configs: Iterable[Mapping[Any, Any]], variations: Iterable[Mapping[Any, Any]]) -> Any:
        """Give the product of configs and variations, as `pyexp.sweep` does."""
        return sweep([plain(config) for config in configs] if not isinstance(configs, Tensor) else configs, variations)

    def results(self, name: str, timestamp: str | None = None) -> Tensor[Result]:
        """Load the results of an experiment of this workspace from disk.

        Parameters
        ----------
        name
            The name of the experiment.
        timestamp
            Which batch; by default the newest.
        """
        return read_results(OutputFolder(self.path).experiment(folder_name(name)), timestamp)

    # -- building -----------------------------------------------------------------------------------------------

    def build_one(self, one: WorkspaceExperiment, options: dict[str, Any]) -> Any:
        """Build one experiment, and give what its `run` promises."""
        known = [key for key in Options.__slots__ if key != "output_dir"]
        flags: dict[str, Any] = {key: options.pop(key) for key in ("filter", "jobs", "rerun") if key in options}
        for key in options:
            if key not in known:
                from ...errors import suggest

                raise ArgumentError(f'{caller()}: run() has no argument "{key}"{suggest(key, known)}')
        definition = one.definition.replaced(
            options=self._choose(Options(**options).checked(f"{caller()}: run()").over(one.definition.options))
        )
        one.built = True
        made = self._request([definition], flags)
        if self._only_tells:
            self._ended(made.tell())
            return one.results()
        if self._wanted.mode == NORMAL:
            value = made.run()
            self._ended(made.exit_code)
            return value
        self._ended(made.carry_out())
        return one.results()

    def _request(self, definitions: list[Definition], flags: Mapping[str, Any] | None = None) -> RunFileRequest:
        wanted = self._wanted
        if flags:
            arguments = argparse.Namespace(**{**vars(wanted.arguments), **_unsaid(wanted.arguments, flags)})
            wanted = Wanted(wanted.path, arguments, mode=wanted.mode, words=wanted.words)

        def reach() -> list[Definition]:
            own = [one.definition for one in self._experiments]
            return [*own, *(found for one in self._experiments for found in family(one))]

        return RunFileRequest(definitions, Options(), wanted, reach)

    def _ended(self, code: int) -> None:
        """Remember the worst that came of a build."""
        ranks = (DONE, WORK_TO_DO, SOME_FAILED, WRONG_USAGE, INTERRUPTED)
        if code not in ranks or ranks.index(code) > ranks.index(self.exit_code):
            self.exit_code = code

    # -- beginning and end --------------------------------------------------------------------------------------

    def __enter__(self) -> Workspace:
        if importing.active():
            return self
        said = check_dirty(Path(self._source or "."), self._dirty_git, [self.path, self.workdir])
        if said:
            tell(f"warning: {said}")
        if self._wanted.mode != DRY_RUN and not self._only_tells:
            self._launch = Launch(self.path, self._facts, self._config or {})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if importing.active():
            return
        try:
            if kind is None:
                self.finish()
        except BaseException as raised:
            self._close(raised)
            raise
        self._close(error)
        if kind is None and self.exit_code and self._in_script:
            script.end_with(self.exit_code)

    def finish(self) -> None:
        """Build everything that was declared and not built yet."""
        waiting = [one for one in self._experiments if not one.built]
        for one in waiting:
            one.built = True
        if self._only_tells:
            for one in waiting:
                self._ended(self._request([one.definition]).tell())
        elif waiting:
            self._ended(self._request([one.definition for one in waiting]).carry_out())

    def _close(self, error: BaseException | None) -> None:
        if self._launch is not None:
            self._launch.end(self.exit_code, self.failure or error, [one.name for one in self._experiments])

    @property
    def _facts(self) -> dict[str, Any]:
        """What a launch is to say about itself."""
        return {"id": self.id, **self._about.get("run_file", {})}


def experiment(
    workdir: str | os.PathLike[str], id: str, *, dirty_git: DirtyGitAction | str = DirtyGitAction.WARN
) -> Workspace:
    """Give the workspace of an experiment, to be entered with ``with``; see `Workspace`.

    Parameters
    ----------
    workdir
        The folder that holds all of them.
    id
        Its name, and that of its folder.
    dirty_git
        What uncommitted changes mean: ``"ignore"``, ``"warn"`` or ``"error"``.
    """
    return Workspace(workdir, id, dirty_git=dirty_git)


def _plainly(configs: Callable[[], Any] | Iterable[Any]) -> Callable[[], Any]:
    """Give configs in which configurations are sections."""

    def made(found: Any) -> Any:
        if isinstance(found, Tensor):
            return Tensor([plain(config) for config in found], found.shape)
        return [plain(config) for config in found] if not isinstance(found, Mapping) else [plain(found)]

    return (lambda: made(configs())) if callable(configs) else Given(made(configs))


def _calling_module() -> str:
    """Name the module that called pyexp."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("dodo_pyexp."):
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


def _unsaid(arguments: argparse.Namespace, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Give those flags that the command line leaves open."""
    return {key: value for key, value in flags.items() if not getattr(arguments, key, None)}


def _from_script() -> Wanted:
    """Read the command line of a script that makes a workspace itself."""
    arguments = script_arguments(strict=False)
    return Wanted(Path(sys.argv[0] if sys.argv else ""), arguments)

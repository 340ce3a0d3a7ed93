"""The decorator `experiment`, which makes an `Experiment` of a function.

Implements: pyexp guide, "Minimal Experiment", "`@pyexp.experiment` Parameters"; pyexp README, "Quick Start".
"""

from __future__ import annotations

from .errors import ArgumentError
from .experiment import Experiment
from .planning.definition import called, caller, place, refuse_unknown
from .planning.options import Options
from .tasks.plain_doit import plainly

TYPE_CHECKING = False  # a worker process imports this module
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Any, Never, TypedDict, Unpack, overload

    from .config.config import Config
    from .config.inputs import Input
    from .executors.base import Executor

    Inputs = list[str | os.PathLike[str] | Input] | Callable[[Config], list[str | os.PathLike[str] | Input]]

    class Said(TypedDict, total=False):
        """What `experiment` may be told beside the function."""

        name: str | None
        output_dir: str | os.PathLike[str] | None
        executor: str | Executor | None
        retry: int | None
        stash: bool | None
        hash_configs: bool | None
        timestamp: bool | None
        timeout: float | None
        idle_timeout: float | None
        resume: bool | None
        code: str | None
        read_files: str | None
        dirty_git: str | None
        resources: dict[str, float] | Callable[[Config], dict[str, float]] | None
        defaults: dict[str, Any] | None
        inputs: Inputs | None
        secret: list[str] | None
        not_secret: list[str] | None


if TYPE_CHECKING:

    @overload
    def experiment(fn: Callable[..., Any], **said: Unpack[Said]) -> Experiment: ...

    @overload
    def experiment(fn: None = None, **said: Unpack[Said]) -> Callable[[Callable[..., Any]], Experiment]: ...


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
    idle_timeout: float | None = None,
    resume: bool | None = None,
    code: str | None = None,
    read_files: str | None = None,
    dirty_git: str | None = None,
    resources: dict[str, float] | Callable[[Config], dict[str, float]] | None = None,
    defaults: dict[str, Any] | None = None,
    inputs: Inputs | None = None,
    secret: list[str] | None = None,
    not_secret: list[str] | None = None,
    **unknown: Never,
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
        Folder that everything is written to; ``"out"`` by default. A relative one is relative to the project: the
        nearest folder above the function's file with ``dodo.py``, ``pyproject.toml`` or ``.git``, else its own folder.
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
    idle_timeout
        Seconds after which a run that neither prints nor computes is killed with its children.
    resume
        True: a run that was interrupted or has failed is told in ``cfg.previous`` which attempt it can go on from.
    code
        What it means for a finished run that the code has changed, the function's own or other code of the project
        that it reaches: ``"warn"`` (the default: it is up to date, and the build says what changed), ``"rerun"`` or
        ``"ignore"``.
    read_files
        What it means for a finished run that a file has changed which it was seen to read: ``"warn"`` (the default: it
        is up to date, and the build names the file), ``"rerun"`` or ``"ignore"`` (runs are not even watched).
    dirty_git
        What uncommitted changes in the git repository mean: ``"warn"`` (the default: the build names the files),
        ``"error"`` (nothing is executed) or ``"ignore"``.
    resources
        What a run asks of its machine, on a cluster: ``{"num_cpus": 2, "num_gpus": 1, "memory": 8e9}``, or a function
        that is given the config and gives such a table. ``resources`` in a config comes first.
    defaults
        Values of keys, ``{"model.depth": 2}``, for configs that do not have them. The function finds them in its `cfg`;
        runs from before there was such a key count as made with the value that is declared first.
    secret, not_secret
        Keys of configs whose values are secrets, or are not, whatever they look like: ``["salt", "model.token"]``. What
        is secret is written down nowhere, and another value is not another config.
    inputs
        Files and folders that the runs read: paths, relative to the project, those of folders with ``/`` at the end; or
        a function that is given the config and names those of its run. A run whose inputs have changed is out of date.

    Raises
    ------
    SignatureError
        The function takes no parameter, or more than three.
    ArgumentError
        There is no such argument, or it stands where the function should.
    ConfigError
        An argument, or the name, makes no sense.

    Examples
    --------
    >>> @experiment(name="mnist", executor="fork")
    ... def train(cfg, out):
    ...     return {"accuracy": 0.9}
    >>> train.name
    'mnist'
    """
    options = Options(
        output_dir, executor, retry, stash, hash_configs, timestamp, timeout, idle_timeout=idle_timeout, resume=resume,
        code=code, read_files=read_files, dirty_git=dirty_git, resources=resources, secret=secret, inputs=inputs,
        not_secret=not_secret,
    )  # fmt: skip

    def decorate(fn: Callable[..., Any]) -> Experiment:
        with plainly():
            if not callable(fn) or isinstance(fn, type):
                hint = f"; write @experiment(name={fn!r})" if isinstance(fn, str) else ""
                what = f"the class {fn.__name__}" if isinstance(fn, type) else type(fn).__name__
                raise ArgumentError(f"{caller()}: @experiment decorates a function, not {what}{hint}")
            refuse_unknown(unknown, experiment, f"{place(fn)}: @experiment on {called(fn)}")
            return Experiment(fn, name, options, defaults)

    return decorate if fn is None else decorate(fn)

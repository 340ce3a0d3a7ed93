"""`ExperimentHelper`: what the function ``run`` of an experiment is given.

Implements: Experimaestro guide, `ExperimentHelper`.
"""

from __future__ import annotations

from ...errors import ArgumentError, SignatureError

TYPE_CHECKING = False  # a process that executes a run imports this module, too
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ...collection.tensor import Tensor
    from ...results.result import Result
    from .workspace import Workspace, WorkspaceExperiment


class ExperimentHelper:
    """Declares and builds experiments in a workspace, for the function ``run(helper, cfg)``.

    To take words of the command line besides, derive from it, override `run`, and decorate the function with
    ``@MyHelper.decorator()``.

    Parameters
    ----------
    callable
        The function ``run``.

    Attributes
    ----------
    xp
        The workspace.
    """

    xp: Workspace

    def __init__(self, callable: Callable[..., Any]) -> None:
        self.callable = callable

    @classmethod
    def decorator(cls, function: Callable[..., Any] | None = None, **options: Any) -> Any:
        """Make a helper of this class of a function; with or without parentheses."""
        return cls(function) if function is not None else cls

    def run(self, args: list[str], configuration: Any) -> Any:
        """Call the function.

        Raises
        ------
        ArgumentError
            There are arguments, of which this helper knows nothing.
        """
        if args:
            raise ArgumentError(f"the experiment takes no arguments, but there are {' '.join(args)}")
        return self.callable(self, configuration)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself."""
        return self.callable(*args, **kwargs)

    def experiment(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        configs: Callable[[], Any] | Iterable[Any] | None = None,
        report: Callable[..., Any] | None = None,
        **options: Any,
    ) -> WorkspaceExperiment | Any:
        """Declare an experiment in the workspace; see `Workspace.experiment`."""
        return self.xp.experiment(fn, name=name, configs=configs, report=report, **options)

    def sweep(self, configs: Iterable[Mapping[Any, Any]], variations: Iterable[Mapping[Any, Any]]) -> Any:
        """Give the product of configs and variations, as `pyexp.sweep` does."""
        return self.xp.sweep(configs, variations)

    def results(self, name: str, timestamp: str | None = None) -> Tensor[Result]:
        """Load the results of an experiment of the workspace from disk."""
        return self.xp.results(name, timestamp)


def helper_of(value: Any, where: str) -> ExperimentHelper:
    """Give the helper of what is called ``run`` in an experiment's file.

    Raises
    ------
    SignatureError
        It is no helper, and no function of two parameters.
    """
    if isinstance(value, ExperimentHelper):
        return value
    code = getattr(value, "__code__", None)
    count = code.co_argcount if code is not None else None
    if not callable(value) or isinstance(value, type) or (count is not None and count != 2):
        what = f"takes {count} parameters" if count is not None else f"is {type(value).__name__}"
        raise SignatureError(f"{where}: run {what}; it must be a function run(helper, cfg), or an ExperimentHelper")
    return ExperimentHelper(value)

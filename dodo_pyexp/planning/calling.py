"""What a call of an experiment's methods may say, beside its options.

A worker process imports this module: no more is imported than that needs.
"""

from __future__ import annotations

from types import NoneType

from ..errors import ConfigError, UsageError
from ..store.names import refusal
from .definition import Given
from .signature import takes_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from typing import Any


def as_function(configs: Callable[[], Any] | Iterable[Any]) -> Callable[[], Any]:
    """Give configs as a function that gives them."""
    if not callable(configs):
        return Given(configs)
    takes_nothing(configs)
    return configs


def check_experiment_name(name: object, what: str) -> None:
    """Refuse a name that reads like a way out of the output folder."""
    refused = refusal(name) if isinstance(name, str) else None
    if refused is not None:
        raise ConfigError(f"{what} {refused}")


def check_call(where: str, *, timestamp: Any, filter: Any, jobs: Any) -> None:
    """Refuse what `run` takes beside options and what makes no sense there."""
    if not isinstance(timestamp, (bool, str, NoneType)):
        raise UsageError(f"{where}: timestamp must be false or the name of a batch, not {timestamp!r}")
    if not isinstance(filter, (str, NoneType)):
        raise UsageError(f"{where}: filter must be a regular expression as text, not {filter!r}")
    if not isinstance(jobs, (int, NoneType)) or isinstance(jobs, bool) or (jobs or 0) < 0:
        raise UsageError(f"{where}: jobs must be a number, 0 or more, not {jobs!r}")


def fill(arguments: argparse.Namespace, **values: Any) -> None:
    """Set flags that the command line did not say."""
    for key, value in values.items():
        if getattr(arguments, key) is None:
            setattr(arguments, key, value)

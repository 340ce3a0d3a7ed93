"""What a run asks of the machine that executes it: `resources` of the experiment, and in the config of the run.

Implements: docs/cluster.md, "From a laptop to a cluster". The key in the config is not hashed: where a run is executed
does not change what it computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..config.config import Config
from ..config.hashing import hash_value
from ..errors import ConfigError, warn
from ..executors.ray.demand import NAMES, check_resources
from .mistakes import in_user_code

if TYPE_CHECKING:
    from .plan import PlannedRun

KEY = "resources"


def resources_of(run: PlannedRun) -> dict[str, Any] | None:
    """Give what the run asks for; None if that is nothing in particular. What its config says comes first.

    Raises
    ------
    ConfigError
        It is no table of numbers.
    """
    wanted = run.experiment.options.resources
    if callable(wanted):
        config = Config(run.config)
        config.pop("depends_on", None)
        try:
            wanted = wanted(config)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            said = in_user_code(error) or f"{type(error).__name__}: {error}"
            raise ConfigError(f"{run.full_name}: the function given as resources failed: {said}") from error
    check_resources(wanted, run.full_name)
    own = run.config.get(KEY)
    return {**(wanted or {}), **own} if own else wanted


def check_config(run: PlannedRun) -> None:
    """Make sure that `resources` in a config is what pyexp means by it.

    Raises
    ------
    ConfigError, ConfigTypeError
        It is no table of numbers.
    """
    where = f"{run.experiment.place}: config {run.name}"
    try:
        check_resources(run.config.get(KEY), where)
    except ConfigError as error:
        raise ConfigError(f"{error}; if it is a section of your own, rename it") from None
    executor, others = run.experiment.options.executor, sorted(set(run.config.get(KEY) or ()) - set(NAMES))
    if others and executor != "ray" and getattr(executor, "name", None) != "ray":
        warn(  # once an experiment
            f'{run.experiment.place}: {KEY} in the configs of {run.experiment.name} has the key "{others[0]}"; this '
            "section says what a run asks of its machine, and is not hashed; if it is one of your own, rename it"
        )
    hash_value(run.config.get(KEY), f"{where}: {KEY}")  # it is saved, too

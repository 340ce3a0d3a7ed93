"""What a run asks of the machine that executes it: `resources` of the experiment, and in the config of the run.

Implements: docs/cluster.md, "From a laptop to a cluster". The key in the config is not hashed: where a run is executed
does not change what it computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..config.config import Config
from ..config.hashing import hash_value
from ..errors import ConfigError
from ..executors.ray_demand import check_resources
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
    check_resources(run.config.get(KEY), where)
    hash_value(run.config.get(KEY), f"{where}: {KEY}")  # it is saved, too

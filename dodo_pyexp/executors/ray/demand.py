"""What a run asks of a node: processors, GPUs, memory, and whatever else the cluster's nodes were said to have."""

from __future__ import annotations

from ...errors import ConfigError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

MOST = 9e14  # Ray counts in ten-thousandths, in 64 bits: it takes what is more for less than nothing
_OWN = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
NAMES = tuple(_OWN)  # what a run can ask of any machine; other names are of resources that a cluster was said to have


class Demand:
    """The resources of one run.

    Parameters
    ----------
    wishes
        Tables of resources, the strongest first: ``num_cpus``, ``num_gpus``, ``memory`` (bytes), or the name of a
        resource of the cluster's own.
    """

    __slots__ = ("amounts", "key")

    def __init__(self, *wishes: Mapping[str, Any] | None) -> None:
        amounts: dict[str, float] = {"CPU": 1.0}
        for table in reversed(wishes):
            for name, amount in (table or {}).items():
                if amount is not None:
                    amounts[_OWN.get(name, name)] = min(amount, MOST)
        self.amounts = amounts
        self.key = tuple(sorted(amounts.items()))

    def options(self) -> dict[str, Any]:
        """Give it as Ray's tasks take it."""
        own = {name: self.amounts.get(ray_name) for name, ray_name in _OWN.items()}
        custom = {name: amount for name, amount in self.amounts.items() if name not in _OWN.values() and amount}
        return {"resources": custom, **{name: amount for name, amount in own.items() if amount is not None}}

    def fits(self, node: Mapping[str, float]) -> bool:
        """Tell whether a node with nothing else to do could hold it."""
        return all(amount <= node.get(name, 0) for name, amount in self.amounts.items() if amount)

    def __str__(self) -> str:
        names = {ray_name: name for name, ray_name in _OWN.items()}
        return ", ".join(f"{names.get(name, name)}={amount:g}" for name, amount in self.amounts.items() if amount)

    def misfit(self, nodes: Iterable[Mapping[str, float]]) -> str:
        """Say why no node holds it."""
        nodes = list(nodes)
        most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in self.amounts}
        lacking = [name for name, amount in self.amounts.items() if amount > most[name]]
        names = {ray_name: name for name, ray_name in _OWN.items()}
        known = {*_OWN, *(name for node in nodes for name in node if name not in _OWN.values() and ":" not in name)}
        meant = {name: nearest(name, known, 1) for name in lacking if name not in names and not most[name]}
        what = " and ".join(f"at most {names.get(name, name)}={most[name]:g}{meant.get(name, '')}" for name in lacking)
        has = f"no node of the cluster has that: {what}" if what else "no single node of the cluster has all of that"
        return f"the run needs {self}, and {has}; ask for less in its resources, or add a node"


def check_resources(resources: object, where: str) -> None:
    """Make sure that a table of resources is one.

    Raises
    ------
    ConfigError
        It is none, or an amount is no number; the message begins with `where`.
    """
    if resources is None:
        return
    if not isinstance(resources, dict):
        raise ConfigError(f'{where}: resources must be a table such as {{"num_cpus": 2}}, not {resources!r}')
    for name, amount in resources.items():
        number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not isinstance(name, str) or not name or name == "object_store_memory":
            raise ConfigError(
                f"{where}: resources has no key {name!r}; it takes {', '.join(_OWN)} and names of your own"
            )
        if not number or not 0 <= amount < float("inf"):
            raise ConfigError(f"{where}: resources.{name} must be a number that is not negative, not {amount!r}")
        if name == "num_gpus" and amount > 1 and amount % 1:
            raise ConfigError(f"{where}: resources.num_gpus must be whole or less than 1, not {amount!r}")
        if name in _OWN.values() and name != "memory":
            own = next(word for word, ray_name in _OWN.items() if ray_name == name)
            raise ConfigError(f'{where}: resources has no key "{name}"; write "{own}"')

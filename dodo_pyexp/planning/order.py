"""The order in which runs can be executed: each behind its upstreams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from ..errors import DependencyError


class Connected(Protocol):
    """A run with its upstreams: a `PlannedRun`."""

    @property
    def upstream(self) -> Sequence[Any]:
        """The runs that it depends on."""

    @property
    def full_name(self) -> str:
        """Its name with that of its experiment."""

    @property
    def experiment(self) -> Any:
        """The experiment that it belongs to."""


Run = TypeVar("Run", bound=Connected)


def topological(runs: list[Run]) -> list[Run]:
    """Order runs behind their upstreams, keeping the given order otherwise.

    Raises
    ------
    DependencyError
        There is a circle; the message shows it.
    """
    done: set[int] = set()
    ordered: list[Run] = []
    for start in runs:
        if id(start) in done:
            continue
        if not start.upstream:
            done.add(id(start))
            ordered.append(start)
            continue
        stack = [(start, iter(start.upstream))]
        on_path = {id(start): start}
        while stack:
            run, upstreams = stack[-1]
            for upstream in upstreams:
                if id(upstream) in on_path:
                    names = [item.full_name for item in on_path.values()]
                    names = names[names.index(upstream.full_name) :]
                    circle = " -> ".join([*names, upstream.full_name])
                    raise DependencyError(
                        f"{upstream.experiment.place}: depends_on goes in a circle: {circle}; take one of them out"
                    )
                if id(upstream) not in done:
                    on_path[id(upstream)] = upstream
                    stack.append((upstream, iter(upstream.upstream)))
                    break
            else:
                stack.pop()
                del on_path[id(run)]
                done.add(id(run))
                ordered.append(run)
    return ordered

"""`Flight`: one run on its way through Ray, from its submission until everything of it has come back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from ...store import opening, status
from ..handle import Ended, Handle
from .sender import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..job import Job
    from .demand import Demand
    from .transfer import Parcel


class Carrier(Protocol):
    """Who carries runs to Ray: what a `Flight` asks of the cluster."""

    def look(self) -> None:
        """See what has ended."""

    def cancel(self, flight: Flight) -> None:
        """End a run, queued or running."""

    def send_again(self, flight: Flight, node: str) -> None:
        """Submit a run once more, with all that it needs on a node that does not see the build's folder."""

    def fetch(self, flight: Flight) -> None:
        """Bring what it has left on its node."""

    def forget(self, flight: Flight) -> None:
        """Take no more interest in a run."""


class Flight(Handle):
    """Watches one run.

    Parameters
    ----------
    cluster
        Where it is executed.
    job, demand
        The run, and what it asks of a node.
    ticket
        What the Ray worker is told of it.
    pack
        Gives what it needs on a node that does not see the build's folder.
    """

    limits_itself = True

    def __init__(
        self, cluster: Carrier, job: Job, demand: Demand, ticket: dict[str, Any],
        pack: Callable[[Flight], dict[str, Any]],
    ) -> None:  # fmt: skip
        self._cluster = cluster
        self.job = job
        self.demand = demand
        self.ticket = ticket
        self._pack = pack
        self.parcels: list[Parcel] = []  # held until the run has ended
        self.ref: Any = None
        self.node: str | None = None  # where it waits to be fetched
        self.killed = False
        self._arrival: Arrival | None = None
        self._ended: Ended | None = None
        self._after = Ended()
        self._shown = _size(job.attempt.log) if job.live else 0  # of an earlier try, and shown

    def pack(self) -> None:
        """Add to the ticket what is needed on a node that does not see the build's folder."""
        if self.ticket["baggage"] is None:
            self.ticket["baggage"] = self._pack(self)

    @property
    def due(self) -> bool:
        """It has ended."""
        self._cluster.look()
        return self._ended is not None

    @property
    def queued(self) -> bool:
        """It has not begun yet: no node has written its name into the status."""
        return self._ended is None and self.node is None and "node" not in status.read(self.job.attempt)

    def poll(self) -> Ended | None:
        """Tell how it ended; None while it goes on, or while something of it is still on its way back."""
        if self._ended is None:
            self._cluster.look()
        return self._ended

    def kill(self) -> None:
        """Cancel it, wherever it is."""
        if self._ended is None and not self.killed:
            self.killed = True
            self._cluster.cancel(self)

    def landed(self, said: dict[str, Any]) -> None:
        """Take what the Ray worker says of a run that has been executed, or that it could not find."""
        if said.get("unseen"):
            self._cluster.send_again(self, said["node"]["id"])
        elif said["shared"]:
            self.end(_ended(said["ended"]))
        else:
            self.node = said["node"]["id"]
            self._after = _ended(said["ended"])
            self._cluster.fetch(self)

    def take(self, entry: tuple[Any, ...]) -> bool:
        """Take what a courier brings; True when that was all."""
        if self._arrival is None:
            self._arrival = Arrival(self.job.attempt)
        if not self._arrival.take(entry):
            return False
        self.end(self._after)
        return True

    def end(self, ended: Ended) -> None:
        """Note how it ended."""
        if self._ended is None:
            self._cluster.forget(self)
            self.parcels.clear()
            if self._arrival is not None:
                self._arrival.drop()
            if self.job.live:
                self.show()
            self._ended = ended

    @property
    def place(self) -> tuple[str, int] | None:
        """The node and the process in which it is executed, or was; None when it has not begun."""
        where = status.read(self.job.attempt).get("node")
        return (where["id"], where.get("pid", 0)) if isinstance(where, dict) else None

    def lose(self, why: str, kind: str = "NodeLost") -> None:
        """Note that it was lost through no fault of its own."""
        where = status.read(self.job.attempt).get("node")
        name = f" ({where['host']}, {where['id'][:8]})" if isinstance(where, dict) else ""
        self.end(Ended(cause=f"{why}{name}", kind=kind, lost=True))

    def explain(self, text: str) -> None:
        """Add to the log what nobody else has written there."""
        try:
            opening.add(self.job.attempt.log, text.encode("utf-8", "backslashreplace"))
        except OSError:  # the cause is told all the same
            pass

    def show(self) -> None:
        """Show what the run has printed since the last time."""
        try:
            with opening.open_file(self.job.attempt.log) as log:
                log.seek(self._shown)
                while data := log.read(1 << 16):
                    self._shown += len(data)
                    while data:
                        data = data[os.write(1, data) :]
        except OSError:  # not there yet; or the terminal is gone
            pass


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # there is none yet
        return 0


def _ended(cause: tuple[str, str] | None) -> Ended:
    return Ended() if cause is None else Ended(kind=cause[0], cause=cause[1])

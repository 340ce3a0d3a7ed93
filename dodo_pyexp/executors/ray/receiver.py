"""The build's end of the couriers: one thread takes what they bring, so that nothing else has to wait for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ..handle import Ended

if TYPE_CHECKING:
    from .flight import Flight

AHEAD = 3  # questions on their way to one courier; their answers are all that the build holds in memory
WAIT_SECONDS = 0.2


class Line:
    """The questions that are on their way to one courier.

    Parameters
    ----------
    actor
        The courier.

    Attributes
    ----------
    waiting
        Runs that have been executed, and of which not everything has come.
    broken
        The courier is dead.
    """

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.waiting: dict[str, Flight] = {}
        self.broken = False
        self._ended: deque[str] = deque()
        self._dropped: list[str] = []
        self._asked: deque[Any] = deque()

    def fetch(self, flight: Flight) -> None:
        """Ask for all that a run has left."""
        self.waiting[flight.ticket["id"]] = flight
        self._ended.append(flight.ticket["id"])

    def ask(self) -> Any:
        """Ask on, and give the answer that is to come next."""
        while len(self._asked) < AHEAD:
            ended = [self._ended.popleft() for _ in range(len(self._ended))]
            self._asked.append(self.actor.news.remote(ended, self._dropped))
            self._dropped = []
        return self._asked[0]

    def take(self, news: list[tuple[str, tuple[Any, ...]]], flights: dict[str, Flight]) -> None:
        """Take the answer that has come."""
        self._asked.popleft()
        for key, entry in news:
            flight = flights.get(key)
            if flight is None:
                self._dropped.append(key)
            elif flight.take(entry):
                self.waiting.pop(key, None)

    def fail(self, error: Exception) -> None:
        """Give up the runs that this courier was bringing: what it brought could not be put in place."""
        for flight in list(self.waiting.values()):
            flight.end(Ended(cause=f"what the run left could not be put in place: {error}", kind="OutcomeLost"))
        self.waiting.clear()


class Reception:
    """Takes what the couriers bring.

    Parameters
    ----------
    flights
        The runs on their way, by the names that couriers call them.
    """

    def __init__(self, flights: dict[str, Flight]) -> None:
        self.lines: dict[str, Line] = {}
        self._flights = flights
        self._closed = False
        self._thread: threading.Thread | None = None

    def open(self, node: str, actor: Any) -> None:
        """Listen to the courier of a node."""
        self.lines[node] = Line(actor)
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, daemon=True, name="pyexp-reception")
            self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        if self._thread is not None:
            self._thread.join(5.0)

    def _listen(self) -> None:
        import ray

        while not self._closed:
            heads = {}
            for line in list(self.lines.values()):
                if not line.broken:
                    try:
                        heads[line.ask()] = line
                    except Exception:
                        line.broken = True
            if not heads:
                time.sleep(WAIT_SECONDS)
                continue
            try:
                ready = ray.wait(list(heads), timeout=WAIT_SECONDS)[0]
            except Exception:  # the cluster is gone; whoever looks after it finds out
                time.sleep(WAIT_SECONDS)
                continue
            for head in ready:
                try:
                    heads[head].take(ray.get(head), self._flights)
                except ray.exceptions.RayError:
                    heads[head].broken = True
                except Exception as error:  # a full disk, say
                    heads[head].fail(error)

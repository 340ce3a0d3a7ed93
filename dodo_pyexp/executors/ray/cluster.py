"""`Cluster`: the build's end of a Ray cluster. It submits, collects with `ray.wait`, and watches nodes come and go."""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from ...errors import ExecutorError
from ..handle import Ended
from .head import connects
from .options import for_runs
from .receiver import Line, Reception
from .sender import Courier
from .start import Connection
from .trouble import details, environment_failure, first_line, memory_failure, task_failure

if TYPE_CHECKING:
    from .flight import Flight

LOOK_SECONDS = 0.004  # seconds at least between two looks at what has ended
SHARE = 3  # looking takes no more than one part in three of the time
NODES_SECONDS = 1.5
PATIENCE_SECONDS = 4.0  # seconds for which no node may be fit for a run, or the head not answer
CANCEL_SECONDS = 10.0
ABANDON_SECONDS = 5.0
SHOW_SECONDS = 0.1
PROBE_SECONDS = 5.0
MOST_REPLACED = 20


class Cluster:
    """A connection to Ray.

    Parameters
    ----------
    address
        As `ray.init` has it.
    runtime_env
        What the workers need.
    more
        Passed on to `ray.init`.
    """

    def __init__(self, address: str | None, runtime_env: dict[str, Any] | None, more: dict[str, Any]) -> None:
        if address in (None, "auto"):
            address = os.environ.get("RAY_ADDRESS") or address
        self._where = address or "on this machine"
        self._client = bool(address and address.startswith("ray://"))
        self._connection = Connection(address, runtime_env, more)
        self._ray, self._mine = self._connection.ray, self._connection.mine
        self.root = uuid.uuid4().hex[:16]
        self.options = for_runs(self._ray, more, connected_before=not self._mine)
        self._head = address[6:].split("/")[0] if self._client and address else self._gcs()
        self._environment = self._for_tasks(runtime_env)
        self._functions: dict[Any, Any] = {}
        self._flights: dict[Any, Flight] = {}
        self._cancelled: list[tuple[float, Flight]] = []
        self.nodes: dict[str, dict[str, float]] = {}
        self.blind: set[str] = set()  # nodes that do not see the build's folder
        self._probed: set[str] = set()
        self._probes: dict[Any, str] = {}
        self._misfits: dict[Any, float] = {}
        self._greedy: set[tuple[str, int] | None] = set()  # node and process of runs that took too much memory
        self._replaced = 0
        self._silent: float | None = None
        self.lost: str | None = None
        self._next = self._next_nodes = self._next_show = 0.0
        self._attempt: tuple[str, dict[str, Any]] | None = None
        self._by_id: dict[str, Flight] = {}
        self._reception = Reception(self._by_id)
        self._couriers = self._reception.lines
        self._count = 0

    def _for_tasks(self, runtime_env: dict[str, Any] | None) -> dict[str, Any]:
        """Give what every task needs to have said, as whoever has connected Ray before has not said it.

        Raises
        ------
        ExecutorError
            That cannot be said of a task.
        """
        if self._mine or not runtime_env:
            return {}
        try:
            self._ray.remote(runtime_env=runtime_env)(connects)
        except (TypeError, ValueError) as error:
            raise ExecutorError(
                f'the executor "ray" cannot keep to its runtime_env ({first_line(error).rstrip(".")}), as this process '
                "was connected to Ray before; give the runtime_env to that ray.init, or leave it to pyexp to connect"
            ) from None
        return {"runtime_env": runtime_env}

    def _gcs(self) -> str | None:
        try:
            return str(self._ray.get_runtime_context().gcs_address)
        except Exception:
            return None

    # -- submitting ---------------------------------------------------------------------------------------------

    def submit(self, flight: Flight) -> None:
        """Hand a run to Ray."""
        self._count += 1
        flight.ticket["id"] = f"{self._count}"
        self._by_id[flight.ticket["id"]] = flight
        flight.ref = self._function(flight).remote(flight.ticket)
        self._flights[flight.ref] = flight

    def _function(self, flight: Flight) -> Any:
        key = flight.demand.key
        if key not in self._functions:
            from .task import execute

            # No calls at most: Ray starts a worker for each task with a GPU, but it is a fork that takes hold of that.
            options = {"max_retries": 0, "max_calls": 0, "name": "pyexp", **flight.demand.options()}
            options |= self._environment
            self._functions[key] = self._ray.remote(**options)(execute)
        return self._functions[key]

    def send_again(self, flight: Flight, node: str) -> None:
        """Submit a run once more, with all that it needs on a node that does not see the build's folder."""
        self._mark_blind(node)
        if flight.killed:
            flight.end(Ended(cause="it was cancelled"))
            return
        self.forget(flight)
        flight.pack()
        self.submit(flight)

    def forget(self, flight: Flight) -> None:
        """Take no more interest in a run: it has ended."""
        self._by_id.pop(flight.ticket["id"], None)

    def cancel(self, flight: Flight) -> None:
        """End a run, queued or running."""
        self._cancelled.append((time.monotonic(), flight))
        try:
            self._ray.cancel(flight.ref, force=True)
        except Exception:  # it has just ended, or the cluster is gone
            pass
        self._next = 0.0

    # -- collecting ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """See what has ended; cheap when asked often.

        Raises
        ------
        ExecutorError
            The cluster is gone.
        """
        began = time.monotonic()
        if began < self._next or self.lost is not None:
            return
        try:
            self._collect(began)
            if began >= self._next_nodes:
                self.watch_nodes()
        except (ConnectionError, self._ray.exceptions.RaySystemError) as error:
            self._lose(str(error).split("\n")[0])
        ended = time.monotonic()
        self._next = ended + max(LOOK_SECONDS, (ended - began) * SHARE)

    def _collect(self, now: float) -> None:
        if self._flights:
            refs = list(self._flights)
            for ref in self._ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)[0]:
                self._arrived(self._flights.pop(ref), ref)
        for node, line in list(self._couriers.items()):
            if line.broken:
                self._replace(node, line)
        while self._cancelled and now - self._cancelled[0][0] > CANCEL_SECONDS:
            flight = self._cancelled.pop(0)[1]
            self._flights.pop(flight.ref, None)
            flight.end(Ended(cause="it was cancelled, and Ray did not say that it had ended"))
        if now >= self._next_show:
            self._next_show = now + SHOW_SECONDS
            for flight in list(self._flights.values()):
                if not flight.job.live:
                    break
                flight.show()

    def _arrived(self, flight: Flight, ref: Any) -> None:
        errors = self._ray.exceptions
        try:
            said = self._ray.get(ref)
        except errors.TaskCancelledError:
            flight.end(Ended(cause="it was cancelled", kind="Cancelled"))
        except errors.OutOfMemoryError as error:
            self._out_of_memory(flight, error)
        except errors.RuntimeEnvSetupError as error:
            flight.explain(details(error))
            flight.end(Ended(cause=environment_failure(error), kind="RuntimeEnvSetupError"))
        except errors.TaskUnschedulableError as error:
            flight.end(Ended(cause=first_line(error), kind="TaskUnschedulableError"))
        except errors.RayTaskError as error:
            flight.explain(details(error))
            flight.end(Ended(cause=task_failure(error), kind="RayError"))
        except errors.RayError as error:
            if flight.killed:
                flight.end(Ended(cause="it was cancelled", kind="Cancelled"))
            else:
                died = (
                    "its node died"
                    if isinstance(error, errors.NodeDiedError)
                    else "the Ray worker that executed it died"
                )
                flight.lose(died)
        else:
            flight.landed(said)

    def _out_of_memory(self, flight: Flight, error: BaseException) -> None:
        """End a run that Ray killed for want of memory; as lost, if other runs of the build took that."""
        place = flight.place
        cause, guilty = memory_failure(error, place, {other.place for other in self._flights.values()} | self._greedy)
        if guilty:
            self._greedy.add(place)
            flight.explain(details(error))
            flight.end(Ended(cause=cause, kind="OutOfMemory"))
        else:
            flight.lose(cause, kind="OutOfMemory")

    # -- nodes that do not see the build's folder ---------------------------------------------------------------

    def _mark_blind(self, node: str) -> None:
        self.blind.add(node)
        if node not in self._couriers and node in self.nodes:
            self._reception.open(node, self._on_node(Courier, node).remote(self.root))

    def _replace(self, node: str, line: Line) -> None:
        """Send another courier when one has died, but not for ever; on a node that died it has nothing to do."""
        del self._couriers[node]
        self.watch_nodes()
        waiting = list(line.waiting.values())
        self._replaced += 1
        if node in self.nodes and self._replaced <= MOST_REPLACED:
            self._mark_blind(node)
            for flight in waiting:
                self.fetch(flight)
        else:
            for flight in waiting:
                flight.lose("its node died before everything had come back")

    def _on_node(self, what: Any, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options: dict[str, Any] = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}
        return self._ray.remote(num_cpus=0, **options, **self._environment)(what)

    def fetch(self, flight: Flight) -> None:
        """Let a run's courier bring what it has left on its node."""
        assert flight.node is not None
        if flight.node not in self._couriers:
            self._mark_blind(flight.node)
        line = self._couriers.get(flight.node)
        if line is None:
            flight.lose("its node died before everything had come back")
        else:
            line.fetch(flight)

    def find_out(self, attempt: str, state: dict[str, Any]) -> None:
        """Find out which nodes see the build's folder, before the first run is sent there."""
        if self._attempt is not None:
            return
        self._attempt = attempt, state
        self.watch_nodes()
        until = time.monotonic() + PROBE_SECONDS
        while self._probes and time.monotonic() < until:
            self._ray.wait(list(self._probes), timeout=1.0)
            self._read_probes()

    def _send_probes(self) -> None:
        if self._attempt is None:
            return
        from .task import sees

        for node in self.nodes.keys() - self._probed:
            self._probed.add(node)
            self._probes[self._on_node(sees, node).options(max_retries=0).remote(*self._attempt)] = node

    def _read_probes(self) -> None:
        if not self._probes:
            return
        for ref in self._ray.wait(list(self._probes), num_returns=len(self._probes), timeout=0)[0]:
            node = self._probes.pop(ref)
            try:
                seen = self._ray.get(ref)
            except self._ray.exceptions.RayError:  # the node is gone, or pyexp is not installed there: runs will tell
                continue
            if not seen:
                self._mark_blind(node)

    # -- the nodes ----------------------------------------------------------------------------------------------

    def watch_nodes(self) -> None:
        """See which nodes there are, and whether they can hold what is waiting."""
        if not self._answers():
            return
        self._next_nodes = time.monotonic() + NODES_SECONDS
        alive = [node for node in self._ray.nodes() if node["Alive"]]
        self.nodes = {node["NodeID"]: node["Resources"] for node in alive}
        for node in [node for node in self._couriers if node not in self.nodes]:
            for flight in self._couriers.pop(node).waiting.values():
                flight.lose("its node died before everything had come back")
        self._send_probes()
        self._read_probes()
        self._find_misfits()

    def _find_misfits(self) -> None:
        """End what no node can hold, after a while: a node may just be joining."""
        now = time.monotonic()
        demands = {flight.demand.key: flight.demand for flight in self._flights.values()}
        misfits = {key for key, demand in demands.items() if not any(demand.fits(node) for node in self.nodes.values())}
        self._misfits = {key: self._misfits.get(key, now) for key in misfits}
        for flight in list(self._flights.values()):
            since = self._misfits.get(flight.demand.key)
            if since is not None and now - since >= PATIENCE_SECONDS and not flight.killed:
                self._flights.pop(flight.ref)
                self._ray.cancel(flight.ref, force=True)
                flight.end(Ended(cause=flight.demand.misfit(self.nodes.values()), kind="NoSuchResources"))

    def _answers(self) -> bool:
        """Tell whether the head can still be reached; what asks it anything would hang otherwise."""
        if self._head is None or connects(self._head, 1.0):
            self._silent = None
            return True
        now = time.monotonic()
        self._silent = self._silent or now
        self._next_nodes = now + 0.5
        if now - self._silent >= PATIENCE_SECONDS:
            self._lose("its head does not answer")
        return False

    def _lose(self, why: str) -> None:
        self.lost = why
        self._abandon(list(self._flights))
        flights = list(self._flights.values()) + [f for line in self._couriers.values() for f in line.waiting.values()]
        self._flights.clear()
        self._couriers.clear()
        for flight in flights:
            flight.end(Ended(cause=f"the cluster was lost: {why}", kind="ClusterLost"))
        raise ExecutorError(
            f"the Ray cluster {self._where} is gone ({why}); what had finished is kept, and the same command "
            "goes on from there when the cluster is back"
        )

    def _abandon(self, refs: list[Any]) -> None:
        """End what is still executed: nodes live on for a while without their head, and can be told directly."""

        def cancel() -> None:
            try:
                for ref in refs:
                    self._ray.cancel(ref, force=True)
                self._ray.wait(refs, num_returns=len(refs), timeout=ABANDON_SECONDS, fetch_local=False)
            except Exception:  # they cannot be reached either
                pass

        if refs and not self._client:
            thread = threading.Thread(target=cancel, daemon=True, name="pyexp-abandon")
            thread.start()
            thread.join(ABANDON_SECONDS)

    def close(self) -> None:
        """Cancel what is still on its way, clean the nodes, and leave the cluster if this build has joined it."""
        self._reception.close()
        try:
            if self.lost is None:
                for ref in self._flights:
                    self._ray.cancel(ref, force=True)
                leaving = [line.actor.leave.remote() for line in self._couriers.values()]
                if leaving:
                    self._ray.wait(leaving, num_returns=len(leaving), timeout=5.0)
                for line in self._couriers.values():
                    self._ray.kill(line.actor)
        except Exception:  # the cluster has its own end
            pass
        self._flights.clear()
        self._connection.close()

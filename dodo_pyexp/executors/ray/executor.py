"""The Ray executor: runs on a cluster, or on all of this machine, scheduled by Ray.

Everything that is ready is submitted at once; Ray says what is executed where and when. On a node, a fork server
executes the run (`ray_server`); what comes of it is in the build's folder already where the node shares its file
system, and is brought there otherwise (`ray_courier`).
"""

from __future__ import annotations

import hashlib
import os
import sys

from ...config.inputs import Folder, Input, inputs_in
from ...errors import MissingExtra
from ...results.pickling import dumps
from ...store.opening import read_bytes
from ...store.paths import COMMIT, CONFIG, CONFIG_YML, STATUS
from ..base import Executor
from ..imports.reference import redirected, refer
from ..imports.relocation import editable_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..guardian import Guardian
    from ..handle import Handle
    from ..job import Job
    from ..logs.capture import Log
    from .cluster import Cluster
    from .flight import Flight
    from .transfer import Parcel

# Bytes of what the runs of a batch have in common that are sent with each run; more goes into Ray's store once.
INLINE = 30_000


class RayExecutor(Executor):
    """Executes runs on a Ray cluster.

    Implements: pyexp README, "Distributed Execution with Ray".

    Parameters
    ----------
    address
        The cluster: ``"auto"``, ``"host:port"``, ``"ray://host:port"``, or None for this machine.
    runtime_env
        What the workers need: ``working_dir``, ``excludes``, ``pip``, ``py_modules``, ``env_vars``; as Ray has it.
    num_cpus, num_gpus
        What one run takes; one CPU by default.
    resources
        What else one run takes: ``memory`` in bytes, or resources of the cluster's own by name. An experiment's
        `resources`, and those in the config of a run, come first.
    **ray_init_kwargs
        Passed on to ``ray.init``.

    Raises
    ------
    MissingExtra
        Ray is not installed; the message has the command that installs it.

    Examples
    --------
    >>> executor = RayExecutor(address="auto", num_cpus=4)  # doctest: +SKIP
    >>> experiment.run(executor=executor)  # doctest: +SKIP
    """

    name = "ray"
    blocking = False
    imports_anew = True
    window = 10_000
    shows_logs = True

    def __init__(
        self,
        address: str | None = None,
        runtime_env: dict[str, Any] | None = None,
        num_cpus: float | None = None,
        num_gpus: float | None = None,
        resources: dict[str, float] | None = None,
        **ray_init_kwargs: Any,
    ) -> None:
        import importlib.util

        from .demand import check_resources

        if "ray" not in sys.modules and importlib.util.find_spec("ray") is None:
            raise MissingExtra('the executor "ray" needs Ray: pip install "dodo-pyexp[ray]"')
        self.address = address
        self.runtime_env = runtime_env
        self.num_cpus = num_cpus
        self.num_gpus = num_gpus
        self.resources = resources
        self.ray_init_kwargs = ray_init_kwargs
        own = {name: value for name, value in (("num_cpus", num_cpus), ("num_gpus", num_gpus)) if value is not None}
        self._wishes: dict[str, Any] = {**(resources or {}), **own}
        check_resources(self._wishes, "RayExecutor")
        self._cluster: Cluster | None = None
        self._kits: dict[tuple[int, int], tuple[Any, ...]] = {}
        self._parcels: Any = None
        self._output_dirs: list[str] = []

    def check(self) -> None:
        """Nothing to check before there is something to execute: a build that finds nothing to do needs no cluster."""

    def open(self) -> None:
        """Join the cluster.

        Raises
        ------
        ExecutorError
            There is none.
        """
        if self._cluster is None:
            import weakref

            from .cluster import Cluster

            self._parcels = weakref.WeakValueDictionary()
            environment = self.runtime_env and leave_out(self.runtime_env, self._output_dirs)
            self._cluster = Cluster(self.address, environment, self.ray_init_kwargs)

    @property
    def opening(self) -> str:
        """What is said before Ray is started, or joined, which takes ten seconds."""
        ray = sys.modules.get("ray")
        if self._cluster is not None or (ray is not None and getattr(ray, "is_initialized", bool)()):
            return ""
        from . import cluster  # noqa: F401  # so that Ctrl-C after these words finds that Ray is being started

        return "starting Ray" if self.address is None and not os.environ.get("RAY_ADDRESS") else "joining Ray"

    def open_for(self, output_dirs: Iterable[str]) -> None:
        """Join the cluster; nothing of the output folders is sent with a `working_dir`."""
        self._output_dirs = sorted({os.path.abspath(folder) for folder in output_dirs})
        self.open()

    def close(self) -> None:
        """Leave the cluster; what is still on its way there is cancelled."""
        cluster, self._cluster = self._cluster, None
        self._kits.clear()
        if cluster is not None:
            cluster.close()

    def start(self, job: Job, log: Log, guardian: Guardian) -> Handle:
        """Submit the job."""
        from .demand import Demand, check_resources
        from .flight import Flight

        log.abandon()
        self.open()
        cluster = self._cluster
        assert cluster is not None
        check_resources(job.resources, job.name)
        cluster.find_out(job.attempt.path, job.state)
        key, data, *_ = self._kit(job)
        ticket = {
            "kit": key,
            "kit_data": data,
            "attempt": job.attempt.path,
            "state": job.state,
            "timeout": job.timeout,
            "idle_timeout": job.idle_timeout,
            "baggage": None,
            "order": {
                "name": job.name,
                "arity": job.arity,
                "config": dumps(job.config),
                "kept_config": None if job.kept_config is job.config else dumps(job.kept_config),
                "deps": [dep.reference() for dep in job.deps],
                "given": job.given,
                "secrets": log.secrets,
            },
        }
        flight = Flight(cluster, job, Demand(job.resources, self._wishes), ticket, self._pack)
        if cluster.blind:
            flight.pack()
        cluster.submit(flight)
        return flight

    def _kit(self, job: Job) -> tuple[Any, ...]:
        """Give what the runs of a batch have in common: key, data, and the copies of the code that it speaks of."""
        found = self._kits.get((id(job.fn), id(job.relocation)))
        if found is not None:
            return found
        cluster = self._cluster
        assert cluster is not None
        path = [os.fspath(entry) or os.getcwd() for entry in sys.path]
        reference = refer(job.fn)
        relocation = job.relocation
        folder = os.getcwd()
        moved = None
        if relocation is not None:
            path = relocation.search_path(path, editable_folders())
            moved = relocation.of(folder)
            reference = redirected(reference, relocation.of)
        kit = {
            "root": cluster.root,
            "ray": cluster.options,
            "argv": sys.argv,
            "watched": job.watched,
            "fn": reference,
            "path": [entry for entry in path if not _installed(entry)],
            "relocation": None if relocation is None else relocation.pairs,
            "cwd": None if self._has_own_folder() else folder,
            "cwd_copy": moved,
        }
        data: Any = dumps(kit)
        key = hashlib.sha256(data).hexdigest()[:24]
        if len(data) > INLINE:
            import ray

            data = [ray.put(data)]
        copies = [] if relocation is None else [copy for _, copy in relocation.pairs]
        tops = [copy for copy in copies if not any(copy.startswith(other + os.sep) for other in copies)]
        found = key, data, tops, job.fn, relocation  # the last two are held, so that their ids stay theirs
        self._kits[id(job.fn), id(job.relocation)] = found
        return found

    def _has_own_folder(self) -> bool:
        return "working_dir" in (self.runtime_env or {})

    def _pack(self, flight: Flight) -> dict[str, Any]:
        """Pack what a run needs on a node that does not see the build's folder."""
        job = flight.job
        _, _, tops, *_ = self._kit(job)
        files = {}
        for name in (CONFIG, CONFIG_YML, COMMIT):
            try:
                files[name] = read_bytes(f"{job.attempt.path}/{name}")
            except OSError:
                continue
        wanted = [path for _, _, path, *_ in flight.ticket["order"]["deps"]] + list(job.given.values())
        folders = {path: self._parcel(path, f"{path}/{STATUS}") for path in wanted if path is not None}
        code = {copy: self._parcel(copy) for copy in tops}
        inputs = {value.place: self._input(value, job.state) for _, value in inputs_in(job.config)}
        flight.parcels = [*folders.values(), *code.values(), *(parcel for parcel, _ in inputs.values())]
        return {
            "files": files,
            "folders": {path: parcel.slip() for path, parcel in folders.items()},
            "code": {path: parcel.slip() for path, parcel in code.items()},
            "inputs": {path: (parcel.slip(), name) for path, (parcel, name) in inputs.items()},
        }

    def _input(self, value: Input, state: dict[str, Any]) -> tuple[Parcel, str]:
        """Give an input as a parcel, and its name in there; by its content: one that many runs read is sent once."""
        from .transfer import Parcel

        place = os.path.realpath(value.place)
        folder, name = (place, "") if value.kind == Folder.kind else os.path.split(place)
        known = state["inputs"][value.key]
        digest = known[-1] if value.kind == Folder.kind else known[1]
        key = hashlib.sha256(f"{digest}\0{name}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
        parcel: Parcel | None = self._parcels.get(key)
        if parcel is None:
            parcel = self._parcels[key] = Parcel(folder, key, name or None)
        return parcel, name

    def _parcel(self, folder: str, mark: str = "") -> Parcel:
        """Give a folder as a parcel: made once, and kept as long as some run needs it."""
        from .transfer import Parcel, parcel_key

        key = parcel_key(folder, mark)
        parcel: Parcel | None = self._parcels.get(key)
        if parcel is None:
            parcel = self._parcels[key] = Parcel(folder, key)
        return parcel


def leave_out(environment: dict[str, Any], folders: Iterable[str]) -> dict[str, Any]:
    """Add output folders that lie in its `working_dir` to what a `runtime_env` excludes.

    Ray would send them to every node, and for each build anew, as they change; and it refuses more than 500 MB.
    """
    top, excludes = environment.get("working_dir"), environment.get("excludes") or []
    if not isinstance(top, (str, os.PathLike)) or not isinstance(excludes, list):
        return environment
    top = os.path.abspath(top)
    inside = [os.path.relpath(folder, top) for folder in folders if folder.startswith(top.rstrip(os.sep) + os.sep)]
    special = str.maketrans({char: f"\\{char}" for char in "\\*?[]!# "})
    return {**environment, "excludes": [*excludes, *(f"/{folder.translate(special)}" for folder in inside)]}


def _installed(entry: str) -> bool:
    """Tell whether an entry of the module search path holds what was installed: each node has its own of that."""
    return any(entry == prefix or entry.startswith(prefix + os.sep) for prefix in {sys.prefix, sys.base_prefix})

"""`Result`: what one run gave back, loaded from disk piece by piece, only when asked for.

Implements: pyexp guide, "`Result` Dataclass"; pyexp README, "Result Filtering" (reading a result like a mapping).
"""

from __future__ import annotations

import os

from ..config.config import Config
from ..errors import DamagedFile, DamagedResult
from ..store import status as statuses
from ..store.digest import sum_of_open
from ..store.names import is_folder_of
from ..store.opening import open_file
from ..store.paths import PICKLE, AttemptFolder
from ..store.record import record_of, vouches_for
from .pickling import dumps, load_here, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO, Any

    #: Name, pickled config, the attempt's folder, why it was skipped, what the record says.
    Reference = tuple[str, bytes, str | None, str | None, dict[str, Any] | None]

_LAZY = frozenset(["cfg", "error", "finished", "log", "out", "result", "skipped"])

_ENDED = frozenset([statuses.FINISHED, statuses.FAILED])


def _nothing_recorded() -> None:
    """No build vouches for the result."""


class Result:
    """One run's config, output folder, return value, error and log.

    A result that pyexp hands out knows where its attempt lies and reads each field on first use: looking at
    `cfg` or `name` opens no file of the run, `error` and `finished` read its status, only `result` unpickles.

    Parameters
    ----------
    cfg
        The config of the run.
    name
        The name of the run.
    out
        The folder of the attempt, with whatever the function saved.
    result
        The return value of the experiment function.
    error
        ``"<Type>: <message>"`` and the traceback, if the run failed or was skipped; else None.
    log
        What the run printed, stdout and stderr in order.
    finished
        True once the execution has ended, well or badly.
    skipped
        True if the run was not tried, because an upstream failed.

    Notes
    -----
    A result also reads as a mapping: the keys of a returned dict come first, then `name` and `config`; a return
    value that is no dict stands under `value`; a failure adds `__error__`, `type`, `message` and `traceback`.

    Examples
    --------
    >>> r = Result(cfg=Config(lr=0.1), name="a", result={"accuracy": 0.9})
    >>> r["accuracy"], r["name"], r["config"].lr
    (0.9, 'a', 0.1)
    >>> r.get("__error__") is None
    True
    """

    cfg: Config
    name: str
    out: Path | None
    result: Any
    error: str | None
    log: str
    finished: bool
    skipped: bool

    def __init__(
        self,
        cfg: Config | None = None,
        name: str = "",
        out: Path | None = None,
        result: Any = None,
        error: str | None = None,
        log: str = "",
        finished: bool = False,
        skipped: bool = False,
    ) -> None:
        self.cfg = Config() if cfg is None else cfg
        self.name = name or str(self.cfg.get("name", ""))
        self.out = out
        self.result = result
        self.error = error
        self.log = log
        self.finished = finished
        self.skipped = skipped

    @classmethod
    def at(
        cls,
        name: str,
        config: Callable[[], Config],
        locate: Callable[[], tuple[AttemptFolder | None, str | None]],
        *,
        watched: bool = False,
        recorded: Callable[[], dict[str, Any] | None] = _nothing_recorded,
    ) -> Result:
        """Make a result that is read when asked for.

        Parameters
        ----------
        name
            The name of the run.
        config
            Gives the config.
        locate
            Gives the attempt that satisfies the run (None if there is none yet) and, if the run was skipped, why.
        watched
            A build gave it to a run or a report, and sees to what is found damaged.
        recorded
            Gives what the run's record says of the attempt, as a status would: that counts, whatever the status says.
            Empty if the run had finished and its record is gone; None if it is the status that has to tell.
        """
        self = object.__new__(cls)
        self.__dict__.update(name=name, _config=config, _locate=locate, _watched=watched, _recorded=recorded)
        return self

    def reference(self) -> Reference:
        """Give what another process needs to read this result: its name, its config, and what `at` has located."""
        attempt, reason = self._attempt()
        return self.name, dumps(self.cfg), None if attempt is None else attempt.path, reason, self._recorded()

    @classmethod
    def referred(cls, reference: Reference) -> Result:
        """Make the result that `reference` described, to be read when asked for."""
        name, config, path, reason, said = reference
        attempt = None if path is None else AttemptFolder(path)
        return cls.at(name, lambda: loads(config), lambda: (attempt, reason), watched=True, recorded=lambda: said)

    def __getattr__(self, field: str) -> Any:
        # Only called for a field that has not been read yet.
        if field not in _LAZY or "_locate" not in self.__dict__:
            raise AttributeError(f"Result has no attribute {field!r}")
        value = getattr(self, f"_load_{field}")()
        self.__dict__[field] = value
        return value

    def _attempt(self) -> tuple[AttemptFolder | None, str | None]:
        found = self.__dict__.get("_found")
        if found is None:
            found = self.__dict__["_found"] = self._locate()
        return found  # type: ignore[no-any-return]  # __dict__ holds Any

    def _load_cfg(self) -> Config:
        config: Config = self._config()
        config.pop("depends_on", None)
        return config

    def _load_out(self) -> Path | None:
        from pathlib import Path

        attempt = self._attempt()[0]
        return None if attempt is None else Path(attempt.path)

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] | None = self.__dict__.get("_read_status")
        if status is None:
            attempt = self._attempt()[0]
            status = self._recorded()
            if not status:
                status = {} if attempt is None else statuses.read(attempt)
                if status.get("state") != statuses.FINISHED and attempt is not None and vouches_for(attempt):
                    status = {"state": statuses.FINISHED}
            self.__dict__["_read_status"] = status
        return status

    def _load_skipped(self) -> bool:
        return self._attempt()[1] is not None

    def _load_finished(self) -> bool:
        return self.skipped or self._status().get("state") in _ENDED

    def _load_error(self) -> str | None:
        reason = self._attempt()[1]
        return f"Skipped: {reason}" if reason is not None else statuses.error_text(self._status())

    def _load_log(self) -> str:
        attempt = self._attempt()[0]
        if attempt is None:
            return ""
        try:
            with open_file(attempt.log) as file:
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _load_result(self) -> Any:
        attempt = self._attempt()[0]
        if self.skipped or attempt is None or self._status().get("state") != statuses.FINISHED:
            if self._recorded() is not None:
                path = "" if attempt is None else attempt.path
                raise DamagedResult(f"the result of {self.name} is gone; the next build executes it again", path)
            return None
        watched = self.__dict__.get("_watched", False)
        other = statuses.of_another(self._status(), self.name, attempt)
        if other is not None:
            said = _damage(attempt, self.name, self._status(), f"is that of {other}", watched=watched)
            raise DamagedResult(said, attempt.path)
        return load_pickle(attempt, self.name, self._status(), watched=watched).__dict__.get("result")

    # -- reading it like a mapping ------------------------------------------------------------------------------

    def _extras(self) -> dict[str, Any]:
        extras: dict[str, Any] = {"name": self.name, "config": self.cfg}
        if not isinstance(self.result, dict) and self.error is None:
            extras["value"] = self.result
        if self.error is not None:
            extras.update(__error__=True, **self._cause())
        return extras

    def _cause(self) -> dict[str, Any]:
        """Give type, message and traceback of the failure."""
        cause = self._status().get("error") if "_locate" in self.__dict__ and not self.skipped else None
        if isinstance(cause, dict):
            return {key: cause.get(key) or "" for key in ("type", "message", "traceback")}
        head, _, trace = (self.error or "").partition("\n")
        kind, _, message = head.partition(": ")
        return {"type": kind, "message": message, "traceback": trace}

    def __getitem__(self, key: str) -> Any:
        if isinstance(self.result, dict) and key in self.result:
            return self.result[key]
        return self._extras()[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Give ``result[key]``, or `default` where there is no such key."""
        try:
            return self[key]
        except KeyError:
            return default

    def keys(self) -> list[str]:
        """List the keys: returned ones first."""
        returned = list(self.result) if isinstance(self.result, dict) else []
        return returned + [key for key in self._extras() if key not in returned]

    def values(self) -> list[Any]:
        """List the values, in the order of `keys`."""
        return [self[key] for key in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """List keys with values, in the order of `keys`."""
        return [(key, self[key]) for key in self.keys()]

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __bool__(self) -> bool:
        return True

    # -- pickling and showing -----------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        fields = ("cfg", "name", "result", "error", "finished", "skipped")
        state = {field: getattr(self, field) for field in fields}
        return {**state, "out": None if self.out is None else str(self.out)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from pathlib import Path

        out = state["out"]
        self.__dict__.update(state, out=None if out is None else Path(out))
        # The log stays on disk, where it may be long; it is read from there.
        attempt = None if out is None else AttemptFolder(out)
        self.__dict__.update(_locate=lambda: (attempt, None), _recorded=_nothing_recorded)

    def __repr__(self) -> str:
        if "_locate" in self.__dict__ and "error" not in self.__dict__:
            return f"Result(name={self.name!r})"
        state = "skipped" if self.skipped else "failed" if self.error else "finished" if self.finished else "unfinished"
        return f"Result(name={self.name!r}, {state})"


def load_pickle(
    attempt: AttemptFolder, name: str, status: dict[str, Any] | None = None, *, watched: bool = False
) -> Result:
    """Unpickle the Result of an attempt; `status` tells what the file must be.

    Raises
    ------
    DamagedResult
        The file is not what the run wrote.
    DamagedFile
        It cannot be read, or needs a class that cannot be imported here.
    """
    sums = (status or {}).get("sums")
    expected = sums.get(PICKLE) if isinstance(sums, dict) else None
    damage = None
    try:
        with open_file(attempt.pickle) as file:
            if expected is not None and (not _fits(file, status) or sum_of_open(file) != expected):
                damage = "is not what the run wrote"
            result = None if damage else load_here(file)
    except (Exception, SystemExit) as error:  # unpickling runs arbitrary code and may raise anything
        if expected is not None and isinstance(error, OSError) and error.filename in (attempt.pickle, None):
            said = _damage(attempt, name, status or {}, f"cannot be read: {error.strerror}", watched=watched)
            raise DamagedResult(said, attempt.path) from None
        cause = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        hint = "if the file is damaged, build the run again" if expected is None else "the file itself is whole"
        raise DamagedFile(
            f"the result of {name} in {os.path.relpath(attempt.path)} cannot be read here ({cause}); {hint}"
        ) from None
    if damage:
        raise DamagedResult(_damage(attempt, name, status or {}, damage, watched=watched), attempt.path)
    if not isinstance(result, Result):
        raise DamagedFile(f"{os.path.relpath(attempt.pickle)} holds no Result; build {name} again")
    return result


def _fits(file: IO[bytes], status: dict[str, Any] | None) -> bool:
    """Tell whether a result's file has the size that the status tells, before all of it is read."""
    sizes = (status or {}).get("files")
    size = sizes.get(PICKLE) if isinstance(sizes, dict) else None
    return size is None or os.fstat(file.fileno()).st_size == size


def _damage(attempt: AttemptFolder, name: str, status: dict[str, Any], what: str, *, watched: bool) -> str:
    """Say that a result is damaged, and how to have it again."""
    experiment, here = status.get("experiment"), attempt.experiment
    if isinstance(experiment, str):
        full = f"{experiment if is_folder_of(here, experiment) else os.path.basename(here)}:{name}"
    else:
        full = name
    again = "the next `pyexp build` executes it again"
    try:
        record = record_of(attempt)
        if record is None:
            again = "it was an earlier attempt, which no build repeats"
        elif watched or record.of_another(name, attempt.experiment) is not None:
            pass
        elif record.missing_part(attempt.run) is None:  # a build does not see it by itself
            again = f"`pyexp build --rerun {full}` executes it again"
    except DamagedFile:
        pass
    return f"the result of {full} is damaged; {again} ({os.path.relpath(attempt.pickle)} {what})"

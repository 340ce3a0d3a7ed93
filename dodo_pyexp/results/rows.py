"""The rows of a table: a run's config, flattened, the scalars that it returned, its state. Nothing is unpickled."""

from __future__ import annotations

from typing import Any

from ..collection.match import plain
from ..errors import DamagedFile
from ..store import status as statuses
from ..store.digest import sum_of_bytes
from ..store.opening import read_bytes
from ..store.paths import RESULT, AttemptFolder
from ..store.record import Record, missing_part, record_of, sized
from ..store.status import FAILED, FINISHED, INTERRUPTED, RUNNING
from .result import Result
from .tally import SKIPPED, Alive

MISSING, DAMAGED = "missing", "damaged"
DEPTH = 2
_SCALARS = (str, int, float, bool)


class Row:
    """One run of the table.

    Parameters
    ----------
    name
        The name of the run.
    config
        Its config, flattened: dotted keys.
    returned
        The scalars that it returned, dotted.
    state
        ``finished``, ``failed``, ``skipped``, ``running``, ``interrupted``, ``missing`` or ``damaged``.
    cause
        Why it is not finished, in a line.
    value
        What it returned, as far as JSON holds it.
    attempt
        Name of the attempt that satisfies the run.
    made
        Hashes of the code and of the packages that it was made by; None where nobody knows.
    """

    __slots__ = ("attempt", "cause", "config", "made", "name", "returned", "state", "value")

    def __init__(
        self,
        name: str,
        config: dict[str, Any],
        returned: dict[str, Any],
        state: str = FINISHED,
        cause: str = "",
        value: Any = None,
        attempt: str | None = None,
        made: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self.name = name
        self.config = config
        self.returned = returned
        self.state = state
        self.cause = cause
        self.value = value
        self.attempt = attempt
        self.made = made

    @classmethod
    def of(cls, result: Result, alive: Alive) -> Row:
        """Read what a table needs of one result."""
        try:
            config = flatten(dict(result.cfg))
        except DamagedFile as error:
            return cls(result.name, {}, {}, DAMAGED, str(error))
        config.pop("name", None)
        if result.skipped:
            return cls(result.name, config, {}, SKIPPED, _headline(result.error).removeprefix("Skipped: "))
        attempt = result._attempt()[0]
        if attempt is None:
            return cls(result.name, config, {}, MISSING)
        status = statuses.read(attempt)
        made = status.get("code"), status.get("requirements")
        try:
            record = record_of(attempt)
        except DamagedFile:
            return cls(result.name, config, {}, DAMAGED, ".finished cannot be read", None, attempt.name, made)
        if record is not None:
            made = record.code, record.packages
        other = statuses.of_another(status, result.name, attempt)
        if other is None and record is not None:
            other = record.of_another(result.name, attempt.experiment)
        if other is not None:
            return cls(
                result.name, config, {}, DAMAGED, f"it is that of {other}, copied here", None, attempt.name, made
            )
        state, cause, value = _read(attempt, status, record, alive)
        returned = scalars(value) if state == FINISHED else {}
        return cls(result.name, config, returned, state, cause, value, attempt.name, made)


def _read(attempt: AttemptFolder, status: dict[str, Any], record: Record | None, alive: Alive) -> tuple[str, str, Any]:
    """Tell the state of an attempt, the cause if it did not finish, and what it returned."""
    state = FINISHED if record is not None else status.get("state")
    if state == FAILED:
        return FAILED, _headline(statuses.error_text(status)), None
    if state == INTERRUPTED:
        return INTERRUPTED, "", None
    if state == RUNNING:
        return (RUNNING if alive(status.get("owner"), attempt.run.path) else INTERRUPTED), "", None
    if record is not None:
        parts: tuple[Any, ...] = record.files, record.saved, record.sums, record.written
    elif state == FINISHED:
        parts = status.get("files"), status.get("saved", {}), status.get("sums", {}), status.get("written")
    else:
        return DAMAGED, "status.json cannot be read", None
    files, saved, sums, written = parts
    if not sized(*parts):
        return DAMAGED, "status.json is not whole", None
    damage = missing_part(attempt.path, files, saved, sums, written)
    if damage is not None:
        return DAMAGED, damage, None
    name = f"{RESULT}{AttemptFolder.BESIDE}"  # where the function saved a file of its own under that name
    name = name if name in files else RESULT
    if name not in files:  # JSON could not hold it
        return FINISHED, "", None
    return _read_value(f"{attempt.path}/{name}", sums.get(name))


def _read_value(path: str, expected: str | None) -> tuple[str, str, Any]:
    import json

    try:
        data = read_bytes(path)
        if expected is not None and sum_of_bytes(data) != expected:
            return DAMAGED, "result.json is not what was written", None
        return FINISHED, "", json.loads(data)
    except (OSError, ValueError, RecursionError):
        return DAMAGED, "result.json cannot be read", None


def _headline(error: str | None) -> str:
    return (error or "").lstrip().partition("\n")[0].removesuffix(": ").rstrip()  # it may have no message


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Give nested dicts as one, with dotted keys.

    Examples
    --------
    >>> flatten({"lr": 0.1, "model": {"width": 64}})
    {'lr': 0.1, 'model.width': 64}
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict) and value:
            flat.update(flatten(value, path))
        else:
            flat[path] = plain(value)
    return flat


def scalars(value: Any, depth: int = DEPTH) -> dict[str, Any]:
    """Give the numbers, texts and booleans in a return value, with dotted keys.

    Examples
    --------
    >>> scalars({"loss": 0.5, "by": {"seed": 1}, "curve": [1, 2]})
    {'loss': 0.5, 'by.seed': 1}
    >>> scalars(0.5)
    {'value': 0.5}
    """
    if isinstance(value, _SCALARS):
        return {"value": value}
    found: dict[str, Any] = {}
    if isinstance(value, dict) and "__pickled__" not in value:
        for key, item in value.items():
            if isinstance(item, _SCALARS):
                found[key] = item
            elif isinstance(item, dict) and depth > 1:
                found.update({f"{key}.{below}": deep for below, deep in scalars(item, depth - 1).items()})
    return found

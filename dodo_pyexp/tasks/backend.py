"""doit's database: a cache that may be deleted, cut off or shared without harm.

Implements: docs/how-it-works.md, "Who does what": doit writes its database only when it ends, and one value that JSON
cannot hold loses everything. Here values are written as they come, at most once a second, and one that cannot be
written is left out. Nothing of pyexp's is only here.

Any doit project can use it: ``DOIT_CONFIG = {"backend": "pyexp", "dep_file": "out/.doit.db"}``.
"""

from __future__ import annotations

import functools
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..printable import printable

if TYPE_CHECKING:
    from types import FrameType

CHECKPOINT_SECONDS = 1.0


class Backend:
    """A doit backend in one sqlite file, made when there is something to write.

    Parameters
    ----------
    name
        Path of the file.
    codec
        doit's encoder; not needed.
    """

    desc = "sqlite, written as the build goes on, tolerant of damage"

    def __init__(self, name: str, codec: Any = None, **_: Any) -> None:
        self.name = name
        self._data: dict[str, dict[str, Any] | str] = self._load()
        self._dirty: set[str] = set()
        self._clear = False
        self._saved = time.monotonic()

    def _load(self) -> dict[str, dict[str, Any] | str]:
        if not os.path.isfile(self.name):  # sqlite would wait for ever where a named pipe stands in its place
            return {}
        try:
            connection = sqlite3.connect(f"file:{self.name}?mode=ro", uri=True, timeout=5)
            try:
                return dict(connection.execute("select task, data from tasks"))
            finally:
                connection.close()
        except sqlite3.Error:
            return {}

    def _task(self, task_id: str) -> dict[str, Any] | None:
        data = self._data.get(task_id)
        if isinstance(data, str):
            data = self._data[task_id] = _decode(data)
        return data

    def get(self, task_id: str, dependency: str) -> Any:
        """Give one value, or None."""
        data = self._data.get(task_id)
        if data is None:
            return None
        if isinstance(data, str):
            data = _decode_shared(data)
        return data.get(dependency)

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Keep one value."""
        data = self._task(task_id)
        if data is None:
            data = self._data[task_id] = {}
        if data.get(dependency, _MISSING) == value:
            return
        data[dependency] = value
        self._touch(task_id)

    def in_(self, task_id: str) -> bool:
        """Tell whether anything is known of a task."""
        return task_id in self._data

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        _forget_records(sys._getframe(1))
        if self._data.pop(task_id, None) is not None:
            self._touch(task_id)

    def remove_all(self) -> None:
        """Forget everything."""
        _forget_records(sys._getframe(1))
        self._data.clear()
        self._clear = True
        self._touch("")

    def _touch(self, task_id: str) -> None:
        self._dirty.add(task_id)
        if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self.dump()

    def dump(self) -> None:
        """Write what has changed."""
        self._saved = time.monotonic()
        if not self._dirty:
            return
        rows, gone = [], []
        for task_id in self._dirty:
            data = self._task(task_id)
            if data is None:
                gone.append((task_id,))
            else:
                rows.append((task_id, _encode(data)))
        try:
            self._write(rows, gone)
        except (OSError, sqlite3.Error):
            self._write_anew(rows, gone)
        self._dirty.clear()
        self._clear = False

    def _write(self, rows: list[tuple[str, str]], gone: list[tuple[str]]) -> None:
        folder = os.path.dirname(self.name)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if os.path.lexists(self.name) and not os.path.isfile(self.name):
            os.unlink(self.name)
        connection = sqlite3.connect(self.name, timeout=10)
        try:
            with connection:
                connection.execute("create table if not exists tasks (task text primary key, data text not null)")
                if self._clear:
                    connection.execute("delete from tasks")
                connection.executemany("delete from tasks where task = ?", gone)
                connection.executemany("insert or replace into tasks values (?, ?)", rows)
        finally:
            connection.close()

    def _write_anew(self, rows: list[tuple[str, str]], gone: list[tuple[str]]) -> None:
        """Replace a damaged file; one that cannot be written at all is done without."""
        try:
            os.unlink(self.name)
            self._write(rows, gone)
        except (OSError, sqlite3.Error) as error:
            why = (isinstance(error, OSError) and error.strerror) or error
            print(
                printable(f"pyexp: {self.name} cannot be written ({why}); the build goes on without it"),
                file=sys.stderr,
            )


_MISSING = object()


def _decode(data: str) -> dict[str, Any]:
    """Decode a task's values; none when they are damaged."""
    try:
        decoded = json.loads(data)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


#: For reading only: most tasks of an experiment have the very same values.
_decode_shared = functools.lru_cache(maxsize=256)(_decode)


def _encode(data: dict[str, Any]) -> str:
    """Encode a task's values, leaving out what JSON cannot hold."""
    try:
        return json.dumps(data)
    except (TypeError, ValueError):
        kept = {}
        for key, value in data.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError):
                continue
            kept[key] = value
        return json.dumps(kept)


def _forget_records(caller: FrameType | None) -> None:
    """Take away the records of the runs that doit's command is about to forget; the attempts stay.

    Parameters
    ----------
    caller
        Whoever asks the database to forget: of anybody but that command nothing is done.
    """
    if caller is None or caller.f_globals.get("__name__") != "doit.cmd_forget":
        return
    named = caller.f_locals.get("task")
    command: Any = caller.f_locals.get("self")
    tasks: Iterable[Any] = getattr(command, "task_list", ()) if named is None else [named]
    for task in tasks:
        for record in getattr(task, "records", ()):
            try:
                os.unlink(record)
            except FileNotFoundError:
                continue
            except OSError as error:
                print(f"{task.name} is not forgotten: {record}: {error.strerror}", file=sys.stderr)

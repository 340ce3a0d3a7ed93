"""Pickling what is defined in a script or in a session: by the script's own name, and by value where there is no file.

A module of its own, for it imports cloudpickle, which most runs do without.
"""

from __future__ import annotations

import io
import sys
from collections import ChainMap
from collections.abc import Callable
from functools import _lru_cache_wrapper, lru_cache
from pkgutil import resolve_name
from types import CodeType, FunctionType
from typing import Any, ClassVar

import cloudpickle

from ..main_module import NAMES, script

_TABLE = cloudpickle.Pickler.dispatch_table


def portable_dumps(value: Any, *, restore: Callable[[str, bytes], Any] | None = None) -> bytes:
    """Pickle `value` so that no other process looks for anything in its own ``__main__``.

    Parameters
    ----------
    value
        What to pickle.
    restore
        Add copies of the script's classes, for those who cannot import it, and this, which then makes the class.
    """
    file = io.BytesIO()
    pickler = _Pickler(file, protocol=5)
    pickler.restore = restore
    pickler.dump(value)
    return file.getvalue()


def _copy(value: type) -> bytes | None:
    """Pickle a class of the script by value; None if that cannot be done, say because a method uses a lock."""
    module = sys.modules[value.__module__]
    try:
        cloudpickle.register_pickle_by_value(module)
        try:
            copy: bytes = cloudpickle.dumps(value, protocol=5)
        finally:
            cloudpickle.unregister_pickle_by_value(module)
    except Exception:  # pickling runs the user's own code
        return None
    return copy


def _reduce_code(code: CodeType) -> tuple[Any, tuple[Any, ...]]:
    """Keep the name of the file that code comes from.

    Newer cloudpickle writes `<dynamic-code>` in its place, and tracebacks of the other process would lead nowhere.
    """
    make, arguments = _TABLE[CodeType](code)
    written = make(*arguments).co_filename
    return make, tuple(code.co_filename if argument == written else argument for argument in arguments)


def _cached(maxsize: int | None, typed: bool, fn: Any) -> Any:
    return lru_cache(maxsize, typed)(fn)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    dispatch_table: ClassVar[Any] = ChainMap({CodeType: _reduce_code}, _TABLE)

    restore: Any = None

    def reducer_override(self, obj: Any) -> Any:
        """Let what the script defines be found by the script's own name."""
        if type(obj) is _lru_cache_wrapper and obj.__module__ == "__main__" and script() is None:
            # It would be looked for by its name; it gets an empty cache there.
            return _cached, (*obj.cache_parameters().values(), obj.__wrapped__)
        is_class = issubclass(type(obj), type)
        if is_class or type(obj) is FunctionType:
            main = sys.modules["__main__"]
            found = script() if obj.__module__ in (*NAMES, main.__name__) else None
            address = None if found is None else found.address(obj)
            if address is not None:
                copy = _copy(obj) if self.restore is not None and is_class else None
                return (resolve_name, (address,)) if copy is None else (self.restore, (address, copy))
        return super().reducer_override(obj)

"""What differs between the outcomes of two attempts: return values key by key, and saved files.

Numbers may differ a little and still count as the same; everything else must be equal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from ..interchange import as_json
from ..printable import apart
from ..store.digest import file_digest, saved_files
from ..store.opening import read_bytes
from ..store.paths import AttemptFolder
from .pickling import dumps

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b", re.IGNORECASE)
_TEXT_LIMIT = 20_000_000
ABSENT = "(none)"
_LONGEST = 60
_TOLD = (str, int, float, dict, list, tuple, type(None))  # values that JSON has; of others, the words have to do


@dataclass(frozen=True)
class Difference:
    """One value or file that is not the same.

    Parameters
    ----------
    key
        The dotted key of the value, or the path of the file.
    before, after
        What there is, in words.
    close
        They are numbers, or files that differ only in numbers, within the tolerance.
    values
        What there is, for programs: ``before`` and ``after``, without the one that is not there.
    """

    key: str
    before: str
    after: str
    close: bool = False
    values: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.key} {self.before} -> {self.after}" if self.before or self.after else self.key

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form: values with their types; what is not there, is not there."""
        words = {"before": self.before, "after": self.after}
        values = {side: text for side, text in words.items() if text} if self.values is None else self.values
        told = {side: as_json(value) if isinstance(value, _TOLD) else words[side] for side, value in values.items()}
        return {"key": self.key, **told, "close": self.close}


def compare_values(before: Any, after: Any, tolerance: float = 0.0) -> list[Difference]:
    """Compare return values; what lies in dicts and lists is compared one by one.

    Examples
    --------
    >>> [str(one) for one in compare_values({"a": 1.0, "b": [1, 2]}, {"a": 1.5, "b": [1, 3]})]
    ['a 1.0 -> 1.5', 'b.1 2 -> 3']
    >>> compare_values(1.0, 1.0 + 1e-9, 1e-6)[0].close
    True
    """
    return list(_values("", before, after, tolerance))


def compare_files(before: AttemptFolder, after: AttemptFolder, tolerance: float = 0.0) -> list[Difference]:
    """Compare the files that the functions saved."""
    old, new = dict(saved_files(before)), dict(saved_files(after))
    found: list[Difference] = []
    for name in sorted({*old, *new}):
        if name not in new or name not in old:
            there = "saved" if name in old else ABSENT
            found.append(Difference(name, there, ABSENT if name in old else "saved"))
        elif file_digest(old[name]) != file_digest(new[name]):
            close = tolerance > 0 and _close_files(old[name], new[name], tolerance)
            found.append(Difference(name, "", "", close))
    return found


def close_numbers(before: float, after: float, tolerance: float) -> bool:
    """Tell whether two numbers are the same up to a relative tolerance; near zero, up to an absolute one."""
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) and math.isnan(after)
    return math.isclose(before, after, rel_tol=tolerance, abs_tol=tolerance)


def _values(key: str, before: Any, after: Any, tolerance: float) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for part in {**before, **after}:
            inner = f"{key}.{part}" if key else str(part)
            if part not in after or part not in before:
                sides = {side: told[part] for side, told in (("before", before), ("after", after)) if part in told}
                yield Difference(inner, _said(before, part), _said(after, part), values=sides)
            else:
                yield from _values(inner, before[part], after[part], tolerance)
    elif isinstance(before, (list, tuple)) and type(before) is type(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _values(f"{key}.{index}" if key else str(index), one, other, tolerance)
    elif not _same(before, after):
        close = tolerance > 0 and _close(before, after, tolerance)
        old, new = apart(_text(before), _text(after), _LONGEST)
        if old == new:
            old = new = f"{type(before).__name__}"
        yield Difference(key or "value", old, new, close, {"before": before, "after": after})


def _said(values: dict[Any, Any], key: Any) -> str:
    return _short(values[key]) if key in values else ABSENT


def _same(before: Any, after: Any) -> bool:
    """Tell whether two values are equal and of one type; not-a-number equals itself."""
    if type(before) is not type(after):
        return False
    if isinstance(before, float):
        return before == after or (before != before and after != after)
    try:
        if dumps(before) == dumps(after):
            return True
    except Exception:  # pickling runs the value's own code
        pass
    if _is_array(before):
        return bool(_numpy_equal(before, after))
    try:
        return bool(before == after)
    except Exception:  # and so does comparing
        return False


def _close(before: Any, after: Any, tolerance: float) -> bool:
    if isinstance(before, bool) or isinstance(after, bool):
        return False
    if _is_array(before) and _is_array(after):
        return bool(_numpy_close(before, after, tolerance))
    before, after = _plain(before), _plain(after)
    if isinstance(before, Real) and isinstance(after, Real):
        return close_numbers(float(before), float(after), tolerance)
    return False


def _plain(value: Any) -> Any:
    """Give the number in what has no dimensions."""
    if not isinstance(value, Real) and getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    return value


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "dtype") and getattr(value, "ndim", 0) > 0


def _numpy_equal(before: Any, after: Any) -> bool:
    import numpy

    if before.dtype != after.dtype or before.shape != after.shape:
        return False
    floats = before.dtype.kind in "fc"
    return bool(numpy.array_equal(before, after, equal_nan=floats))


def _numpy_close(before: Any, after: Any, tolerance: float) -> bool:
    import numpy

    if before.shape != after.shape or not {before.dtype.kind, after.dtype.kind} <= set("iufc"):
        return False
    return bool(numpy.allclose(before, after, rtol=tolerance, atol=tolerance, equal_nan=True))


def _close_files(before: str, after: str, tolerance: float) -> bool:
    """Tell whether files differ only in numbers, and those only within the tolerance."""
    if before.endswith((".npy", ".npz")):
        return _close_arrays(before, after, tolerance)
    try:
        texts = read_bytes(before, _TEXT_LIMIT).decode(), read_bytes(after, _TEXT_LIMIT).decode()
    except (OSError, UnicodeDecodeError):
        return False
    if "\0" in texts[0] or "\0" in texts[1] or _NUMBER.split(texts[0]) != _NUMBER.split(texts[1]):
        return False
    pairs = zip(_NUMBER.findall(texts[0]), _NUMBER.findall(texts[1]), strict=True)
    return all(old == new or close_numbers(float(old), float(new), tolerance) for old, new in pairs)


def _close_arrays(before: str, after: str, tolerance: float) -> bool:
    try:
        import numpy

        old, new = numpy.load(before, allow_pickle=False), numpy.load(after, allow_pickle=False)
        if before.endswith(".npy"):
            return _numpy_close(old, new, tolerance)
        return sorted(old.files) == sorted(new.files) and all(
            _numpy_equal(old[name], new[name]) or _numpy_close(old[name], new[name], tolerance) for name in old.files
        )
    except Exception:  # no numpy here, or no such file
        return False


def _short(value: Any) -> str:
    """Write a value in a few words."""
    return apart(_text(value), "", _LONGEST)[0]


def _text(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # the value's own code
        text = type(value).__name__
    return " ".join(text.split())

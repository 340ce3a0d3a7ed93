"""Plain constants: values whose text says all about them.

Implements: docs/how-it-works.md, "What code counts".
"""

from __future__ import annotations

_KINDS = frozenset((type(None), bool, int, float, complex, str, bytes, type(...)))


def is_plain(value: object) -> bool:
    """Tell whether a value is a number, a text, or the like; containers are not."""
    return type(value) in _KINDS


def plain_text(value: object, root: str) -> str | None:
    """Write a constant so that equal text means the same constant; None if it is none.

    Tuples and frozensets of constants are constants too. The folder `root` is left out of texts: projects move.

    Examples
    --------
    >>> plain_text((1, "/home/ann/project/data"), "/home/ann/project")
    "tuple(int 0x1,str '/data')"
    >>> plain_text([], "/") is None
    True
    """
    kind = type(value)
    if kind is tuple or kind is frozenset:
        texts = [plain_text(one, root) for one in value]  # type: ignore[attr-defined]  # iterable by its kind
        known = [text for text in texts if text is not None]
        if len(known) < len(texts):
            return None
        return f"{kind.__name__}({','.join(known if kind is tuple else sorted(known))})"
    if kind not in _KINDS:
        return None
    if isinstance(value, str) and len(root) > 1:
        value = value.replace(root, "")
    return f"{kind.__name__} {hex(value) if type(value) is int else repr(value)}"

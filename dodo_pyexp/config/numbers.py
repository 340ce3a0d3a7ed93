"""Numbers as YAML 1.2 writes them, read from text."""

from __future__ import annotations

from ..errors import ConfigError

MOST_DIGITS = 3_500  # digits of a whole number, in any base: Python refuses to write more than 4,300 decimal ones


def whole(text: str) -> int:
    """Read a whole number: decimal, ``0o17`` or ``0x1f``.

    Raises
    ------
    ConfigError
        It is too long to be one that anybody means.

    Examples
    --------
    >>> whole("-12"), whole("0x1f")
    (-12, 31)
    """
    digits = text.lstrip("+-")
    if len(digits) > MOST_DIGITS:
        raise ConfigError(f"is a whole number of {len(digits):,} digits; quote it if it is meant as text")
    return (-1 if text[0] == "-" else 1) * int(digits, {"0o": 8, "0x": 16}.get(digits[:2], 10))


def floating(text: str) -> float:
    """Read a number with a point or an exponent, an infinity, or not-a-number."""
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

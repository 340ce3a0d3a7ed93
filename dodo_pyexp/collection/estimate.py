"""`Estimate`: what several measurements of one quantity say about it.

The interval is that of Student's t distribution, whose quantile is found here from its own formulas: no more than
Python is needed.
"""

from __future__ import annotations

from math import atan, cos, fsum, inf, isfinite, isnan, nan, pi, sin, sqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EXACT = 200  # degrees of freedom up to which the distribution is summed; beyond, a series in their inverse is as good


class Estimate:
    """Mean, standard deviation and 95 % confidence interval of the mean.

    Attributes
    ----------
    n
        How many measurements there are.
    mean
        Their mean.
    sd
        Their standard deviation (with ``n - 1``); not a number where there is only one.
    low, high
        The interval that holds the true mean with 95 % confidence, if the measurements are normally distributed; not a
        number where there is only one.

    Examples
    --------
    >>> print(Estimate([0.90, 0.92, 0.94]))
    0.92 ± 0.04968 (n=3)
    """

    __slots__ = ("high", "low", "mean", "n", "sd")

    def __init__(self, values: Sequence[float]) -> None:
        self.n = len(values)
        self.mean = self.sd = self.low = self.high = nan
        if self.n:
            self.mean = _mean(values)
        if self.n > 1:
            off = [value - self.mean for value in values]
            self.sd = sqrt(_mean([one * one for one in off]) * (self.n / (self.n - 1)))
            half = t_quantile(self.n - 1) * self.sd / sqrt(self.n)
            self.low, self.high = self.mean - half, self.mean + half

    @property
    def half(self) -> float:
        """Half of the interval's width: what stands behind ``±``."""
        return (self.high - self.low) / 2

    def __float__(self) -> float:
        return self.mean

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Estimate) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __str__(self) -> str:
        half = "" if isnan(self.half) else f" ± {self.half:.4g}"
        return f"{self.mean:.4g}{half} (n={self.n})"

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in ("mean", "sd", "low", "high", "n"))
        return f"Estimate({said})"


def _mean(values: Sequence[float]) -> float:
    """Give the mean, also of numbers whose sum is too large, and of infinite ones."""
    if all(map(isfinite, values)):
        try:
            return fsum(values) / len(values)
        except OverflowError:
            return fsum(value / len(values) for value in values)
    return sum(values)


def t_quantile(df: int) -> float:
    """Give the 0.975 quantile of Student's t distribution: 95 % lie between minus and plus this.

    Implements: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3, 26.7.4 and 26.7.5.

    Examples
    --------
    >>> round(t_quantile(1), 4), round(t_quantile(4), 4), round(t_quantile(10**9), 4)
    (12.7062, 2.7764, 1.96)
    """
    if df > _EXACT:
        return _series(df)
    low, high = 0.0, 13.0  # above the largest, that of one degree of freedom
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _within(middle, df) < 0.95 else (low, middle)
    return (low + high) / 2


def _within(t: float, df: int) -> float:
    """Give the probability to lie between minus and plus `t`."""
    theta = atan(t / sqrt(df))
    square = cos(theta) ** 2
    term, total = 1.0, 0.0
    if df % 2:
        for step in range(1, df - 1, 2):
            term = cos(theta) if step == 1 else term * square * (step - 1) / step
            total += term
        return 2 / pi * (theta + sin(theta) * total)
    for step in range(0, df - 1, 2):
        term = 1.0 if step == 0 else term * square * (step - 1) / step
        total += term
    return sin(theta) * total


def _series(df: float) -> float:
    """Give the quantile for many degrees of freedom, from that of the normal distribution."""
    x = 1.959963984540054
    if df == inf:
        return x
    return (
        x
        + (x**3 + x) / 4 / df
        + (5 * x**5 + 16 * x**3 + 3 * x) / 96 / df**2
        + (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384 / df**3
        + (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160 / df**4
    )

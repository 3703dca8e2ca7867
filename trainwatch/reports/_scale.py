"""The axes of a chart: from values to places on it, and where its ticks stand. Pure numbers, no drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ALONE = 0.05
"""Share of a single value that an axis shows on both sides of it."""

SMALLEST = 1e-100
"""Size below which a number is none that a chart could tell from zero."""

LARGEST = 1e100
"""Size beyond which the exact height of a number tells nothing: a larger one is drawn there."""

STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Distances of ticks, times a power of ten."""
ROUND_STEPS = (1.0, 2.0, 5.0)

BELOW = -10.0
"""Where a logarithmic axis shows what is not positive, in heights of the chart: outside it, so that a line leads there."""

_SLACK = 1e-9
"""Share of a step by which a tick may lie outside: the end of an axis is a rounded number."""


@dataclass(frozen=True)
class Scale:
    """What an axis shows.

    Attributes:
        low: Smallest value; positive if ``log``.
        high: Largest value, larger than ``low``.
        log: Whether it is logarithmic.
    """

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value stands: 0 at ``low``, 1 at ``high``."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        if value <= 0:
            return BELOW
        low = math.log10(self.low)
        return (math.log10(value) - low) / (math.log10(self.high) - low)


def around(values: Iterable[float], margin: float, *, log: bool = False) -> Scale:
    """Return the axis that shows all values.

    Args:
        values: Finite ones; on a logarithmic axis those that are not positive do not count.
        margin: Room at both ends, as a share of their range.
        log: Whether it is logarithmic.
    """
    shown = [max(v, SMALLEST) for v in values if v > 0] if log else list(values)
    if not shown:
        return Scale(1.0, 10.0, log) if log else Scale(-ALONE, ALONE)
    low, high = min(shown), max(shown)
    if log:
        if low == high:  # one decade at least
            exponent = math.log10(low)
            low, high = 10.0 ** (math.ceil(exponent) - 1), 10.0 ** (math.floor(exponent) + 1)
        room = margin * (math.log10(high) - math.log10(low))
        return Scale(10.0 ** (math.log10(low) - room), 10.0 ** (math.log10(high) + room), log)
    if high - low <= 1e-15 * max(abs(low), abs(high)):
        low, high = low - ALONE * abs(low), high + ALONE * abs(high)
    if max(abs(low), abs(high)) < SMALLEST:
        low, high = -ALONE, ALONE
    room = margin * (high - low)
    return Scale(low - room, high + room)


def even(scale: Scale, parts: int, steps: Sequence[float] = STEPS, *, whole: bool = False) -> list[float]:
    """Return ticks at multiples of one step: the smallest that divides the axis into at most so many parts.

    Args:
        scale: The axis.
        parts: Parts at most, unless there would be less than two ticks.
        steps: Steps to choose from, times a power of ten.
        whole: Whole numbers only.
    """
    smallest = (scale.high - scale.low) / parts
    power = math.floor(math.log10(smallest))
    sizes = [s * 10.0**k for k in (power - 1, power, power + 1) for s in steps]
    if whole:
        sizes = [s for s in sizes if s >= 1 and s == round(s)] or [1.0]
    upto = next((i for i, s in enumerate(sizes) if s >= smallest * (1 - _SLACK)), len(sizes) - 1)
    ticks: list[float] = []
    for step in reversed(sizes[: upto + 1]):
        ticks = multiples(scale, step)
        if len(ticks) > 1:
            break
    return ticks


def multiples(scale: Scale, step: float) -> list[float]:
    """Return the multiples of a step that the axis shows."""
    first, last = math.ceil(scale.low / step - _SLACK), math.floor(scale.high / step + _SLACK)
    return [k * step for k in range(first, last + 1)]


def decades(scale: Scale, most: int) -> list[float]:
    """Return powers of ten that a logarithmic axis shows, every second, third ... if there are more than ``most``."""
    first = math.ceil(math.log10(scale.low) - _SLACK)
    last = math.floor(math.log10(scale.high) + _SLACK)
    stride = max((last - first + 1) // (most + 1) + 1, 1)
    return [10.0**k for k in range(first + -first % stride, last + 1, stride)]


def of_each_decade(scale: Scale, factors: Sequence[float] = ROUND_STEPS) -> list[float]:
    """Return the multiples of the powers of ten that a logarithmic axis shows."""
    first, last = math.floor(math.log10(scale.low)), math.floor(math.log10(scale.high))
    every = [f * 10.0**k for k in range(first, last + 1) for f in factors]
    return [v for v in every if scale.low * (1 - _SLACK) <= v <= scale.high * (1 + _SLACK)]

"""How durations are written."""

from __future__ import annotations

UNITS = (("min", "s", 60, 60 * 60), ("h", "min", 60 * 60, 48 * 60 * 60), ("d", "h", 24 * 60 * 60, None))
"""Unit, its smaller one, seconds of the unit, and seconds from which the next unit is used."""
PART = {"s": 1, "min": 60, "h": 60 * 60}
"""Seconds of the smaller units."""
A_MINUTE = 59.95
"""Seconds that three digits write as 60."""


def duration(seconds: float) -> str:
    """Write a duration in the two units that a person would say (``42 s``, ``7 min 30 s``, ``6 h 12 min``, ``3 d 2 h``)."""
    if seconds < A_MINUTE:
        return f"{seconds:.3g} s"
    large, small, size, _ = next(u for u in UNITS if u[3] is None or round(seconds / PART[u[1]]) * PART[u[1]] < u[3])
    whole, rest = divmod(round(seconds / PART[small]), size // PART[small])
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"

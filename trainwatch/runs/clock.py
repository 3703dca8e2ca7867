"""How durations are written."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Write a duration with two or three significant digits (``42 s``, ``7.5 min``, ``6.2 h``, ``3.1 d``)."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size or (unit != "d" and seconds >= size):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"

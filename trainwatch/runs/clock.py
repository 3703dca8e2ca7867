"""How durations are written."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Write a duration in the two units that a person would say (``42 s``, ``7 min 30 s``, ``6 h 12 min``, ``3 d 2 h``)."""
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    for large, size, small, part in (("min", 60, "s", 1), ("h", 3600, "min", 60), ("d", 86400, "h", 3600)):
        whole, rest = divmod(round(seconds / part), size // part)
        if large == "d" or whole < (60 if large == "min" else 48):
            break
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"

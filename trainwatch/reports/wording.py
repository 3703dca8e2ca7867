"""How values are put into words on every output: shapes of the verdict, sizes, numbers, places."""

from __future__ import annotations

import math
from typing import Any

from trainwatch.result import Analysis, Quantity, Where

STATUS_SHAPE = {
    "crashed": "▲", "diverged": "▲", "stalled": "■", "degraded": "■", "incomplete": "○", "healthy": "●", "unknown": "○",
}  # fmt: skip
"""Meaning is never told by colour alone."""

SEVERITY_SHAPE = {"critical": "▲", "warning": "■", "info": "●"}

SOURCES = {"trainwatch": "our own recording", "ultralytics-csv": "results.csv and args.yaml"}


def number(value: float) -> str:
    """Write a number with four significant digits."""
    if not math.isfinite(value):
        return repr(value)
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 10000 else f"{value:.0f}"


def quantity(value: Quantity | None) -> str:
    """Write a number with its unit, bytes in binary units; empty for None."""
    if value is None:
        return ""
    unit = value.unit
    if unit.startswith("bytes"):
        return size(value.value) + unit.removeprefix("bytes").replace("/", " per ")
    return f"{number(value.value)} {unit}".strip()


def size(count: float) -> str:
    """Write bytes in GiB, MiB or kiB."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("kiB", 2**10)):
        if abs(count) >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} bytes"


def place(where: Where | None, analysis: Analysis) -> str:
    """Write a place as the user's tool counts."""
    if where is None:
        return ""
    parts = []
    if where.epoch is not None:
        parts.append(f"epoch {where.epoch + analysis.page.first_epoch}")
    if where.step is not None:
        parts.append(f"step {where.step}")
    return ", ".join(parts)


def percent(confidence: float) -> str:
    """Write a confidence."""
    return f"{100 * confidence:.0f} %"


def change_value(value: Any) -> str:
    """Write an argument's value; None is "not set"."""
    return "not set" if value is None else str(value)

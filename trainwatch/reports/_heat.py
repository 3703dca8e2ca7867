"""A panel of many like curves as a heat map: one row per curve, colour for height. For gradient norms per layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from trainwatch.result import Panel

LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
"""Percentiles at which the colours end, so that one spike does not turn the rest into one colour."""

MAP = "cividis"
"""Dark to light in both themes, and the same to people who see fewer colours (Nunez, Anderton, Renslow 2018)."""


def draw(axes: Any, panel: Panel, shift: float, ink: str, bad: str, say: Callable[[str], str] = str) -> None:
    """Draw into matplotlib axes; rows from top to bottom as the curves come.

    Args:
        axes: The axes.
        panel: Curves over one axis of steps or epochs.
        shift: Added to x.
        ink: Colour of words.
        bad: Colour of values that are not finite.
        say: Translates the legend.
    """
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    x, grid, nonfinite = cells(panel)
    finite = grid[np.isfinite(grid) & (grid > 0)] if panel.log else grid[np.isfinite(grid)]
    if not finite.size:
        return
    low, high = np.percentile(finite, [LOW_PERCENT, HIGH_PERCENT])
    scale = (LogNorm if panel.log and low < high else Normalize)(low, high if high > low else low + 1.0)
    image = colormaps[MAP](scale(np.ma.masked_invalid(grid)))  # (rows, buckets, RGBA) of floats
    image[~np.isfinite(grid)] = 0.0  # nothing was measured: the ground shows
    step = (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0
    left, right, rows = x[0] + shift, x[-1] + step + shift, len(grid)
    axes.imshow(
        (255 * image).round().astype(np.uint8), aspect="auto", interpolation="none", extent=(left, right, rows, 0)
    )
    for row, places in enumerate(nonfinite):
        if places:
            axes.plot([p + shift for p in places], [row + 0.5] * len(places), "|", color=bad, markersize=4)
    shown = range(0, rows, max(1, math.ceil(rows / 12)))
    axes.set_yticks([i + 0.5 for i in shown], [_short(panel.curves[i].name) for i in shown])
    _legend(axes, low, high, ink, say)


def cells(panel: Panel) -> tuple[list[float], Any, Sequence[tuple[float, ...]]]:
    """Return x of the columns, the medians as an array of shape (rows, columns), and the non-finite x of each row."""
    import numpy as np

    x = sorted({v for c in panel.curves for v in c.x})
    column = {v: i for i, v in enumerate(x)}
    grid = np.full((len(panel.curves), len(x)), np.nan)
    for row, curve in enumerate(panel.curves):
        for place, value in zip(curve.x, curve.mid, strict=True):
            grid[row, column[place]] = np.nan if value is None else value
    return x, grid, [c.nonfinite for c in panel.curves]


def _legend(axes: Any, low: float, high: float, ink: str, say: Callable[[str], str]) -> None:
    """Write what the ends of the colours mean; a bar of its own would take a tenth of the width."""
    from trainwatch.reports.wording import number

    axes.annotate(
        "\n".join((say(f"dark {number(low)}"), say(f"light {number(high)}"))),
        (1.008, 0.5), xycoords="axes fraction", va="center", fontsize=7.5, color=ink,
    )  # fmt: skip


def _short(name: str, limit: int = 14) -> str:
    return name if len(name) <= limit else "…" + name[1 - limit :]

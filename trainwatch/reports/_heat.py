"""A panel of many like curves as a heat map: one row per curve, colour for height. For gradient norms per layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from trainwatch.result import Panel

LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
"""Percentiles at which the colours end, so that one spike does not turn the rest into one colour."""

MILLIONTH = 1e-6
"""Share of the top that is the bottom of a logarithmic map at least: what is smaller is nothing beside the rest."""

MAP = "cividis"
"""Dark to light in both themes, and the same to people who see fewer colours (Nunez, Anderton, Renslow 2018)."""


HATCH = 10 * "/"
"""Tells a cell without a value from any colour of the map, also on paper."""


def draw(
    axes: Any, panel: Panel, shift: float, ink: str, muted: str, bad: str, say: Callable[[str], str] = str
) -> None:
    """Draw into matplotlib axes; rows from top to bottom as the curves come.

    Args:
        axes: The axes.
        panel: Curves over one axis of steps or epochs.
        shift: Added to x.
        ink: Colour of words.
        muted: Colour of the hatch where nothing finite was measured.
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
    log = panel.log and low < high
    floor = high * MILLIONTH if log else low
    low = max(low, floor) if log else low
    scale = (LogNorm if log else Normalize)(low, high if high > low else low + 1.0)
    missing = ~np.isfinite(grid)
    # A zero has no logarithm; it is the smallest there is.
    image = colormaps[MAP](
        scale(np.where(missing, low, np.maximum(grid, low) if log else grid))
    )  # (rows, buckets, RGBA)
    image[missing] = 0.0
    step = (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0
    left, right, rows = x[0] + shift, x[-1] + step + shift, len(grid)
    axes.imshow(
        (255 * image).round().astype(np.uint8), aspect="auto", interpolation="none", extent=(left, right, rows, 0)
    )
    for row, first, last in _gaps(missing):
        span = [x[first] + shift, min(x[last] + step + shift, right)]
        axes.fill_between(span, row, row + 1, facecolor="none", edgecolor=muted, hatch=HATCH, linewidth=0)
    for row, places in enumerate(nonfinite):
        if places:
            axes.plot([p + shift for p in places], [row + 0.5] * len(places), "|", color=bad, markersize=4)
    shown = range(0, rows, max(1, math.ceil(rows / 12)))
    axes.set_yticks([i + 0.5 for i in shown], [_short(panel.curves[i].name) for i in shown])
    bottom = ("dark: less than", "a millionth of it") if log and low == floor else (f"dark: {_plain(low)}", "or less")
    words = (f"light: {_plain(high)}", "or more", *bottom, *(("hatched:", "no value") if missing.any() else ()))
    # A bar of its own would take a tenth of the width.
    axes.annotate(
        "\n".join(map(say, words)), (1.008, 0.5), xycoords="axes fraction", va="center", fontsize=7.5, color=ink
    )


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


def _gaps(missing: Any) -> list[tuple[int, int, int]]:
    """Return row, first and last column of every stretch without a value."""
    import numpy as np

    found = []
    for row, line in enumerate(missing):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], line, [False])).astype(np.int8)))
        found += [(row, int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return found


def _plain(value: float) -> str:
    """Write a number with one or two digits that say something, without an exponent where that is short."""
    import numpy as np

    if value and not 1e-6 <= abs(value) < 1e6:
        return f"{value:.0e}"
    return np.format_float_positional(float(f"{value:.2g}"), trim="-")


def _short(name: str, limit: int = 14) -> str:
    return name if len(name) <= limit else "…" + name[1 - limit :]

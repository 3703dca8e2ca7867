"""A panel of many like curves as a heat map: one row per curve, colour for height. For gradient norms per layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainwatch.reports._svg import png
from trainwatch.result import Panel

LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
"""Percentiles at which the colours end, so that one spike does not turn the rest into one colour."""

COLOURS = 255
"""Steps of colour: a palette holds 256, and one is clear."""

MAP = {
    0: "00224e", 19: "00306f", 21: "003170", 23: "013271", 28: "123570", 34: "1e3a6f", 43: "2b406d", 52: "36466c",
    66: "45506c", 84: "565c6d", 107: "6b6d72", 126: "7b7a78", 147: "8f8a78", 179: "aea371", 205: "c9b965", 219: "d9c55c",
    232: "e7d150", 243: "f3db42", 251: "fde334", 255: "fee838",
}  # fmt: skip
"""cividis by places of 256, straight between them: dark to light in both themes, and the same to people who see fewer
colours (Nunez, Anderton, Renslow 2018)."""


def picture(grid: Any, log: bool) -> tuple[bytes, float, float] | None:
    """Return the cells as a PNG of one pixel each, and the values of the darkest and the lightest colour.

    Args:
        grid: Values, shape (rows, columns); what is not finite is clear.
        log: Whether colours follow the logarithm; what is not positive is then the darkest.

    Returns:
        None if there is no value that a colour could stand for.
    """
    import numpy as np

    known = np.isfinite(grid)
    finite = grid[known & (grid > 0)] if log else grid[known]
    if not finite.size:
        return None
    low, high = (float(v) for v in np.percentile(finite, [LOW_PERCENT, HIGH_PERCENT]))
    top = high if high > low else low + 1.0
    if log and high > low:
        share = np.log(np.maximum(np.where(known, grid, low), low) / low) / np.log(top / low)
    else:
        share = (np.where(known, grid, low) - low) / (top - low)
    colour = np.where(known, 1 + np.clip(share * COLOURS, 0, COLOURS - 1).astype(np.uint8), np.uint8(0))
    return png([row.astype(np.uint8).tobytes() for row in colour], [(0, 0, 0), *palette()]), low, high


def palette() -> list[tuple[int, int, int]]:
    """Return the colours from dark to light."""
    import numpy as np

    places = np.linspace(0, max(MAP), COLOURS)
    parts = [[int(text[i : i + 2], 16) for text in MAP.values()] for i in (0, 2, 4)]
    red, green, blue = (np.interp(places, list(MAP), part).round().astype(int).tolist() for part in parts)
    return list(zip(red, green, blue, strict=True))


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

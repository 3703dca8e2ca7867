"""A panel of many like curves as a heat map: one row per curve, colour for height. For gradient norms per layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from trainwatch.reports._scale import LARGEST
from trainwatch.reports._svg import png
from trainwatch.result import Panel

LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
"""Percentiles at which the colours end, so that one spike does not turn the rest into one colour."""

MILLIONTH = 1e-6
"""Share of the top that is the bottom of a logarithmic map at least: what is smaller is nothing beside the rest."""

COLOURS = 255
"""Steps of colour: a palette holds 256, and one is clear."""

MAP = {
    0: "00224e", 19: "00306f", 21: "003170", 23: "013271", 28: "123570", 34: "1e3a6f", 43: "2b406d", 52: "36466c",
    66: "45506c", 84: "565c6d", 107: "6b6d72", 126: "7b7a78", 147: "8f8a78", 179: "aea371", 205: "c9b965", 219: "d9c55c",
    232: "e7d150", 243: "f3db42", 251: "fde334", 255: "fee838",
}  # fmt: skip
"""cividis by places of 256, straight between them: dark to light in both themes, and the same to people who see fewer
colours (Nunez, Anderton, Renslow 2018)."""


class Picture(NamedTuple):
    """The cells of a heat map, and what its legend tells of them.

    Attributes:
        png: One pixel a cell; one without a value is clear.
        low: Value of the darkest colour; what is smaller has it, too.
        high: Value of the lightest colour.
        floored: Whether ``low`` is a share of ``high``, and no percentile.
        gaps: Whether a cell has no value.
    """

    png: bytes
    low: float
    high: float
    floored: bool
    gaps: bool


def picture(grid: Any, log: bool) -> Picture | None:
    """Return the cells as a picture, or nothing if there is no value that a colour could stand for.

    Args:
        grid: Values, shape (rows, columns); what is not finite is clear.
        log: Whether colours follow the logarithm; what is not positive is then the darkest.
    """
    import numpy as np

    known = np.isfinite(grid)
    grid = np.clip(grid, -LARGEST, LARGEST)
    finite = grid[known & (grid > 0)] if log else grid[known]
    if not finite.size:
        return None
    low, high = (float(v) for v in np.percentile(finite, [LOW_PERCENT, HIGH_PERCENT]))
    log = log and low < high
    floored = log and low < high * MILLIONTH
    low = high * MILLIONTH if floored else low
    top = high if high > low else low + max(1.0, abs(low))
    filled = np.where(known, grid, low)
    share = np.log(np.maximum(filled, low) / low) / np.log(top / low) if log else (filled - low) / (top - low)
    colour = np.where(known, 1 + np.clip(share * COLOURS, 0, COLOURS - 1).astype(np.uint8), np.uint8(0))
    made = png([row.astype(np.uint8).tobytes() for row in colour], [(0, 0, 0), *palette()])
    return Picture(made, low, high, floored, not bool(known.all()))


def legend(made: Picture) -> list[str]:
    """Return the lines that tell what the colours mean."""
    bottom = ["dark: less than", "a millionth of it"] if made.floored else [f"dark: {_plain(made.low)}", "or less"]
    return [f"light: {_plain(made.high)}", "or more", *bottom, *(["hatched:", "no value"] if made.gaps else [])]


def _plain(value: float) -> str:
    """Write a number with one or two digits that say something, without an exponent where that is short."""
    import numpy as np

    if value and not 1e-6 <= abs(value) < 1e6:
        return f"{value:.0e}"
    return np.format_float_positional(float(f"{value:.2g}"), trim="-")


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

"""Panels for uPlot: what the page's script needs to draw a chart that can be zoomed. The SVG stays; this comes on top.

Per panel the numbers of all its curves stand in one block: float32, shuffled by byte, gzip, base64. uPlot (MIT, its
licence beside it in ``templates/vendor``) travels in the same way.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from trainwatch.result import Curve, Panel

VENDOR: Final = Path(__file__).parent / "templates" / "vendor"
LIBRARY: Final = VENDOR / "uPlot-1.6.32.iife.min.js"
STYLE: Final = VENDOR / "uPlot-1.6.32.min.css"

KEPT_BITS: Final = 14
"""Bits of a number's fraction that are kept (of 23): 0.003 % of its size, more than a chart or four digits show."""


def panels(drawn: Sequence[Panel], first_epoch: int, say: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the document for the script: by panel id the axes, marks and curves, and the blocks of numbers.

    Args:
        drawn: The panels, printable.
        first_epoch: Added to epochs.
        say: Translates the words of axes and marks.
    """
    return {p.id: _panel(p, float(first_epoch) if p.x_unit == "epoch" else 0.0, say) for p in drawn if not p.heat}


def library() -> str:
    """Return uPlot, compressed."""
    return _packed_bytes(LIBRARY.read_bytes())


def _panel(panel: Panel, shift: float, say: Callable[[str], str]) -> dict[str, Any]:
    groups: dict[tuple[float, ...], list[Curve]] = {}
    for curve in panel.curves:
        groups.setdefault(curve.x, []).append(curve)
    return {
        "title": panel.title,
        "unit": panel.unit,
        "x": say(panel.x_unit),
        "log": panel.log,
        "limit": panel.limit,
        "marks": [[m.x + shift, m.kind, say(m.label)] for m in panel.marks if m.kind != "checkpoint"],
        "tables": [_table(x, curves, shift, say) for x, curves in groups.items()],
    }


def _table(x: tuple[float, ...], curves: Sequence[Curve], shift: float, say: Callable[[str], str]) -> dict[str, Any]:
    """Return curves over one x: rows of the block are x, then per curve its values or low, mid and high."""
    import numpy as np

    rows: list[Any] = []
    described = []
    for curve in curves:
        band = curve.points_per_bucket > 1
        rows += [curve.low, curve.mid, curve.high] if band else [curve.mid]
        described.append(
            {
                "name": curve.name,
                "lowest": say(f"{curve.name} lowest"),
                "highest": say(f"{curve.name} highest"),
                "band": band,
                "bad": [v + shift for v in curve.nonfinite],
            }
        )
    numbers = np.array([[np.nan if v is None else v for v in row] for row in rows], np.float64)
    steps = np.diff(x)
    regular = len(x) < 2 or bool((steps == steps[0]).all())
    return {
        # Steps as (first, stride) where they are regular: float32 is exact to 16 777 216 only.
        "x": [x[0] + shift, float(steps[0]) if len(x) > 1 else 1.0] if regular else [v + shift for v in x],
        "regular": regular,
        "points": len(x),
        "curves": described,
        "rows": len(rows),
        "block": _packed(numbers),
    }


def _packed(numbers: Any) -> str:
    """Return an array as base64 of gzip of its float32 bytes, all first bytes before all second ones ..."""
    import numpy as np

    with np.errstate(over="ignore"):
        bits = numbers.astype("<f4").view("<u4")
    missing = ~np.isfinite(numbers)
    step = np.uint32(1 << (23 - KEPT_BITS))
    bits = np.where(missing, np.uint32(0x7FC00000), (bits + step // 2) // step * step)
    return _packed_bytes(bits.astype("<u4").reshape(-1, 1).view(np.uint8).T.tobytes())


def _packed_bytes(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()

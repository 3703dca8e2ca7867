"""One panel as a figure for a paper or a slide: PDF, SVG or PNG, the same bytes for the same run.

The band is the true minimum and maximum of the values behind each point, so that a spike of one step in 100,000 stays
visible at any size; the line is their median. Values that are not finite are ticks at the bottom.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from typing import Any

from trainwatch.errors import TrainwatchError
from trainwatch.reports.wording import number, printable_panel, size
from trainwatch.result import Panel

FORMATS = ("pdf", "svg", "png")

SIZES = {"column": (3.5, 2.4), "page": (7.2, 3.2), "slide": (10.0, 5.0)}
"""Width and height in inches: one column (89 mm) and a whole page of usual journals, and a slide."""
UNITS = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
SMALLEST_IN, LARGEST_IN = 1.0, 40.0
PNG_DPI = 300
LETTERS_PER_INCH = 13
"""Letters of an axis label that fit beside an inch of height."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Told apart with any colour vision (Okabe and Ito 2008), and by the dash besides."""
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)))
MAX_NAMED = 8
"""Curves with a colour and a name; more are drawn thin and grey."""

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same bytes on any machine
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,  # text that editors and journals accept
    "svg.fonttype": "none",
    "svg.hashsalt": "trainwatch",
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
}

METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": "trainwatch"},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def parse_size(text: str) -> tuple[float, float]:
    """Read ``column``, ``page``, ``slide``, ``89x60mm``, ``3.5x2.4in`` or ``9x6cm`` as inches.

    Raises:
        TrainwatchError: If it is none, or no size for a figure.
    """
    if text in SIZES:
        return SIZES[text]
    match = re.fullmatch(r"(\d{1,4}(?:\.\d+)?)x(\d{1,4}(?:\.\d+)?)(in|cm|mm)", text)
    if match is None:
        raise TrainwatchError(
            f"--size {text[:40]!r}: write {', '.join(SIZES)}, or WIDTHxHEIGHT with in, cm or mm: 89x60mm"
        )
    width, height = (float(match[i]) * UNITS[match[3]] for i in (1, 2))
    if not all(SMALLEST_IN <= v <= LARGEST_IN for v in (width, height)):
        raise TrainwatchError(f"--size {text}: each side must be {SMALLEST_IN:.0f} to {LARGEST_IN:.0f} inches")
    return width, height


def draw(
    panel: Panel, format_: str, inches: tuple[float, float], *, first_epoch: int = 0, title: bool = False
) -> bytes:
    """Return the figure's bytes.

    Args:
        panel: What to draw.
        format_: ``pdf``, ``svg`` or ``png``.
        inches: Width and height.
        first_epoch: Added to epochs on the axis.
        title: Write the panel's title above; a paper has a caption instead.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panel = printable_panel(panel)
    with mpl.rc_context(STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=inches, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _draw(axes, panel, first_epoch if panel.x_unit == "epoch" else 0)
        if title:
            axes.set_title(panel.title, fontsize=8)
        out = io.BytesIO()
        figure.savefig(out, format=format_, dpi=PNG_DPI, metadata=METADATA[format_])
    return out.getvalue()


def _draw(axes: Any, panel: Panel, shift: int) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    many = len(panel.curves) > MAX_NAMED
    if panel.log and _all_positive(panel):
        axes.set_yscale("log")
    bad: set[float] = set()
    for i, curve in enumerate(panel.curves):
        colour = "#9a9a9a" if many else COLOURS[i]
        x = [v + shift for v in curve.x]
        low, mid, high = ([_drawable(v) for v in side] for side in (curve.low, curve.mid, curve.high))
        if curve.points_per_bucket > 1 and not many:
            # A line of its own under the band: a bucket is thinner than a printer's dot, its edge is not.
            axes.fill_between(
                x, low, high, facecolor=to_rgba(colour, 0.3), edgecolor=to_rgba(colour, 0.7), linewidth=0.4
            )
        lone = sum(map(math.isfinite, mid)) == 1
        dash = "-" if many else DASHES[i % len(DASHES)]
        axes.plot(
            x, mid, color=colour, linewidth=0.5 if many else 1.0, linestyle=dash, label=curve.name,
            marker="o" if lone else None, markersize=2.5,
        )  # fmt: skip
        bad.update(v + shift for v in curve.nonfinite)
    for place in sorted(bad):
        axes.plot([place, place], [0, 0.05], transform=axes.get_xaxis_transform(), color="#B00020", linewidth=0.8)
    for mark in panel.marks:
        if mark.kind == "onset":
            axes.axvline(mark.x + shift, color="#B00020", linewidth=0.6, linestyle=(0, (3, 2)))
    top = max((v for c in panel.curves for v in c.high if v is not None), default=0.0)
    if panel.limit is not None and top > panel.limit / 4:
        axes.axhline(panel.limit, color="#B00020", linewidth=0.8)
    axes.set_xlabel({"s": "time (s)"}.get(panel.x_unit, panel.x_unit))
    label = panel.title if not panel.unit or panel.unit == "bytes" else f"{panel.title} ({panel.unit})"
    axes.set_ylabel("\n".join(textwrap.wrap(label, max(int(LETTERS_PER_INCH * axes.figure.get_figheight()), 12))))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    if panel.unit == "bytes":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: size(v)))
    elif axes.get_yscale() == "log":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v)))
    axes.margins(x=0.01)
    if 1 < len(panel.curves) <= MAX_NAMED:
        axes.legend(frameon=False)


def _all_positive(panel: Panel) -> bool:
    values = [v for c in panel.curves for v in c.low if v is not None]
    return bool(values) and min(values) > 0


def _drawable(value: float | None) -> float:
    """Keep what matplotlib can scale."""
    return math.nan if value is None else min(max(value, -1e100), 1e100)

"""One panel as an inline SVG: envelope and median, non-finite ticks, marks. Works without JavaScript, follows the theme.

matplotlib draws with sentinel colours, which are then replaced by CSS variables; text stays text. Bytes are the same for
the same panel.
"""

from __future__ import annotations

import io
import math
import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from trainwatch.reports import _heat
from trainwatch.reports._svg import finish
from trainwatch.reports.wording import number, printable_panel, short, size
from trainwatch.result import Curve, Mark, Panel

Say = Callable[[str], str]
"""Translates a word or a sentence."""

WIDTH_IN, HEIGHT_IN = 9.2, 2.05
SMALL_IN = (4.5, 1.7)
NARROW_IN = (3.9, 1.9)
"""Inches at 72 units each: a narrow chart fills a phone of 390 pixels with letters of ten pixels."""

_COLOURS = {f"#0001{i:02x}": f"var(--c{i})" for i in range(8)} | {
    "#010101": "var(--ink)",
    "#020202": "var(--grid)",
    "#030303": "var(--muted)",
    "#040404": "var(--bad)",
    "#050505": "var(--mark)",
}
_INK, _GRID, _MUTED, _BAD, _MARK = "#010101", "#020202", "#030303", "#040404", "#050505"
_SERIES = [f"#0001{i:02x}" for i in range(8)]
_DASHES = ["-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5))]
"""Curves differ by dash as well as by colour, and carry their name at their end."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "trainwatch",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _MUTED,
    "axes.linewidth": 0.6,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "text.color": _INK,
    "text.parse_math": False,
    "path.simplify": True,
    "axes.formatter.useoffset": False,
    "hatch.linewidth": 0.5,
}

HEAT_BUCKETS = 150
"""Columns of a heat map at most."""

BUCKETS, NARROW_BUCKETS, SMALL_BUCKETS = 300, 150, 90
"""Points of a curve at most, about two pixels each on a large screen or a phone; the band keeps what falls between."""

EDGE_ALPHA = 0.6
"""Opacity of the edge of a band."""

SHORT_UNIT = (1, 2)
"""Letters of a unit that fit beside a tick; a longer one stands in the title."""

STRONG = ("onset", "exception", "oom")
"""Kinds of marks that are drawn in the colour of faults, and named on a phone too."""

LETTER_PT = 3.9
"""Width of a letter of the words at marks; fonts differ, so that a little room is left between words."""
MAX_LABEL, SHORT_LABEL = 48, 24
"""Letters of a word at most, and of what is tried where that has no room; an event may carry any label."""
LETTERS_APART, LETTERS_NEAR = 2.0, 12.0
"""Letters between two words at least; onsets closer than the second share one word."""
ROWS, ROW_PT = 2, 9.0
"""Rows of words above a chart, and the height of one: an onset that finds no room in the first is named in the second."""

LOG_POSITIVE_SHARE = 0.9
"""Share of positive values from which an axis may be logarithmic."""

MAX_NAME = 20
"""Characters of a curve's name that fit at its right end."""

MAX_NAMED = 8
"""Curves that get a colour and a name of their own; the rest is drawn thin and grey."""


def draw_svg(panel: Panel, *, first_epoch: int = 0, small: bool = False, narrow: bool = False, say: Say = str) -> str:
    """Return the panel as an ``<svg>`` element.

    Args:
        panel: What to draw.
        first_epoch: Added to epochs on the axis.
        small: Half the width and no words at the marks, for the closed groups.
        narrow: As wide as a phone; of the marks only onsets and the crash are named.
        say: Translates the chart's own words; title, caption and names of curves come translated.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    panel = printable_panel(panel)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing"
        )  # the browser has the glyph; only its width is guessed
        figure = Figure(figsize=NARROW_IN if narrow else SMALL_IN if small else (WIDTH_IN, HEIGHT_IN))
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        slim = small or narrow
        named = len(panel.curves) > 1 or panel.heat
        axes = figure.add_axes((0.15, 0.18, 0.63 if named else 0.71, 0.68) if slim else (0.075, 0.17, 0.80, 0.70))
        axes.patch.set_alpha(0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_label_coords(0.5, 0.0)  # there is no label; looking for its place measures every tick once more
        shift = float(first_epoch) if panel.x_unit == "epoch" else 0.0
        if panel.heat:
            rows = replace(panel, curves=tuple(coarser(c, HEAT_BUCKETS) for c in panel.curves))
            _heat.draw(axes, rows, shift, _INK, _MUTED, _BAD, say)
            _draw_marks(axes, panel, shift, 0 if small else 1 if narrow else 2, say)
            _format_x(axes, panel, slim, say)
            axes.spines["left"].set_visible(False)
            axes.tick_params(which="both", length=0, pad=4, labelsize=6.5)
            return _finished(figure, panel, first_epoch, narrow, say)
        log = panel.log and _can_be_log(panel)
        if log:
            axes.set_yscale("log")
        _draw_curves(axes, panel, shift, SMALL_BUCKETS if small else NARROW_BUCKETS if narrow else BUCKETS)
        _draw_forecast(axes, panel, shift, say)
        _draw_limit(axes, panel, say)
        _draw_marks(axes, panel, shift, 0 if small else 1 if narrow else 2, say)
        _format(axes, panel, log, slim, say)
        return _finished(figure, panel, first_epoch, narrow, say)


def _finished(figure: Any, panel: Panel, first_epoch: int, narrow: bool, say: Say) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return finish(out.getvalue(), panel.id, describe(panel, first_epoch, say), "n-" if narrow else "p-", _COLOURS)


def describe(panel: Panel, first_epoch: int = 0, say: Say = str) -> str:
    """Say in a sentence what the panel shows, for screen readers."""
    parts = []
    for curve in panel.curves[:MAX_NAMED]:
        values = [v for v in curve.mid if v is not None]
        if not values:
            parts.append(say(f"{curve.name}: no finite value"))
            continue
        high = max(v for v in curve.high if v is not None)
        low = min(v for v in curve.low if v is not None)
        text = f"{curve.name} from {_value(values[0], panel)} to {_value(values[-1], panel)}, smallest {_value(low, panel)}, "
        text += f"largest {_value(high, panel)}"
        if curve.nonfinite:
            text += f", not finite at {len(curve.nonfinite)} places"
        parts.append(say(text))
    if panel.forecast is not None:
        parts.append(say(f"forecast up to {_value(panel.forecast.mid, panel)}"))
    onset = next((m for m in panel.marks if m.kind == "onset"), None)
    shift = first_epoch if panel.x_unit == "epoch" else 0
    where = " " + say(f"{onset.label} at {panel.x_unit} {onset.x + shift:.0f}.") if onset else ""
    return f"{say(f'{panel.title} by {panel.x_unit}')}: {'; '.join(parts)}.{where}"


def coarser(curve: Curve, buckets: int) -> Curve:
    """Join neighbouring buckets until at most ``buckets`` are left; minima and maxima stay true, medians are of medians."""
    per = -(-len(curve.x) // buckets)
    if per <= 1:
        return curve

    def joined(values: tuple[float | None, ...], pick: Callable[[list[float]], float]) -> tuple[float | None, ...]:
        groups = [[v for v in values[i : i + per] if v is not None] for i in range(0, len(values), per)]
        return tuple(pick(g) if g else None for g in groups)

    return replace(
        curve,
        x=curve.x[::per],
        low=joined(curve.low, min),
        mid=joined(curve.mid, statistics.median),
        high=joined(curve.high, max),
        points_per_bucket=curve.points_per_bucket * per,
    )


def _draw_curves(axes: Any, panel: Panel, shift: float, buckets: int) -> None:
    from matplotlib.colors import to_rgba

    many = len(panel.curves) > MAX_NAMED
    ends: list[tuple[float, str, str]] = []
    bad: set[float] = set()
    for i, curve in enumerate(coarser(c, SMALL_BUCKETS if many else buckets) for c in panel.curves):
        colour = _MUTED if many else _SERIES[i]
        x = [v + shift for v in curve.x]
        low, mid, high = ([_drawable(v) for v in side] for side in (curve.low, curve.mid, curve.high))
        if curve.points_per_bucket > 1 and not many:
            # An edge of its own: the spike of one bucket is thinner than a pixel, its edge is not.
            axes.fill_between(
                x, low, high, facecolor=to_rgba(colour, 0.25), edgecolor=to_rgba(colour, EDGE_ALPHA), linewidth=0.6
            )
        dash = _DASHES[0 if many or len(panel.curves) == 1 else i % len(_DASHES)]
        lone = sum(map(math.isfinite, mid)) == 1
        axes.plot(
            x,
            mid,
            color=colour,
            linewidth=0.5 if many else 1.1,
            linestyle=dash,
            marker="o" if lone else None,
            markersize=3,
        )
        bad.update(v + shift for v in curve.nonfinite)
        last = next((v for v in reversed(mid) if math.isfinite(v)), None)
        if last is not None and not many:
            ends.append((last, curve.name, colour))
    _tick_nonfinite(axes, sorted(bad))
    _name_ends(axes, ends)


def _tick_nonfinite(axes: Any, places: Sequence[float]) -> None:
    """Mark every value that no line can show by a tick at the bottom; one path for all, one tick per pixel at most."""
    if not places:
        return
    left, right = axes.get_xlim()
    pixel = max(max(right, places[-1]) - min(left, places[0]), 1e-9) / 700
    kept: list[float] = []
    for place in places:
        if not kept or place - kept[-1] >= pixel:
            kept.append(place)
    x = [v for place in kept for v in (place, place, math.nan)]
    y = [0.0, 0.09, math.nan] * len(kept)
    axes.plot(x, y, transform=axes.get_xaxis_transform(), color=_BAD, linewidth=1.4, solid_capstyle="butt")


def _drawable(value: float | None) -> float:
    """Keep what matplotlib can scale; beyond 1e100 in size the exact height tells nothing."""
    return math.nan if value is None else min(max(value, -1e100), 1e100)


def _name_ends(axes: Any, ends: list[tuple[float, str, str]]) -> None:
    """Write each curve's name at its right end, pushed apart so that none covers another."""
    if len(ends) < 2:
        return
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"

    def height(value: float) -> float:
        if log:
            return (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return (value - low) / (high - low) if high > low else 0.5

    gap = min(0.13, 1.0 / len(ends))
    places = sorted((min(max(height(v), 0.03), 1.0), n, c) for v, n, c in ends)
    at = [p for p, _, _ in places]
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + gap)
    overflow = max(at[-1] - 1.03, 0.0)
    for i in range(len(at) - 1, -1, -1):  # pushed beyond the top: move back down, as far as needed
        at[i] = min(at[i], 1.03 - gap * (len(at) - 1 - i)) if overflow else at[i]
    for position, (_, name, colour) in zip(at, places, strict=True):
        short = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
        axes.annotate(short, (1.008, position), xycoords="axes fraction", va="center", fontsize=7.5, color=colour)


def _draw_forecast(axes: Any, panel: Panel, shift: float, say: Say) -> None:
    if panel.forecast is None:
        return
    f = panel.forecast
    x = [f.x + shift, f.x_end + shift]
    axes.fill_between(x, [f.y, f.low], [f.y, f.high], color=_BAD, alpha=0.18, linewidth=0)
    axes.plot(x, [f.y, f.mid], color=_BAD, linewidth=1.0, linestyle=(0, (3, 2)))
    axes.annotate(say("forecast"), (x[1], f.mid), xytext=(0, 3), textcoords="offset points", fontsize=7.5, color=_BAD,
                  ha="right", va="bottom")  # fmt: skip


def _draw_limit(axes: Any, panel: Panel, say: Say) -> None:
    if panel.limit is None:
        return
    top = max((v for c in panel.curves for v in c.high if v is not None), default=0.0)
    top = max(top, panel.forecast.high) if panel.forecast else top
    if top < 0.25 * panel.limit:  # far away: drawing it would flatten the curve
        if top > 0:
            axes.set_ylim(top=1.35 * top)  # room for the words
        axes.annotate(
            say(f"limit {_value(panel.limit, panel)}, far above"), (0.02, 0.97), xycoords="axes fraction", ha="left",
            va="top", fontsize=7.5, color=_MUTED,
        )  # fmt: skip
        return
    axes.axhline(panel.limit, color=_BAD, linewidth=1.0, linestyle=(0, (5, 2)))
    axes.annotate(say(f"limit {_value(panel.limit, panel)}"), (0.5, panel.limit), xycoords=("axes fraction", "data"),
                  xytext=(0, -2), textcoords="offset points", ha="center", va="top", fontsize=7.5, color=_BAD)  # fmt: skip


def _draw_marks(axes: Any, panel: Panel, shift: float, words: int, say: Say) -> None:
    """Draw the marks; ``words``: 0 none is named, 1 the strong ones are, 2 all are."""
    for mark in panel.marks:
        if mark.kind == "checkpoint":
            axes.plot([mark.x + shift], [0.02], marker="^", markersize=4, color=_MARK,
                      transform=axes.get_xaxis_transform(), clip_on=False, linestyle="none")  # fmt: skip
            continue
        strong = mark.kind in STRONG
        axes.axvline(mark.x + shift, color=_BAD if strong else _MARK, linewidth=1.0 if strong else 0.8,
                     linestyle="-" if strong else (0, (2, 2)))  # fmt: skip
    left, right = axes.get_xlim()
    place, across = axes.get_position(), axes.figure.get_figwidth() * 72 / LETTER_PT
    width, over = place.width * across, (1 - place.x1) * across

    def letters(x: float) -> float:
        return float((x + shift - left) / (right - left) * width)

    height = place.height * axes.figure.get_figheight() * 72
    for label in labels(panel.marks, letters, width, over) if words else ():
        if words == 2 or label.kind in STRONG:
            at, colour = label.x + shift, _BAD if label.kind in STRONG else _MARK
            bottom = 1.02 + label.row * ROW_PT / height
            if label.row:
                axes.plot([at, at], [1.0, bottom], transform=axes.get_xaxis_transform(), color=colour, linewidth=0.6,
                          clip_on=False)  # fmt: skip
            axes.annotate(say(label.text), (at, bottom), xycoords=("data", "axes fraction"), fontsize=7.5, color=colour,
                          ha="right" if label.leftwards else "left", va="bottom")  # fmt: skip


class Label(NamedTuple):
    """The words at a mark: where it stands, its kind, what it says, whether the words end there, and their row from below."""

    x: float
    kind: str
    text: str
    leftwards: bool
    row: int = 0


def labels(marks: Sequence[Mark], letters: Callable[[float], float], width: float, over: float = 0.0) -> list[Label]:
    """Place the words of marks so that none covers another.

    Every onset is named: in a row above where the first has no room, and together with its neighbour where that has none
    either. Then crashes, then the rest from the left, of which one without room keeps its line only.

    Args:
        marks: All marks of a panel.
        letters: From a mark's x to letters from the left edge.
        width: Letters that fit side by side.
        over: Letters beyond the right edge that the words of an onset may take.
    """
    onsets = [m for m in marks if m.kind == "onset"]
    placed: list[Label] = []
    near = LETTERS_NEAR
    while onsets:
        groups = _groups(onsets, letters, near)
        whole = [(m, f"onset: {', '.join(ids)}") for m, ids in groups]
        brief = [(m, f"onset: {ids[0]}" + (f" +{len(ids) - 1}" if ids[1:] else "")) for m, ids in groups]
        # From the right: the word above begins left of the one below, so that its line crosses none.
        tries = [
            _placed(words[::-1], [], letters, width + over, rows)
            for rows in range(1, ROWS + 1)
            for words in (whole, brief)
        ]
        placed = max(tries, key=lambda t: (len(t), -sum(label.text.endswith("…") for label in t)))
        if len(placed) == len(groups) or near >= width:
            break
        near *= 2
    placed.sort(key=lambda p: p.x)
    others = [m for m in marks if m.kind not in ("onset", "checkpoint")]
    others.sort(key=lambda m: m.kind not in STRONG)
    return _placed([(m, m.label) for m in others], placed, letters, width)


def _groups(onsets: Sequence[Mark], letters: Callable[[float], float], near: float) -> list[tuple[Mark, list[str]]]:
    """Join onsets that stand close: the first of them, and the ids of all."""
    groups: list[tuple[Mark, list[str]]] = []
    for mark in onsets:
        id = mark.label.removeprefix("onset: ")
        if groups and letters(mark.x) - letters(groups[-1][0].x) <= near:
            groups[-1][1].extend([id] if id not in groups[-1][1] else [])
        else:
            groups.append((mark, [id]))
    return groups


def _placed(
    words: Sequence[tuple[Mark, str]],
    before: Sequence[Label],
    letters: Callable[[float], float],
    width: float,
    rows: int = 1,
) -> list[Label]:
    """Add words where they have room, in the lowest row, to the right of their mark or else to the left, whole or else cut."""
    placed = list(before)
    for mark, word in words:
        at = letters(mark.x)
        tries = [
            Label(mark.x, mark.kind, text, leftwards, row)
            for row in range(rows)
            for text in dict.fromkeys((short(word, MAX_LABEL), short(word, SHORT_LABEL)))
            for leftwards in (False, True)
            if (at - len(text) >= -1 if leftwards else at + len(text) <= width + 1)
        ]
        free = (t for t in tries if not any(_covers(t, p, letters) for p in placed))
        placed.extend([first] if (first := next(free, None)) else [])
    return placed


def _covers(one: Label, other: Label, letters: Callable[[float], float]) -> bool:
    """Whether two words overlap, or nearly touch, or the line to the upper one goes through the lower."""
    spans = [(letters(o.x) - (len(o.text) if o.leftwards else 0), len(o.text)) for o in (one, other)]
    if one.row != other.row:
        upper, (start, long) = (one, spans[1]) if one.row > other.row else (other, spans[0])
        return start < letters(upper.x) < start + long
    (a, long), (b, _) = sorted(spans)
    return a + long + LETTERS_APART > b


def _format(axes: Any, panel: Panel, log: bool, slim: bool, say: Say) -> None:
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        MultipleLocator,
        NullFormatter,
        NullLocator,
    )

    axes.grid(axis="y", color=_GRID, linewidth=0.5)
    axes.tick_params(which="both", length=0, pad=4)
    axes.spines["left"].set_visible(False)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _tick_label(v, panel)))
    if log:
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_locator(NullLocator())
        low, high = axes.get_ylim()
        if high / low < 4:
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        elif high / low < 100:  # too few powers of ten to read values from
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
        if panel.unit == "bytes":
            axes.yaxis.set_major_locator(MultipleLocator(_binary_step(axes.get_ylim()[1])))
        if not any(v for c in panel.curves for side in (c.low, c.high) for v in side):
            axes.set_ylim(-0.02, 1)  # zero throughout: no negative half
            axes.yaxis.set_major_locator(FixedLocator([0]))
        low = min((v for c in panel.curves for v in c.low if v is not None), default=0.0)
        if low >= 0 and panel.unit == "bytes":
            axes.set_ylim(bottom=0)
    _format_x(axes, panel, slim, say)


def _format_x(axes: Any, panel: Panel, slim: bool, say: Say) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4 if slim else 8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axes.annotate(say(panel.x_unit), (1.045, -0.085), xycoords="axes fraction", fontsize=7.5, va="top", color=_MUTED)


def _binary_step(top: float) -> float:
    """Return the power of two that divides 0..top into three to six parts: whole numbers of MiB or GiB."""
    return float(2.0 ** math.floor(math.log2(max(top, 4.0) / 3)))


def _tick_label(value: float, panel: Panel) -> str:
    """Write 1e-07 for 1.000e-07: a tick's place is round, and the room beside the axis is small."""
    if not panel.unit and value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}"
    return _value(value, panel)


def _can_be_log(panel: Panel) -> bool:
    """Whether nearly all values are positive and none is negative (a warm-up starts at a rate of 0: drawn at the edge)."""
    values = [v for c in panel.curves for v in c.low if v is not None]
    return bool(values) and min(values) >= 0 and sum(v > 0 for v in values) >= LOG_POSITIVE_SHARE * len(values)


def _value(value: float, panel: Panel) -> str:
    if panel.unit == "bytes":
        return size(value) if value else "0"
    text = number(value)
    return f"{text} {panel.unit}" if len(panel.unit) in SHORT_UNIT else text

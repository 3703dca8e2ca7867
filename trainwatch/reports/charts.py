"""One panel as an inline SVG: envelope and median, non-finite ticks, marks. Works without JavaScript, follows the theme.

Written without a plotting library: twenty charts of a page take a tenth of a second, and nothing is imported for them. Bytes
are the same for the same panel. Lengths are in units of a seventy-second of an inch, y downwards.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from trainwatch.reports import _heat, _scale, _svg
from trainwatch.reports._scale import Scale
from trainwatch.reports._svg import Point
from trainwatch.reports.wording import number, printable_panel, short, size
from trainwatch.result import Curve, Mark, Panel

Say = Callable[[str], str]
"""Translates a word or a sentence."""


class Form(NamedTuple):
    """Size of a chart and the place of its box in it, as shares; ``names``: its width where names stand beside it."""

    width: float
    height: float
    left: float
    top: float
    box_width: float
    names: float
    box_height: float


WIDE = Form(662.4, 147.6, 0.075, 0.13, 0.80, 0.80, 0.70)
SMALL = Form(324.0, 122.4, 0.15, 0.14, 0.71, 0.63, 0.68)
NARROW = Form(280.8, 136.8, 0.15, 0.14, 0.71, 0.63, 0.68)
"""A narrow chart fills a phone of 390 pixels with letters of ten pixels."""

_INK, _GRID, _MUTED, _BAD, _MARK = "var(--ink)", "var(--grid)", "var(--muted)", "var(--bad)", "var(--mark)"
_SERIES = [f"var(--c{i})" for i in range(8)]
_DASHES: list[tuple[float, ...]] = [(), (4, 1.5), (1, 1), (6, 1.5, 1, 1.5)]
"""Curves differ by dash as well as by colour, and carry their name at their end."""

TICK_SIZE, HEAT_TICK_SIZE, WORD_SIZE = 8.5, 6.5, 7.5
"""Size of the letters at ticks, of those at the rows of a heat map, and of all others."""
ROW = 9.0
"""From a row of words to the next."""
ASCENT, DESCENT = 0.76, 0.24
"""Height of letters above the line they stand on, and depth below it, as shares of their size; fonts differ a little."""
PAD = 4.0
"""Room between the box and the words at its ticks."""

MARGIN_X, MARGIN_Y = 0.01, 0.05
"""Room around what is drawn, as a share of its range."""

BAND_OPACITY, EDGE_OPACITY = 0.2, 0.6
"""Of a band, and of its edge: the spike of one bucket is thinner than a pixel, its edge is not."""

HEAT_BUCKETS = 150
"""Columns of a heat map at most."""

BUCKETS, NARROW_BUCKETS, SMALL_BUCKETS = 300, 150, 90
"""Points of a curve at most, about two pixels each on a large screen or a phone; the band keeps what falls between."""

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
ROWS = 2
"""Rows of words above a chart: an onset that finds no room in the first is named in the second."""

LOG_POSITIVE_SHARE = 0.9
"""Share of positive values from which an axis may be logarithmic."""

MAX_NAME = 20
"""Characters of a curve's name that fit at its right end."""

MAX_ROW_NAME = 14
"""Characters of a row's name that fit beside a heat map; of a longer one its end says which layer it is."""

FAR = 0.25
"""Share of a limit below which what is measured is far from it."""

MAX_NAMED = 8
"""Curves that get a colour and a name of their own; the rest is drawn thin and grey."""


@dataclass(frozen=True)
class _Box:
    """Where values stand on a chart."""

    x: Scale
    y: Scale
    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def across(self, value: float) -> float:
        """Return the place of a step or epoch."""
        return self.left + self.x.share(value) * self.width

    def up(self, value: float) -> float:
        """Return the place of a value."""
        return self.top + (1.0 - self.y.share(value)) * self.height


def draw_svg(panel: Panel, *, first_epoch: int = 0, small: bool = False, narrow: bool = False, say: Say = str) -> str:
    """Return the panel as an ``<svg>`` element.

    Args:
        panel: What to draw.
        first_epoch: Added to epochs on the axis.
        small: Half the width and no words at the marks, for the closed groups.
        narrow: As wide as a phone; of the marks only onsets and the crash are named.
        say: Translates the chart's own words; title, caption and names of curves come translated.
    """
    panel = printable_panel(panel)
    form = NARROW if narrow else SMALL if small else WIDE
    shift = float(first_epoch) if panel.x_unit == "epoch" else 0.0
    words = 0 if small else 1 if narrow else 2
    id = _svg.own_id("n-" if narrow else "p-", panel.id)
    buckets = HEAT_BUCKETS if panel.heat else SMALL_BUCKETS if small else NARROW_BUCKETS if narrow else BUCKETS
    if len(panel.curves) > MAX_NAMED and not panel.heat:
        buckets = SMALL_BUCKETS
    drawn = replace(panel, curves=tuple(coarser(c, buckets) for c in panel.curves))
    elements = (_heat_map if panel.heat else _curves)(drawn, panel, form, shift, words, id, say)
    return _svg.chart(list(elements), describe(panel, first_epoch, say), form.width, form.height)


def _curves(drawn: Panel, panel: Panel, form: Form, shift: float, words: int, id: str, say: Say) -> Iterator[str]:
    """Draw curves: from the ground up the grid, bands, lines, marks, words.

    Args:
        drawn: The panel, its curves reduced to what is drawn.
        panel: The panel.
        form: Size of the chart.
        shift: Added to x.
        words: What of the marks is named: 0 nothing, 1 the strong ones, 2 all.
        id: Id of the box.
        say: Translates the chart's own words.
    """
    box = _box(drawn, panel, form, shift)
    yield _svg.box(id, box.left, box.top, box.width, box.height)
    yield from _x_axis(box, panel, form, TICK_SIZE, say)
    ticks = _y_ticks(box.y, panel)
    yield _svg.inside(id, [_svg.line([_level(box, v)], _GRID, 0.5) for v in ticks])
    for v in ticks:
        place = box.up(v) + ASCENT / 2 * TICK_SIZE
        yield _svg.text(box.left - PAD, place, _tick_label(v, panel), TICK_SIZE, _INK, "end")
    bands, lines = _bands_and_lines(box, drawn, shift)
    bad = sorted({v + shift for c in panel.curves for v in c.nonfinite})
    lines += _nonfinite(box, bad)
    named = _name_ends(box, drawn)
    if panel.forecast is not None:
        f = panel.forecast
        (x, y), x_end = (box.across(f.x + shift), box.up(f.y)), box.across(f.x_end + shift)
        bands.append(_svg.area([[(x, y), (x_end, box.up(f.low)), (x_end, box.up(f.high))]], _BAD, 0.18))
        lines.append(_svg.line([[(x, y), (x_end, box.up(f.mid))]], _BAD, 1.0, dash=(3, 2)))
        above = box.up(f.mid) - 3 - DESCENT * WORD_SIZE
        named.append(_svg.text(x_end, above, say("forecast"), WORD_SIZE, _BAD, "end"))
    if panel.limit is not None:
        limit = say(f"limit {_value(panel.limit, panel)}")
        if _far(panel):
            limit = say(f"limit {_value(panel.limit, panel)}, far above")
            below = box.top + 0.03 * box.height + ASCENT * WORD_SIZE
            named.append(_svg.text(box.left + 0.02 * box.width, below, limit, WORD_SIZE, _MUTED))
        else:
            lines.append(_svg.line([_level(box, panel.limit)], _BAD, 1.0, dash=(5, 2)))
            below = box.up(panel.limit) + 2 + ASCENT * WORD_SIZE
            named.append(_svg.text(box.left + box.width / 2, below, limit, WORD_SIZE, _BAD, "middle"))
    yield _svg.inside(id, [*bands, *lines, *_mark_lines(box, panel, shift)])
    yield from _checkpoints(box, panel, shift)
    yield _svg.line([[(box.left, box.bottom), (box.left + box.width, box.bottom)]], _MUTED, 0.6)
    yield from named
    yield from _mark_words(box, panel, form, shift, words, say)


def _heat_map(drawn: Panel, panel: Panel, form: Form, shift: float, words: int, id: str, say: Say) -> Iterator[str]:
    """Draw many like curves as rows of colours; arguments as for :func:`_curves`."""
    x, grid, nonfinite = _heat.cells(drawn)
    rows = len(grid)
    step = (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0 if x else 1.0
    left, right = (x[0] + shift, x[-1] + step + shift) if x else (0.0, 1.0)
    ends = [left, right, *(m.x + shift for m in panel.marks)]
    box = _placed_box(form, Scale(min(ends), max(ends)), Scale(0.0, float(rows)), names=True)
    yield _svg.box(id, box.left, box.top, box.width, box.height)
    made = _heat.picture(grid, panel.log)
    inner = []
    if made is not None:
        place = (box.across(left), box.top, box.across(right) - box.across(left), box.height)
        # Behind the picture, whose cells without a value are clear.
        inner += [_svg.hatched(f"{id}-hatch", *place, _MUTED)] if made.gaps else []
        inner.append(_svg.picture(made.png, *place))
    height = box.height / rows
    for row, places in enumerate(nonfinite):
        middle = box.top + (row + 0.5) * height
        inner += _ticks_at(box, [p + shift for p in places], middle - 2, middle + 2, 1.0)
    yield _svg.inside(id, [*inner, *_mark_lines(box, panel, shift)])
    yield from _checkpoints(box, panel, shift)
    yield from _x_axis(box, panel, form, HEAT_TICK_SIZE, say)
    for row in range(0, rows, max(1, math.ceil(rows / 12))):
        below = box.top + (row + 0.5) * height + ASCENT / 2 * HEAT_TICK_SIZE
        name = _end_of(panel.curves[row].name, MAX_ROW_NAME)
        yield _svg.text(box.left - PAD, below, name, HEAT_TICK_SIZE, _INK, "end")
    yield _svg.line([[(box.left, box.bottom), (box.left + box.width, box.bottom)]], _MUTED, 0.6)
    if made is not None:  # a bar of colours would take a tenth of the width
        told = _heat.legend(made)
        first = box.top + box.height / 2 + (ASCENT - DESCENT) / 2 * WORD_SIZE - (len(told) - 1) / 2 * ROW
        for i, line in enumerate(told):
            yield _svg.text(box.left + 1.008 * box.width, first + i * ROW, say(line), WORD_SIZE, _INK)
    yield from _mark_words(box, panel, form, shift, words, say)


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


def _placed_box(form: Form, x: Scale, y: Scale, *, names: bool) -> _Box:
    width = form.width * (form.names if names else form.box_width)
    return _Box(x, y, form.width * form.left, form.height * form.top, width, form.height * form.box_height)


def _box(drawn: Panel, panel: Panel, form: Form, shift: float) -> _Box:
    """Return the axes on which everything has room; a limit that is far away need not."""
    far = panel.limit is not None and _far(panel)
    banded = len(panel.curves) <= MAX_NAMED
    heights = [v for c in drawn.curves for v in _finite(c.mid)]
    heights += [
        v for c in drawn.curves if banded and c.points_per_bucket > 1 for s in (c.low, c.high) for v in _finite(s)
    ]
    places = [v for c in drawn.curves for v in c.x] + [v for c in panel.curves for v in c.nonfinite]
    places += [m.x for m in panel.marks]
    if panel.forecast is not None:
        f = panel.forecast
        heights += [f.y, f.low, f.mid, f.high]
        places += [f.x, f.x_end]
    if panel.limit is not None and not far:
        heights.append(panel.limit)
    log = panel.log and _can_be_log(panel)
    y = _scale.around(heights, MARGIN_Y, log=log)
    if far and (top := _top(panel)) > 0:
        y = replace(y, high=max(1.35 * top, y.low * 1.01))  # room for the words
    if not log and not any(v for c in panel.curves for side in (c.low, c.high) for v in side):
        y = Scale(-0.02, 1.0)  # zero throughout: no negative half
    elif not log and panel.unit == "bytes" and min((v for c in panel.curves for v in _finite(c.low)), default=0.0) >= 0:
        y = replace(y, low=0.0)
    x = _scale.around((v + shift for v in places), MARGIN_X)
    return _placed_box(form, x, y, names=len(panel.curves) > 1)


def _finite(values: Iterable[float | None]) -> list[float]:
    """Return what there is, kept to what a chart can scale."""
    return [min(max(v, -_scale.LARGEST), _scale.LARGEST) for v in values if v is not None]


def _bands_and_lines(box: _Box, panel: Panel, shift: float) -> tuple[list[str], list[str]]:
    many = len(panel.curves) > MAX_NAMED
    bands, lines = [], []
    for i, curve in enumerate(panel.curves):
        colour = _MUTED if many else _SERIES[i]
        parts = [
            [(box.across(x + shift), *map(box.up, _finite(heights))) for x, *heights in stretch]
            for stretch in _stretches(curve)
        ]
        if curve.points_per_bucket > 1 and not many:
            around: list[list[Point]] = [
                [*((x, low) for x, low, _, _ in part), *((x, high) for x, _, _, high in reversed(part))]
                for part in parts
            ]
            bands.append(_svg.area(around, colour, BAND_OPACITY, edge=EDGE_OPACITY, width=0.6))
        middle: list[list[Point]] = [[(x, mid) for x, _, mid, _ in part] for part in parts]
        if sum(map(len, middle)) == 1:
            lines.append(_svg.dot(*middle[0][0], 2.0, colour))
        elif middle:
            dash = _DASHES[0 if many or len(panel.curves) == 1 else i % len(_DASHES)]
            lines.append(_svg.line(middle, colour, 0.5 if many else 1.1, dash=dash))
    return bands, lines


def _stretches(curve: Curve) -> list[list[tuple[float, float, float, float]]]:
    """Return the points of a curve as (x, low, mid, high), parted where there is no value."""
    parts: list[list[tuple[float, float, float, float]]] = [[]]
    for x, low, mid, high in zip(curve.x, curve.low, curve.mid, curve.high, strict=True):
        if mid is None or low is None or high is None:
            parts.append([])
        else:
            parts[-1].append((x, low, mid, high))
    return [part for part in parts if part]


def _level(box: _Box, value: float) -> list[Point]:
    return [(box.left, box.up(value)), (box.left + box.width, box.up(value))]


def _nonfinite(box: _Box, places: Sequence[float]) -> list[str]:
    """Mark every value that no line can show by a tick at the bottom."""
    return _ticks_at(box, places, box.bottom, box.bottom - 0.09 * box.height, 1.4)


def _ticks_at(box: _Box, places: Sequence[float], start: float, end: float, width: float) -> list[str]:
    """Return one path of short upright lines, one per pixel at most."""
    kept: list[float] = []
    for place in places:
        if not kept or place - kept[-1] >= (box.x.high - box.x.low) / 700:
            kept.append(place)
    lines = [[(box.across(p), start), (box.across(p), end)] for p in kept]
    return [_svg.line(lines, _BAD, width, butt=True)] if lines else []


def _name_ends(box: _Box, panel: Panel) -> list[str]:
    """Write each curve's name at its right end, pushed apart so that none covers another."""
    ends = [
        (box.y.share(last[-1]), c.name, colour)
        for c, colour in zip(panel.curves, _SERIES, strict=False)
        if (last := _finite(c.mid))
    ]
    if len(ends) < 2 or len(panel.curves) > MAX_NAMED:
        return []
    gap = min(0.13, 1.0 / len(ends))
    places = sorted((min(max(height, 0.03), 1.0), n, c) for height, n, c in ends)
    at = [p for p, _, _ in places]
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + gap)
    overflow = max(at[-1] - 1.03, 0.0)
    for i in range(len(at) - 1, -1, -1):  # pushed beyond the top: move back down, as far as needed
        at[i] = min(at[i], 1.03 - gap * (len(at) - 1 - i)) if overflow else at[i]
    named = []
    for position, (_, name, colour) in zip(at, places, strict=True):
        short = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
        middle = box.bottom - position * box.height + (ASCENT - DESCENT) / 2 * WORD_SIZE
        named.append(_svg.text(box.left + 1.008 * box.width, middle, short, WORD_SIZE, colour))
    return named


def _top(panel: Panel) -> float:
    top = max((v for c in panel.curves for v in _finite(c.high)), default=0.0)
    return max(top, panel.forecast.high) if panel.forecast else top


def _far(panel: Panel) -> bool:
    """Whether drawing the limit would flatten the curve."""
    return panel.limit is not None and _top(panel) < FAR * panel.limit


def _mark_lines(box: _Box, panel: Panel, shift: float) -> list[str]:
    made = []
    for mark in panel.marks:
        if mark.kind != "checkpoint":
            x, strong = box.across(mark.x + shift), mark.kind in STRONG
            upright = [[(x, box.bottom), (x, box.top)]]
            made.append(
                _svg.line(upright, _BAD if strong else _MARK, 1.0 if strong else 0.8, dash=() if strong else (2, 2))
            )
    return made


def _checkpoints(box: _Box, panel: Panel, shift: float) -> list[str]:
    """Draw triangles at the bottom."""
    y = box.bottom - 0.02 * box.height
    places = [box.across(m.x + shift) for m in panel.marks if m.kind == "checkpoint"]
    triangles: list[list[Point]] = [[(x, y - 2), (x - 2, y + 2), (x + 2, y + 2)] for x in places]
    return [_svg.area(triangles, _MARK, 1.0, edge=1.0, width=1.0)] if triangles else []


def _mark_words(box: _Box, panel: Panel, form: Form, shift: float, words: int, say: Say) -> Iterator[str]:
    """Name the marks; ``words``: 0 none, 1 the strong ones, 2 all."""
    width, over = box.width / LETTER_PT, (form.width - box.left - box.width) / LETTER_PT

    def letters(x: float) -> float:
        return (box.across(x + shift) - box.left) / LETTER_PT

    for label in labels(panel.marks, letters, width, over) if words else ():
        strong = label.kind in STRONG
        if words == 2 or strong:
            x, anchor = box.across(label.x + shift), "end" if label.leftwards else "start"
            colour = _BAD if strong else _MARK
            below = box.top - 0.02 * box.height - label.row * ROW
            if label.row:
                yield _svg.line([[(x, box.top), (x, below)]], colour, 0.6)
            yield _svg.text(x, below - DESCENT * WORD_SIZE, say(label.text), WORD_SIZE, colour, anchor)


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


def _x_axis(box: _Box, panel: Panel, form: Form, letters: float, say: Say) -> Iterator[str]:
    """Write steps or epochs below the box, and which of them it is."""
    for v in _scale.even(box.x, 8 if form is WIDE else 4, whole=True):
        yield _svg.text(box.across(v), box.bottom + PAD + ASCENT * letters, f"{v:,.0f}", letters, _INK, "middle")
    below = box.bottom + 0.085 * box.height + ASCENT * WORD_SIZE
    yield _svg.text(box.left + 1.045 * box.width, below, say(panel.x_unit), WORD_SIZE, _MUTED)


def _y_ticks(y: Scale, panel: Panel) -> list[float]:
    if y.log:
        ratio = y.high / y.low
        if ratio >= 100:
            return _scale.decades(y, 5)
        ticks = _scale.of_each_decade(y) if ratio >= 4 else []  # too few powers of ten to read values from
        return ticks if len(ticks) > 1 else _scale.even(y, 4, _scale.ROUND_STEPS)
    if not any(v for c in panel.curves for side in (c.low, c.high) for v in side):
        return [0.0]
    if panel.unit == "bytes":
        return _scale.multiples(y, _binary_step(y.high - min(y.low, 0.0)))
    return _scale.even(y, 4)


def _binary_step(span: float) -> float:
    """Return the power of two that divides a span into three to six parts: whole numbers of MiB or GiB."""
    return float(2.0 ** math.floor(math.log2(max(span, 4.0) / 3)))


def _tick_label(value: float, panel: Panel) -> str:
    """Write 1e-07 for 1.000e-07: a tick's place is round, and the room beside the axis is small."""
    if not panel.unit and value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}"
    return _value(value, panel)


def _can_be_log(panel: Panel) -> bool:
    """Whether nearly all values are positive and none is negative (a warm-up starts at a rate of 0: drawn at the edge)."""
    values = [v for c in panel.curves for v in c.low if v is not None]
    return bool(values) and min(values) >= 0 and sum(v > 0 for v in values) >= LOG_POSITIVE_SHARE * len(values)


def _end_of(name: str, limit: int) -> str:
    return name if len(name) <= limit else "…" + name[1 - limit :]


def _value(value: float, panel: Panel) -> str:
    if panel.unit == "bytes":
        return size(value) if value else "0"
    text = number(value)
    return f"{text} {panel.unit}" if len(panel.unit) in SHORT_UNIT else text

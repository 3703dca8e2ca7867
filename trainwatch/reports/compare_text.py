"""A comparison for a terminal: the answer, the change, what went and came, the measures, the curves."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainwatch.compared import Comparison, Difference, Pair
from trainwatch.reports import languages
from trainwatch.reports.sparkline import sparkline
from trainwatch.reports.translated import translated
from trainwatch.reports.wording import SEVERITY_SHAPE, STATUS_SHAPE, clean, number, percent, short, size

SHAPE = {"helped": "●", "harmed": "▲", "no-difference": "○", "could-not-tell": "○"}
COLOUR = {"helped": "green", "harmed": "red", "no-difference": "cyan", "could-not-tell": "yellow"}
CHANGE = {"went": "gone", "came": "new", "stayed": "still there"}
BY = {"s": "by time", "step": "by step", "epoch": "by epoch"}
Say = Callable[[str], str]
"""Translates a word or a sentence."""

MAX_ARGUMENTS = 20
"""Changed arguments that are listed; the rest is counted."""
SPARK_WIDTH = 40


def render(comparison: Comparison, *, width: int | None = None, color: bool = False, language: str = "en") -> str:
    """Return the text.

    Args:
        comparison: What to write.
        width: Columns; None: the terminal's, 80 where there is none.
        color: Write ANSI colours.
        language: A key of :data:`trainwatch.reports.languages.LANGUAGES`.
    """
    say = languages.catalogue(language).say
    comparison = translated(comparison, language)
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, emoji=False, markup=False, legacy_windows=False,
    )  # fmt: skip
    for pair in comparison.pairs:
        _pair(console, comparison, pair, say)
    _curves(console, comparison, say)
    for note in comparison.notes:
        _say(console, f"■ {note}")
    return out.getvalue()


def _pair(console: Console, comparison: Comparison, pair: Pair, say: Say) -> None:
    sides = {s.label: s for s in comparison.sides}
    _say(console, f"{SHAPE[pair.answer]} {pair.headline}", f"bold {COLOUR[pair.answer]}")
    if pair.confidence:
        _say(console, f"  {say('confidence')} {percent(pair.confidence)}", "dim")
    for label in (pair.old, pair.new):
        side = sides[label]
        for path, status, headline in zip(side.paths, side.statuses, side.headlines, strict=True):
            _say(console, f"  {label} {STATUS_SHAPE[status]} {path}{joint(':', say)}{headline}", "dim")
    console.print()
    for reason in pair.reasons:
        _say(console, f"• {reason}")
    rows = [*pair.arguments, *pair.surroundings]
    if rows:
        console.print(Text(f"\n{say('What was changed')}", style="bold"))
    for change in rows[:MAX_ARGUMENTS]:
        if change.old is not None:
            _say(console, f"  - {change.arg}={short(change.old)}", "red")
        if change.new is not None:
            _say(console, f"  + {change.arg}={short(change.new)}", "green")
    if len(rows) > MAX_ARGUMENTS:
        _say(console, say(f"  … and {len(rows) - MAX_ARGUMENTS} more (--format json)"), "dim")
    if pair.findings:
        console.print(Text(f"\n{say('Findings')}", style="bold"))
        console.print(_findings(pair, sides[pair.old].label, sides[pair.new].label, comparison, say))
    if pair.differences:
        console.print(Text(f"\n{say('Measures')}", style="bold"))
        console.print(_measures(pair.differences, pair, say))
    console.print()


def _findings(pair: Pair, old: str, new: str, comparison: Comparison, say: Say) -> Table:
    counts = {s.label: len(s.paths) for s in comparison.sides}
    table = _table("", say("finding"), old, new, "")
    for f in pair.findings:
        style = {"went": "green", "came": "red", "stayed": ""}[f.change]
        table.add_row(
            Text(SEVERITY_SHAPE[f.severity], style=style), Text(clean(f.id)), _runs(f.old_runs, counts[old], say),
            _runs(f.new_runs, counts[new], say), Text(say(CHANGE[f.change]), style=style),
        )  # fmt: skip
    return table


def _runs(found: int, of: int, say: Say) -> Text:
    return Text(say(("yes" if found else "no") if of == 1 else f"{found} {say('of')} {of}"))


def _measures(differences: Sequence[Difference], pair: Pair, say: Say) -> Table:
    table = _table(say("measure"), pair.old, pair.new, say("difference"), say("95 % interval"))
    for d in differences:
        between = "" if d.low is None or d.high is None else say(f"{signed(d.low, d.unit)} to {signed(d.high, d.unit)}")
        table.add_row(
            Text(clean(d.title), style="bold" if d.decides else ""),
            Text(say(value(d.old, d.unit))),
            Text(say(value(d.new, d.unit))),
            Text("" if d.difference is None else signed(d.difference, d.unit)),
            Text(between),
        )
    return table


def joint(stop: str, say: Say) -> str:
    """Return what joins two parts: a Chinese stop is as wide as a letter and needs no blank."""
    said = say(stop)
    return f"{stop} " if said == stop else said


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    return table


def value(measured: float | None, unit: str) -> str:
    """Write a level with its unit."""
    if measured is None:
        return "not measured"
    if unit == "bytes":
        return size(measured)
    return f"{number(measured)} {unit}".strip()


def signed(measured: float, unit: str) -> str:
    """Write a difference with its sign and unit."""
    sign = "-" if measured < 0 else "+"
    return f"{sign}{value(abs(measured), unit)}" if measured else "0"


def _curves(console: Console, comparison: Comparison, say: Say) -> None:
    """Draw all curves of a panel over the same range of the axis; each line has its own height."""
    for panel in comparison.panels:
        end = max((c.x[-1] for c in panel.curves if c.x), default=0.0)
        _say(console, f"{panel.title}{joint(',', say)}{say(BY[panel.x_unit])}", "bold")
        room = max(min(SPARK_WIDTH, console.width - 30), 8)
        for curve in panel.curves:
            reach = curve.x[-1] / end if end > 0 and curve.x else 1.0
            drawn = sparkline(curve, max(round(room * reach), 1), log=panel.log).ljust(room)
            mids = [v for v in curve.mid if v is not None]
            ends = f"{number(mids[0])} → {number(mids[-1])}" if mids else say("no finite value")
            _say(console, f"  {curve.name:<3} {drawn} {ends}")
    if comparison.panels and comparison.notes:
        console.print()


def _say(console: Console, text: str, style: str = "") -> None:
    """Print one paragraph, continued under its first word."""
    text = clean(text).replace("\n", " ").rstrip()
    indent = len(text) - len(text.lstrip()) + 2
    lines = Text(text).wrap(console, max(console.width, 20))
    if len(lines) > 1:
        first = lines[0].plain
        rest = Text(text[len(first) :].strip()).wrap(console, max(console.width - indent, 20))
        lines = type(lines)([lines[0], *(Text(" " * indent + line.plain) for line in rest)])
    for line in lines:
        line.rstrip()
        console.print(Text(line.plain, style=style), soft_wrap=True)

"""The result for a terminal: what fits a screen of 80 x 24 first (verdict, cause, cost, curves, next command), then all."""

from __future__ import annotations

import io
import re
import shlex

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainwatch.reports.sparkline import sparkline, summary
from trainwatch.reports.wording import (
    SEVERITY_SHAPE,
    SOURCES,
    STATUS_SHAPE,
    because,
    change_value,
    changed,
    confidence,
    percent,
    place,
    printable,
    quantity,
    short,
    size,
)
from trainwatch.result import ENDED, SEVERITIES, Analysis, Page, Panel, Recommendation

COLOURS = {
    "crashed": "red", "diverged": "red", "stalled": "yellow", "degraded": "yellow", "incomplete": "cyan",
    "healthy": "green", "unknown": "cyan", "critical": "red", "warning": "yellow", "info": "cyan",
}  # fmt: skip

SCREEN = 23
"""Rows of the first screen at most: a terminal of 24 rows less the prompt."""
ALL_OF_IT = 2
"""Rows that say how to see all."""
MIN_WHY, MAX_COST, MAX_NOTE, MAX_COMMAND, MAX_CHANGED, MAX_NEEDS = 3, 2, 1, 5, 2, 4
"""Rows of the paragraphs on the first screen; the reason gets what the others leave, curves what it leaves."""
TAILS = ((5, 3), (5, 2), (5, 1), (4, 1), (3, 1), (2, 1))
"""Rows of what to do and of what to expect: the first pair that leaves room for a reason is taken."""
BELOW = " … (more below)"
"""Stands where a paragraph is cut, at the end of a sentence if one fits."""
MIN_PATH = 20
"""Columns that a path keeps on a narrow terminal."""
JOINT = "\ue000"
"""Stands for a blank at which no line may break, while lines are broken: one cell wide, and in no text (private use)."""
MAX_SPARKS = 3
SPARK_WIDTH, MIN_SPARK = 30, 8
SPARK_WORDS = 50
"""Columns that name and numbers of a curve take."""
SPARK_NAMES = {"grad_norm": "gradient norm", "loss": "training loss", "lr": "learning rate", "score": "score",
               "host_memory": "memory", "vram": "device memory", "train_loss": "epoch loss",
               "val_loss": "validation", "loss_components": "components", "throughput": "step time",
               "image_size": "image width"}  # fmt: skip
"""Short names of panels."""
WIDE = 100
"""Columns from which the table of findings has thresholds and words for the severity."""


def render(analysis: Analysis, *, width: int | None = None, color: bool = False, brief: bool = False) -> str:
    """Return the text.

    Args:
        analysis: What to write.
        width: Columns; None: the terminal's, 80 where there is none. No line is longer, but for words that cannot break.
        color: Write ANSI colours.
        brief: Only the first screen, and how to see all.
    """
    analysis = printable(analysis)
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, emoji=False, markup=False, legacy_windows=False,
    )  # fmt: skip
    verdict = analysis.verdict
    step_rows = _first_screen(console, analysis, SCREEN - ALL_OF_IT if brief else SCREEN)
    if brief:
        console.print(
            Text(f"\nAll of it: trainwatch analyze {shlex.quote(analysis.run.path)}", style="dim"), soft_wrap=True
        )
        return out.getvalue()
    if analysis.findings:
        console.print(Text(f"\nFindings ({len(analysis.findings)})", style="bold"))
        console.print(_findings_table(analysis, console.width))
    for finding in analysis.findings:
        console.print()
        style = COLOURS[finding.severity]
        _hanging(console, Text(f"{SEVERITY_SHAPE[finding.severity]} {finding.id}", style=style))
        _indented(console, analysis.page.cause_reason if finding.id == verdict.cause else finding.summary)
        if finding.id in analysis.page.to_do:
            _indented(console, f"Do: {analysis.page.to_do[finding.id].replace('`', '')}")
    if analysis.recommendations:
        console.print(Text(f"\nWhat to change ({len(analysis.recommendations)})", style="bold"))
    for recommendation in analysis.recommendations:
        _recommendation(console, recommendation)
    notes = analysis.page.notes
    if notes:
        console.print(Text("\nRead this with care", style="bold"))
    for note in notes:
        _indented(console, note, "■ ")
    step = analysis.page.next_step.replace("`", "")
    if len(_labelled(console, "Do", step)) > step_rows:
        console.print(Text("\nWhat to do next", style="bold"))
        _indented(console, step)
    for failed in analysis.checks.could_not_run:
        _indented(console, f"could not run: {failed.id}: {failed.reason}")
    if analysis.page.next_command and _long(console, analysis.page.next_command):
        console.print(Text("\nNext", style="bold"))
        console.print(Text(f"  {analysis.page.next_command}"), soft_wrap=True)
    return out.getvalue()


def _first_screen(console: Console, analysis: Analysis, screen: int) -> int:
    """Write what a person must know, in at most so many rows; what is cut short here stands in full below.

    Returns:
        Rows that what to do was given.
    """
    verdict, run, page = analysis.verdict, analysis.run, analysis.page
    style = COLOURS[verdict.status]
    _hanging(console, Text(f"{STATUS_SHAPE[verdict.status]} {verdict.headline}", style=f"bold {style}"))
    of = f" · {SOURCES.get(run.source, run.source)} · {ENDED[run.ended_by]}"
    of = f"  {_end_of(run.path, console.width - cell_len(of) - 2)}{of}"
    _hanging(console, Text(of, style="dim"))
    console.print()
    above: list[str] = []
    if verdict.cause:
        above += _labelled(console, "Cause", f"{verdict.cause} (confidence {percent(verdict.confidence)})")
    below = _labelled(console, "Cost", page.cost, MAX_COST)
    if page.notes:
        more = f" (and {len(page.notes) - 1} more below)" if len(page.notes) > 1 else ""
        below += _labelled(console, "Note", page.notes[0] + more, MAX_NOTE)
    counts = [f"{sum(f.severity == s for f in analysis.findings)} {s}" for s in SEVERITIES]
    checks = analysis.checks
    tally = f"{' · '.join(counts)} · {len(checks.passed)} passed · {len(checks.not_applicable)} not applicable"
    if checks.could_not_run:
        tally += f" · {len(checks.could_not_run)} could not run"
    head = len(_wrapped(console, f"▲ {verdict.headline}")) + len(_wrapped(console, of)) + len(_wrapped(console, tally))
    label = "Why" if verdict.cause else "Because"
    for step, expect in TAILS:
        tail = _next_lines(console, page, step, expect)
        rows = sum(-(-max(cell_len(line), 1) // console.width) for line in tail)
        room = screen - head - 2 - len(above) - len(below) - rows
        why = _labelled(console, label, because(analysis), max(room, MIN_WHY))
        if len(why) <= room:
            break
    for line in (*above, *why, *below):
        console.print(Text(line), soft_wrap=True)
    if above or why or below:
        console.print()
    _sparks(console, analysis, room - len(why) - 1)
    _hanging(console, Text(tally, style="dim"))
    for line in tail:
        console.print(Text(line, style="bold" if line == "Next" else ""), soft_wrap=True)
    return step


def _end_of(path: str, room: int) -> str:
    """Return the end of a path that is wider than the room for it: the name of the run stands there."""
    if cell_len(path) <= room:
        return path
    while path and cell_len(path) > max(room, MIN_PATH) - 1:
        path = path[1:]
    return f"…{path}"


def _next_lines(console: Console, page: Page, step: int, expect: int) -> list[str]:
    """Return what to type or to do, how sure that is, what it changes, what must be put in place, what would refute it."""
    lines = [""]
    sure = confidence(page)
    if page.next_step:
        said = page.next_step.replace("`", "")
        lines += _labelled(console, "Do", said + (f" ({sure}.)" if sure and not page.next_command else ""), step)
    if page.next_command and _long(console, page.next_command):
        lines += _labelled(
            console, "Next", f"the command, of many arguments, stands at the end ({sure or 'no figure'})."
        )
    elif page.next_command:
        # Never wrapped: it is there to be copied.
        lines += [f"Next{f'    {sure}' if sure else ''}", f"  {page.next_command}"]
    lines += _labelled(console, "Changed", ", ".join(changed(c) for c in page.next_changes), MAX_CHANGED)
    lines += _labelled(console, "First", page.next_needs, MAX_NEEDS)
    lines += _labelled(console, "Expect", page.next_expected, expect)
    return lines if len(lines) > 1 else []


def _long(console: Console, command: str) -> bool:
    """Whether a command would push the verdict off the screen (an args.yaml holds a hundred arguments)."""
    return cell_len(command) > MAX_COMMAND * console.width


def _sparks(console: Console, analysis: Analysis, rows: int) -> None:
    """Draw the first curve of each evidence panel, one line each, as many as there are rows for."""
    panels = [p for p in analysis.page.panels if p.evidence and p.curves and not p.id.endswith("_close")]
    named = "score" in analysis.verdict.headline or any(p.id == "score" for p in panels[:MAX_SPARKS])
    told = bool(analysis.page.score) and rows > 1 and named
    panels = panels[: max(min(MAX_SPARKS, rows - told), 0)]
    room = min(SPARK_WIDTH, console.width - SPARK_WORDS)
    if not panels or room < MIN_SPARK:
        return
    for panel in panels:
        curve = panel.curves[0]
        found = summary(curve)
        if found is None:
            continue
        first, last, high = (spark_number(found[i], panel.unit) for i in (0, 1, 3))
        line = Text(f"{short(spark_name(panel), 14):<15}")
        line.append(sparkline(curve, room, log=panel.log).ljust(room), style=COLOURS[analysis.verdict.status])
        line.append(f"  {first} → {last}, max {high}", style="dim")
        console.print(line, no_wrap=True, crop=True, overflow="ellipsis")
    if told:
        console.print(Text(f"score = {analysis.page.score}", style="dim"), no_wrap=True, crop=True, overflow="ellipsis")
    console.print()


def spark_name(panel: Panel) -> str:
    """Name the first curve of a panel; of several losses also which one it is."""
    of = {"train_loss": "train ", "val_loss": "val ", "loss_components": ""}.get(panel.id)
    if of is not None and len(panel.curves) > 1:
        return f"{of}{panel.curves[0].name}"
    return SPARK_NAMES.get(panel.id, panel.title.lower())


def spark_number(value: float, unit: str) -> str:
    """Write a value beside a curve."""
    if unit == "bytes":
        return size(value)
    text = f"{value:.0f}" if 1e3 <= abs(value) < 1e4 else f"{value:.3g}"
    return f"{text} {unit}" if unit == "s" else text


def _findings_table(analysis: Analysis, width: int) -> Table:
    """List the findings; on a narrow terminal without thresholds."""
    wide = width >= WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "finding", "since", "measured", *(["threshold"] if wide else []), "sure"):
        table.add_column(Text(name), overflow="fold")
    for f in analysis.findings:
        style = COLOURS[f.severity]
        table.add_row(
            Text(f"{SEVERITY_SHAPE[f.severity]} {f.severity}" if wide else SEVERITY_SHAPE[f.severity], style=style),
            Text(f.id, style="bold"),
            Text(place(f.onset, analysis)),
            Text(quantity(f.measured)),
            *([Text(quantity(f.threshold))] if wide else []),
            Text(percent(f.confidence)),
        )
    return table


def _recommendation(console: Console, recommendation: Recommendation) -> None:
    head = Text(recommendation.id, style="bold")
    head.append(
        f"  for {', '.join(recommendation.answers)} · confidence {percent(recommendation.confidence)}", style="dim"
    )
    _hanging(console, head)
    for change in recommendation.changes:
        if change.old is not None:
            _hanging(console, Text(f"  - {change.arg}={change_value(change.old)}", style="red"), 4)
        _hanging(console, Text(f"  + {change.arg}={change_value(change.new)}", style="green"), 4)
    _indented(console, recommendation.why)
    for step in recommendation.steps:
        _indented(console, f"• {step.replace('`', '')}")
    _indented(console, f"Expect: {recommendation.expected}")


def _labelled(console: Console, label: str, text: str, rows: int | None = None) -> list[str]:
    """Return the lines of a paragraph beside its label, cut after so many rows; none without a text."""
    return _paragraph(console, text, f"{label:<8}", rows) if text else []


def _indented(console: Console, text: str, label: str = "  ") -> None:
    for line in _paragraph(console, text, label):
        console.print(Text(line), soft_wrap=True)


def _paragraph(console: Console, text: str, label: str, rows: int | None = None) -> list[str]:
    room = max(console.width - len(label), 20)
    text = " ".join(text.split())
    lines = _wrapped(console, text, room)
    if rows is not None and len(lines) > rows:
        lines = _cut(console, text, room, rows)
    return [(label if i == 0 else " " * len(label)) + line for i, line in enumerate(lines)]


def _wrapped(console: Console, text: str, room: int | None = None) -> list[str]:
    # rich counts the cells that a terminal uses (two for a CJK character), textwrap counts characters.
    kept = text.replace(" %", f"{JOINT}%")
    return [line.plain.rstrip().replace(JOINT, " ") for line in Text(kept).wrap(console, room or console.width)]


def _cut(console: Console, text: str, room: int, rows: int) -> list[str]:
    """Keep the whole sentences that fit into the rows; of a first one that is too long, its begin."""
    ends = [m.end() for m in re.finditer(r"[.;:](?= )", text)]
    for end in reversed(ends):
        lines = _wrapped(console, text[:end].rstrip(";:") + BELOW, room)
        if len(lines) <= rows:
            return lines
    lines = _wrapped(console, text, room)[:rows]
    last = Text(lines[-1] + "…")
    last.truncate(room, overflow="ellipsis")
    return [*lines[:-1], last.plain]


def _hanging(console: Console, text: Text, indent: int = 2) -> None:
    """Print a styled line; what does not fit continues below, indented."""
    room = max(console.width, 20)
    first = text.wrap(console, room)[:1]
    rest = text[len(first[0].plain) :] if first else text
    lines = [*first, *(rest.wrap(console, room - indent) if rest.plain.strip() else ())]
    for i, line in enumerate(lines):
        line.rstrip()
        if i:
            line.plain = line.plain.lstrip()
        console.print(Text.assemble(" " * indent if i else "", line), soft_wrap=True)

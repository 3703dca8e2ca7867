"""The result for a terminal: what fits a screen of 80 x 24 first (verdict, cause, cost, curves, next command), then all."""

from __future__ import annotations

import io
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
    change_value,
    percent,
    place,
    printable,
    quantity,
    short,
    size,
)
from trainwatch.result import ENDED, SEVERITIES, Analysis, Panel, Recommendation

COLOURS = {
    "crashed": "red", "diverged": "red", "stalled": "yellow", "degraded": "yellow", "incomplete": "cyan",
    "healthy": "green", "unknown": "cyan", "critical": "red", "warning": "yellow", "info": "cyan",
}  # fmt: skip

SCREEN = 23
"""Rows of the first screen at most: a terminal of 24 rows less the prompt."""
MAX_WHY, MAX_COST, MAX_NOTE, MAX_COMMAND, MAX_STEP = 4, 2, 1, 5, 4
"""Rows of the paragraphs on the first screen; the whole text follows below."""
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
    _first_screen(console, analysis)
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
    if analysis.recommendations:
        console.print(Text(f"\nWhat to change ({len(analysis.recommendations)})", style="bold"))
    for recommendation in analysis.recommendations:
        _recommendation(console, recommendation)
    notes = analysis.page.notes
    if notes:
        console.print(Text("\nRead this with care", style="bold"))
    for note in notes:
        _indented(console, note, "■ ")
    for failed in analysis.checks.could_not_run:
        _indented(console, f"could not run: {failed.id}: {failed.reason}")
    if analysis.page.next_command and _long(console, analysis.page.next_command):
        _next(console, analysis.page.next_command)
    return out.getvalue()


def _first_screen(console: Console, analysis: Analysis) -> None:
    """Write what a person must know, in at most :data:`SCREEN` rows; what is cut short here stands in full below."""
    verdict, run, page = analysis.verdict, analysis.run, analysis.page
    style = COLOURS[verdict.status]
    _hanging(console, Text(f"{STATUS_SHAPE[verdict.status]} {verdict.headline}", style=f"bold {style}"))
    _hanging(
        console, Text(f"  {run.path} · {SOURCES.get(run.source, run.source)} · {ENDED[run.ended_by]}", style="dim")
    )
    console.print()
    if verdict.cause:
        _labelled(console, "Cause", f"{verdict.cause} (confidence {percent(verdict.confidence)})")
    _labelled(console, "Why" if verdict.cause else "Because", page.cause_reason, MAX_WHY)
    _labelled(console, "Cost", page.cost, MAX_COST)
    if page.notes:
        more = f" (and {len(page.notes) - 1} more below)" if len(page.notes) > 1 else ""
        _labelled(console, "Note", page.notes[0] + more, MAX_NOTE)
    _sparks(console, analysis)
    checks = analysis.checks
    console.print()
    counts = [f"{sum(f.severity == s for f in analysis.findings)} {s}" for s in SEVERITIES]
    _hanging(
        console,
        Text(
            f"{' · '.join(counts)} · {len(checks.passed)} passed · {len(checks.not_applicable)} not applicable · "
            f"{len(checks.could_not_run)} could not run",
            style="dim",
        ),
    )
    if page.next_command and not _long(console, page.next_command):
        _next(console, page.next_command)
    elif page.next_command:
        _labelled(console, "Next", "the command, of many arguments, stands at the end.")
    elif page.next_step:
        console.print()
        _labelled(console, "Next", page.next_step.replace("`", ""), MAX_STEP)


def _long(console: Console, command: str) -> bool:
    """Whether a command would push the verdict off the screen (an args.yaml holds a hundred arguments)."""
    return cell_len(command) > MAX_COMMAND * console.width


def _next(console: Console, command: str) -> None:
    console.print(Text("\nNext", style="bold"))
    # Never wrapped: it is there to be copied.
    console.print(Text(f"  {command}"), soft_wrap=True)


def _sparks(console: Console, analysis: Analysis) -> None:
    """Draw the first curve of each evidence panel, one line each."""
    panels = [p for p in analysis.page.panels if p.evidence and p.curves and not p.id.endswith("_close")][:MAX_SPARKS]
    room = min(SPARK_WIDTH, console.width - SPARK_WORDS)
    if not panels or room < MIN_SPARK:
        return
    console.print()
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
        _indented(console, f"• {step}")
    _indented(console, f"Expect: {recommendation.expected}")


def _labelled(console: Console, label: str, text: str, rows: int | None = None) -> None:
    if text:
        _indented(console, text, f"{label:<8}", rows)


def _indented(console: Console, text: str, label: str = "  ", rows: int | None = None) -> None:
    """Print a paragraph under its label, cut with an ellipsis after so many rows."""
    room = max(console.width - len(label), 20)
    # rich counts the cells that a terminal uses (two for a CJK character), textwrap counts characters.
    lines = [line.plain.rstrip() for line in Text(" ".join(text.split())).wrap(console, room)]
    if rows is not None and len(lines) > rows:
        lines = lines[:rows]
        last = Text(lines[-1] + "…")
        last.truncate(room, overflow="ellipsis")
        lines[-1] = last.plain
    for i, line in enumerate(lines):
        console.print(Text((label if i == 0 else " " * len(label)) + line), soft_wrap=True)


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

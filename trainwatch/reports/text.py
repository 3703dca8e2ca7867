"""The result for a terminal: verdict, cause, cost, findings, prescription, next command."""

from __future__ import annotations

import io

from trainwatch.reports.wording import (
    SEVERITY_SHAPE,
    SOURCES,
    STATUS_SHAPE,
    change_value,
    percent,
    place,
    printable,
    quantity,
)
from trainwatch.result import Analysis, Recommendation

COLOURS = {
    "crashed": "red", "diverged": "red", "stalled": "yellow", "degraded": "yellow", "incomplete": "cyan",
    "healthy": "green", "unknown": "cyan", "critical": "red", "warning": "yellow", "info": "cyan",
}  # fmt: skip


def render(analysis: Analysis, *, width: int | None = None, color: bool = False) -> str:
    """Return the text.

    Args:
        analysis: What to write.
        width: Columns; None: the terminal's, 80 where there is none. No line is longer, but for words that cannot break.
        color: Write ANSI colours.
    """
    from rich.console import Console
    from rich.text import Text

    analysis = printable(analysis)
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, emoji=False, markup=False, legacy_windows=False,
    )  # fmt: skip
    verdict, run, page = analysis.verdict, analysis.run, analysis.page
    style = COLOURS[verdict.status]
    _hanging(console, Text(f"{STATUS_SHAPE[verdict.status]} {verdict.headline}", style=f"bold {style}"))
    _hanging(
        console, Text(f"  {run.path} · {SOURCES.get(run.source, run.source)} · ended by {run.ended_by}", style="dim")
    )
    console.print()
    if verdict.cause:
        _labelled(console, "Cause", f"{verdict.cause} (confidence {percent(verdict.confidence)})")
    _labelled(console, "Why" if verdict.cause else "Because", page.cause_reason)
    _labelled(console, "Cost", page.cost)
    for note in page.notes:
        _labelled(console, "Note", note)
    if analysis.findings:
        console.print(Text(f"\nFindings ({len(analysis.findings)})", style="bold"))
    for finding in analysis.findings:
        line = Text(f"{SEVERITY_SHAPE[finding.severity]} {finding.severity} ", style=COLOURS[finding.severity])
        line.append(f"{finding.id}", style="bold")
        facts = [
            place(finding.onset, analysis),
            quantity(finding.measured),
            f"confidence {percent(finding.confidence)}",
        ]
        line.append("  " + " · ".join(f for f in facts if f), style="dim")
        _hanging(console, line)
        if finding.id != verdict.cause:
            _indented(console, finding.summary)
    if analysis.recommendations:
        console.print(Text(f"\nWhat to change ({len(analysis.recommendations)})", style="bold"))
    for recommendation in analysis.recommendations:
        _recommendation(console, recommendation)
    checks = analysis.checks
    console.print()
    _hanging(
        console,
        Text(
            f"Checks: {len(checks.passed)} passed · {len({f.id for f in analysis.findings})} found something · "
            f"{len(checks.not_applicable)} not applicable · {len(checks.could_not_run)} could not run",
            style="dim",
        ),
    )
    for failed in checks.could_not_run:
        _indented(console, f"could not run: {failed.id}: {failed.reason}")
    if page.next_command:
        console.print(Text("\nNext", style="bold"))
        # Never wrapped: it is there to be copied.
        console.print(Text(f"  {page.next_command}"), soft_wrap=True)
    return out.getvalue()


def _recommendation(console: object, recommendation: Recommendation) -> None:
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
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


def _labelled(console: object, label: str, text: str) -> None:
    if text:
        _indented(console, text, f"{label:<8}")


def _indented(console: object, text: str, label: str = "  ") -> None:
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
    room = max(console.width - len(label), 20)
    # rich counts the cells that a terminal uses (two for a CJK character), textwrap counts characters.
    lines = Text(" ".join(text.split())).wrap(console, room)
    for i, line in enumerate(lines):
        console.print(Text((label if i == 0 else " " * len(label)) + line.plain.rstrip()), soft_wrap=True)


def _hanging(console: object, text: object, indent: int = 2) -> None:
    """Print a styled line; what does not fit continues below, indented."""
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
    assert isinstance(text, Text)
    room = max(console.width, 20)
    first = text.wrap(console, room)[:1]
    rest = text[len(first[0].plain) :] if first else text
    lines = [*first, *(rest.wrap(console, room - indent) if rest.plain.strip() else ())]
    for i, line in enumerate(lines):
        line.rstrip()
        if i:
            line.plain = line.plain.lstrip()
        console.print(Text.assemble(" " * indent if i else "", line), soft_wrap=True)

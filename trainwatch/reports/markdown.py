"""The result as Markdown, for an issue or a chat: verdict, cause, command, findings, changes as a diff."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainwatch.reports.sparkline import sparkline, summary
from trainwatch.reports.wording import (
    SEVERITY_SHAPE,
    SOURCES,
    STATUS_SHAPE,
    change_value,
    confidence,
    number,
    percent,
    place,
    printable,
    quantity,
    size,
)
from trainwatch.result import ENDED, Analysis, Change, Page, Panel

MAX_CURVES = 3
SPARK_WIDTH = 40


def render(analysis: Analysis) -> str:
    """Return GitHub-flavoured Markdown; text of the run can neither make markup nor mention anybody."""
    analysis = printable(analysis)
    verdict, run, page = analysis.verdict, analysis.run, analysis.page
    lines = [f"## {STATUS_SHAPE[verdict.status]} {escape(verdict.headline)}", ""]
    source = SOURCES.get(run.source, run.source)
    lines += [f"{code(run.path)} · {escape(source)} · {ENDED[run.ended_by]}", ""]
    if verdict.cause:
        lines.append(f"**Cause:** {code(verdict.cause)} (confidence {percent(verdict.confidence)})  ")
    if page.cause_reason:
        lines.append(f"**{'Why' if verdict.cause else 'Because'}:** {escape(page.cause_reason)}  ")
    if page.cost:
        lines.append(f"**Cost:** {escape(page.cost)}  ")
    lines += [f"**Note:** {escape(note)}  " for note in page.notes]
    lines.append("")
    lines += _next(page)
    lines += _curves(analysis)
    lines += _findings(analysis)
    for r in analysis.recommendations:
        answers = ", ".join(code(a) for a in r.answers)
        lines += [f"### {escape(r.id)}", "", f"For {answers}, confidence {percent(r.confidence)}.", ""]
        diff = _diff(r.changes)
        lines += [*fenced("\n".join(diff), "diff"), ""] if diff else []
        lines += [escape(r.why), "", *(f"- {escape(s)}" for s in r.steps), *([""] if r.steps else [])]
        lines += [f"Expect: {escape(r.expected)}", ""]
    checks = analysis.checks
    lines.append(
        f"<sub>{len(checks.passed)} checks passed, {len(checks.not_applicable)} not applicable, "
        f"{len(checks.could_not_run)} could not run · trainwatch {escape(page.version)}</sub>"
    )
    return "\n".join(lines) + "\n"


def _next(page: Page) -> list[str]:
    """Write what to do and to type, how sure that is, and the changes as a diff beside the command."""
    sure = f" ({confidence(page)})" if confidence(page) else ""
    lines = []
    if page.next_step:
        lines += [f"**Next:** {escape(page.next_step)}{'' if page.next_command else sure}", ""]
    if page.next_command:
        lines += [f"**Type next**{sure}", "", *fenced(page.next_command, "sh"), ""]
    if page.next_changes:
        lines += ["Changed in it:", "", *fenced("\n".join(_diff(page.next_changes)), "diff"), ""]
    if page.next_needs:
        lines += [f"**First:** {escape(page.next_needs)}", ""]
    if page.next_expected:
        lines += [f"**Expect:** {escape(page.next_expected)}", ""]
    return lines


def _diff(changes: Sequence[Change]) -> list[str]:
    """Write changes as the lines of a diff, each old value directly above the new one."""
    return [
        line
        for c in changes
        for line in (
            *([f"-{c.arg}={change_value(c.old)}"] if c.old is not None else []),
            f"+{c.arg}={change_value(c.new)}",
        )
    ]


def _findings(analysis: Analysis) -> list[str]:
    if not analysis.findings:
        return []
    rows = ["| | finding | since | measured | threshold | sure |", "|---|---|---|---|---|---|"]
    for f in analysis.findings:
        cells = [
            f"{SEVERITY_SHAPE[f.severity]} {f.severity}", code(f.id), escape(place(f.onset, analysis)),
            escape(quantity(f.measured)), escape(quantity(f.threshold)), percent(f.confidence),
        ]  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    told = [
        f"- {code(f.id)}: {escape(f.summary)}{_do(f.id, analysis.page)}"
        for f in analysis.findings
        if f.id != analysis.verdict.cause
    ]
    return [*rows, "", *told, *([""] if told else [])]


def _do(id: str, page: Page) -> str:
    return f" **Do:** {escape(page.to_do[id])}" if id in page.to_do else ""


def _curves(analysis: Analysis) -> list[str]:
    drawn = [
        line
        for p in analysis.page.panels
        if p.evidence and p.curves and not p.id.endswith("_close") and (line := _curve(p))
    ]
    return [*fenced("\n".join(drawn[:MAX_CURVES]), "text"), ""] if drawn else []


def _curve(panel: Panel) -> str:
    found = summary(panel.curves[0])
    if found is None:
        return ""
    first, last, _, high = (size(v) if panel.unit == "bytes" else number(v) for v in found)
    line = sparkline(panel.curves[0], SPARK_WIDTH, log=panel.log).ljust(SPARK_WIDTH)
    return f"{panel.title[:28]:<28} {line} {first} → {last}, max {high}"


def escape(text: str) -> str:
    """Make text mean itself in Markdown, in one line: markup, HTML, table cells, mentions and issue numbers."""
    text = " ".join(text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", text)
    text = re.sub(r"^([-+=])", r"\\\1", text)
    text = re.sub(r"^(\d+)\.(?=\s)", r"\1\\.", text)
    # A zero-width joiner after the sign keeps a chat or tracker from reading a name, a number or a link.
    return re.sub(r"([@#])(?=\w)|(?<=\w)(:)(?=//)|(?<=www)(\.)", lambda m: m[0] + "\u2060", text)


def code(text: str) -> str:
    """Write inline code, with a fence longer than any run of backticks inside."""
    text = " ".join(text.split()).replace("|", "\\|")
    fence = "`" * (max((len(m) for m in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def fenced(text: str, language: str) -> list[str]:
    """Write a block of code, with a fence longer than any run of backticks inside."""
    fence = "`" * max(3, max((len(m) for m in re.findall("`+", text)), default=0) + 1)
    return [f"{fence}{language}", text, fence]

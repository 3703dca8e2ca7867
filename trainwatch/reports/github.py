"""Findings as annotations of a GitHub workflow: one ``::error``, ``::warning`` or ``::notice`` line each.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands (data: ``%``, CR and LF are
escaped; properties: ``:`` and ``,`` as well).
"""

from __future__ import annotations

from trainwatch.reports.wording import confidence, percent, place, printable
from trainwatch.result import Analysis, Finding

COMMAND = {"critical": "error", "warning": "warning", "info": "notice"}


def render(analysis: Analysis) -> str:
    """Return the annotations, the verdict's first; nothing else of the run can be read as a workflow command."""
    analysis = printable(analysis)
    verdict, page = analysis.verdict, analysis.page
    worst = "critical" if verdict.status in ("crashed", "diverged") else "warning"
    level = COMMAND[worst] if verdict.status not in ("healthy", "unknown", "incomplete") else "notice"
    sure = f" ({confidence(page)})" if confidence(page) else ""
    said = [page.cause_reason, page.cost, f"Next: {page.next_step}" if page.next_step else ""]
    said += [f"Type next{sure}: {page.next_command}" if page.next_command else "", page.next_needs]
    lines = [annotation(level, f"trainwatch: {verdict.headline}", "\n".join(s for s in said if s))]
    lines += [
        annotation(COMMAND[f.severity], f"{f.id}: {f.title}", _message(f, analysis))
        for f in analysis.findings
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _message(finding: Finding, analysis: Analysis) -> str:
    where = place(finding.onset, analysis)
    answers = [r.id for r in analysis.recommendations if finding.id in r.answers]
    todo = f"{', '.join(answers)}." if answers else analysis.page.to_do.get(finding.id, "")
    do = f" Do: {todo}" if todo else ""
    return f"{finding.summary} ({where + ', ' if where else ''}confidence {percent(finding.confidence)}){do}"


def annotation(level: str, title: str, message: str) -> str:
    """Write one workflow command."""
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

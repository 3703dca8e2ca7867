"""From findings to one sentence: which fault came first, what followed from it, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trainwatch.result import NUMERIC, Context, Finding, RunSummary, Status, Verdict

CREEP = ("memory-creep", "host-memory-creep")

COSTS = (
    "lr-overridden", "loss-imbalance", "memory-fragmentation", "near-memory-limit", "throughput-drop", "dataloader-bound",
    "rank-straggler",
)  # fmt: skip
"""Faults that cost time, or that lie in the settings: they are the verdict only where nothing worse is found."""

NEAR_STEPS = 50
NEAR_EPOCHS = 1
"""Onsets closer than this are one incident, told in causal order; no detector dates an onset more finely."""


class Judgement(NamedTuple):
    """The verdict and why."""

    verdict: Verdict
    reason: str


def judge(run: RunSummary, findings: Sequence[Finding], context: Context, ending_reason: str) -> Judgement:
    """Decide the verdict.

    Args:
        run: What was read, and how it ended.
        findings: All findings, worst first.
        context: For names of epochs.
        ending_reason: One sentence on how it ended.
    """
    by_id = {f.id: f for f in findings}
    critical = {f.id: f for f in findings if f.severity == "critical"}
    numeric = _first([critical[i] for i in NUMERIC if i in critical])
    creep = next((by_id[i] for i in CREEP if i in by_id), None)

    if numeric is not None:
        died = run.ended_by in ("exception", "oom", "killed")
        return _told(run, "diverged", numeric, findings, died)
    if run.ended_by == "oom" and "out-of-memory" in by_id:
        cause = creep if creep is not None and creep.severity == "critical" else by_id["out-of-memory"]
        return _told(run, "crashed", cause, findings, True)
    if run.ended_by == "killed" and "killed" in by_id:
        cause = creep if creep is not None and creep.severity == "critical" else by_id["killed"]
        return _told(run, "crashed", cause, findings, True)
    if run.ended_by in ("exception", "oom", "killed"):
        return Judgement(
            Verdict("crashed", f"Crashed {_after(run, context)}: {ending_reason}", None, 0.9), ending_reason
        )
    if run.steps == 0 and run.epochs == 0:
        return Judgement(
            Verdict("unknown", "Nothing to judge: the record holds no step and no epoch", None, 0.0),
            "A training that ends before its first step leaves no curve.",
        )
    if creep is not None and creep.severity in ("critical", "warning"):
        return _told(run, "degraded", creep, findings, False)
    ranked = sorted(findings, key=lambda f: f.id in COSTS)
    warning = next((f for f in ranked if f.severity in ("critical", "warning") and f.id != "truncated-run"), None)
    if warning is not None and warning.id == "plateau":
        return _told(run, "stalled", warning, findings, False)
    if warning is not None:
        return _told(run, "degraded", warning, findings, False)
    if run.ended_by == "running":
        return Judgement(
            Verdict("healthy", f"Running, nothing wrong so far ({_progress(run)})", None, 0.7), ending_reason
        )
    if run.ended_by in ("truncated", "signal") or (
        run.ended_by == "unknown" and run.planned_epochs is not None and run.epochs < run.planned_epochs
    ):
        log_ends = by_id.get("truncated-run")
        headline = f"Incomplete: it stopped after {_progress(run)}, and nothing in the record says that it was failing"
        return Judgement(
            Verdict(
                "incomplete", headline, log_ends.id if log_ends else None, log_ends.confidence if log_ends else 0.6
            ),
            ending_reason,
        )
    headline = f"Healthy: {_progress(run)}{', stopped early by patience' if run.ended_by == 'early-stop' else ''}"
    return Judgement(Verdict("healthy", headline, None, 0.8), "No check found a fault that costs quality or time.")


def _first(findings: Sequence[Finding]) -> Finding | None:
    """Return the first cause: the earliest onset, or of those that belong to one incident the first in causal order."""
    dated = [f for f in findings if f.onset is not None]
    if not dated:
        return findings[0] if findings else None
    earliest = min(dated, key=_at)
    together = [f for f in dated if _near(f, earliest)]
    return min(together, key=lambda f: NUMERIC.index(f.id))


def _at(finding: Finding) -> tuple[int, int]:
    onset = finding.onset
    assert onset is not None  # callers keep dated findings only
    return (onset.epoch or 0, onset.step if onset.step is not None else 0)


def _near(a: Finding, b: Finding) -> bool:
    if a.onset is None or b.onset is None:
        return False
    if a.onset.step is not None and b.onset.step is not None:
        return abs(a.onset.step - b.onset.step) <= NEAR_STEPS
    return abs((a.onset.epoch or 0) - (b.onset.epoch or 0)) <= NEAR_EPOCHS


def _told(run: RunSummary, status: Status, cause: Finding, findings: Sequence[Finding], died: bool) -> Judgement:
    verb = {"diverged": "Diverged", "crashed": "Crashed", "stalled": "Stalled", "degraded": "Degraded"}[status]
    followed = [
        f.title[0].lower() + f.title[1:]
        for f in findings
        if f.id != cause.id and f.severity == "critical" and f.onset is not None and cause.onset is not None
        and (_at(f) >= _at(cause) or _near(f, cause))
    ]  # fmt: skip
    end = {"exception": "an exception ended it", "oom": "it ran out of memory", "killed": "the process was killed"}
    tail = (
        f"; {end[run.ended_by]} after {_progress(run)}" if died and cause.id not in ("killed", "out-of-memory") else ""
    )
    headline = f"{verb}: {cause.title[0].lower() + cause.title[1:]}{tail}"
    reason = cause.summary + (f" What followed: {'; '.join(followed)}." if followed else "")
    return Judgement(Verdict(status, headline, cause.id, round(cause.confidence, 2)), reason)


def _progress(run: RunSummary) -> str:
    return f"{run.epochs} of {run.planned_epochs} epochs" if run.planned_epochs else f"{run.epochs} epochs"


def _after(run: RunSummary, context: Context) -> str:
    return f"after {_progress(run)}" if run.epochs or context.planned_epochs else "before the first epoch ended"

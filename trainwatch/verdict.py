"""From findings to one sentence: which fault came first, what followed from it, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from trainwatch.result import NUMERIC, Context, Finding, Recommendation, RunSummary, Status, Verdict

CREEP = ("memory-creep", "host-memory-creep")

CAUSAL = (
    "missing-labels", *NUMERIC, "dead-output", "gradient-vanishing", "metric-frozen", "no-learning", "overfitting",
    "unstable-training", "degraded-after-best", "plateau", "premature-early-stop",
)  # fmt: skip
"""Causes before what follows from them: without labels nothing is learnt, numbers that end freeze the metrics, layers
that get no gradient learn nothing more, a model that memorises its images stands still on others."""

STALLS = ("missing-labels", "metric-frozen", "no-learning", "plateau")
"""Faults by which a training makes no progress; the others make it worse."""

NO_FAULT = ("truncated-run", "metrics-not-measured")
"""Warnings about the record rather than the training; they have verdicts of their own."""

COSTS = (
    "lr-overridden", "loss-imbalance", "unusual-arguments", "unshuffled-data", "tiny-validation", "memory-fragmentation",
    "near-memory-limit",
    "throughput-drop", "dataloader-bound", "rank-straggler",
)  # fmt: skip
"""Faults that cost time, or that lie in the settings: they are the verdict only where nothing worse is found."""

DIED = ("killed", "native-crash", "machine-down")
"""Ways to vanish; the finding that tells of one bears the same name."""

STOPPED = ("signal", "stopped", "truncated")
"""Ways to end before the plan is done that are no fault of the training's own."""

ROOT_SURE = 0.5
"""Confidence of an advice from which the argument that it changes is named as what made the fault."""

SLOWS = ("throughput-drop", "dataloader-bound", "rank-straggler")
"""Of those what costs time; as information it costs little."""

FEW_EPOCHS, FEW_STEPS = 2, 20
"""A record that holds no more than this has no curve: no check can find a fault in it, so that it found none says nothing."""

NEAR_STEPS = 50
NEAR_EPOCHS = 1
NEAR_SHARE = 0.1
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
    numeric = _first([critical[i] for i in NUMERIC if i in critical], findings)
    creep = next((by_id[i] for i in CREEP if i in by_id), None)

    if numeric is not None:
        died = run.ended_by in ("exception", "oom", *DIED)
        return _told(run, "diverged", numeric, findings, died)
    if run.ended_by == "oom" and "out-of-memory" in by_id:
        cause = creep if creep is not None and creep.severity == "critical" else by_id["out-of-memory"]
        return _told(run, "crashed", cause, findings, True)
    if run.ended_by in DIED and run.ended_by in by_id:
        fits = run.ended_by == "killed" and creep is not None and creep.severity == "critical"
        cause = creep if creep is not None and fits else by_id[run.ended_by]
        return _told(run, "crashed", cause, findings, True)
    if run.ended_by in ("exception", "oom", *DIED):
        return Judgement(
            Verdict("crashed", f"Crashed {_after(run)}: {_first_sentence(ending_reason)}", None, 0.9), ending_reason
        )
    if run.steps == 0 and run.epochs == 0:
        return Judgement(
            Verdict("unknown", "Nothing to judge: the record holds no step and no epoch", None, 0.0),
            "A training that ends before its first step leaves no curve.",
        )
    if creep is not None and creep.severity in ("critical", "warning"):
        return _told(run, "degraded", creep, findings, False)
    fault = _worst_fault(run, findings)
    if fault is not None:
        return _told(run, "stalled" if fault.id in STALLS else "degraded", fault, findings, False)
    if run.ended_by == "running":
        return Judgement(
            Verdict("healthy", f"Running, nothing wrong so far ({_progress(run)})", None, 0.7), ending_reason
        )
    if run.ended_by in ("truncated", "signal", "stopped") or (
        run.ended_by == "unknown" and run.planned_epochs is not None and run.epochs < run.planned_epochs
    ):
        return _incomplete(run, by_id, findings, ending_reason)
    if "metrics-not-measured" in by_id and by_id["metrics-not-measured"].severity == "warning":
        return _blind(run, by_id["metrics-not-measured"])
    if "no-learning" in by_id:
        return _too_early(run, by_id["no-learning"])
    if run.epochs <= FEW_EPOCHS and run.steps <= FEW_STEPS:
        return _too_short(run)
    return _healthy(run, by_id, findings)


def _incomplete(
    run: RunSummary, by_id: Mapping[str, Finding], findings: Sequence[Finding], ending_reason: str
) -> Judgement:
    log_ends = by_id.get("truncated-run")
    said = "nothing in the record says that it was failing"
    if "no-learning" in by_id:
        said = "nothing had been learnt yet, which is too early to judge"
    elif "metrics-not-measured" in by_id:
        said = "its metrics were not measured"
    headline = f"Incomplete: it stopped after {_progress(run)}, and {said}"
    verdict = Verdict(
        "incomplete", headline, log_ends.id if log_ends else None, log_ends.confidence if log_ends else 0.6
    )
    return Judgement(verdict, _with_remarks(f"{ending_reason}", findings, log_ends))


def _blind(run: RunSummary, finding: Finding) -> Judgement:
    headline = f"Unknown: {_progress(run)}, and no metric was ever measured"
    return Judgement(Verdict("unknown", headline, finding.id, round(finding.confidence, 2)), finding.summary)


def _too_early(run: RunSummary, finding: Finding) -> Judgement:
    headline = f"Too early to judge: {_progress(run)}, and nothing learnt yet"
    return Judgement(Verdict("unknown", headline, finding.id, round(finding.confidence, 2)), finding.summary)


def _too_short(run: RunSummary) -> Judgement:
    held = _counted(run.epochs, "epoch") + (f" and {_counted(run.steps, 'step')}" if run.steps else "")
    return Judgement(
        Verdict("unknown", f"Too early to judge: the record holds {held}", None, 0.0),
        f"A curve of no more than {FEW_EPOCHS} epochs and {FEW_STEPS} steps shows no fault, whether there is one or not.",
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _healthy(run: RunSummary, by_id: Mapping[str, Finding], findings: Sequence[Finding]) -> Judgement:
    headline = f"Healthy: {_progress(run)}{', stopped early by patience' if run.ended_by == 'early-stop' else ''}"
    level = by_id.get("plateau")
    if level is not None:
        headline += f", {level.title[0].lower()}{level.title[1:]}"
    found = "No check found a fault that costs quality or time."
    if any(f.id in SLOWS for f in findings):
        found = "No check found a fault that costs quality or much time."
    reason = _with_remarks(found, findings, level)
    return Judgement(Verdict("healthy", headline, None, 0.8), reason)


def _with_remarks(reason: str, findings: Sequence[Finding], told: Finding | None) -> str:
    """Add the titles of what is only information, so that nobody wonders whether it was seen."""
    remarks = [_lower(f.title) for f in findings if f.severity == "info" and f is not told]
    if not remarks:
        return reason
    return f"{reason.rstrip('.')}. Worth knowing: {'; '.join(remarks)}."


def _worst_fault(run: RunSummary, findings: Sequence[Finding]) -> Finding | None:
    """Return the first cause among what costs quality: of the gravest severity the earliest, or what caused that."""
    for severity in ("critical", "warning"):
        faults = [f for f in findings if f.severity == severity and f.id not in NO_FAULT]
        faults = [f for f in faults if f.id not in COSTS] or faults
        dated = [f for f in faults if f.onset is not None]
        if dated:
            earliest = min(dated, key=_at)
            # A curve bends slowly, so the onset of such a fault is known to about a tenth of the run.
            near = max(NEAR_EPOCHS, round(NEAR_SHARE * run.epochs))
            together = [f for f in dated if _epoch(f) - _epoch(earliest) <= near]
            first = min(together, key=lambda f: _place(f.id))
            return _by_heart(first, faults) or first
        if faults:
            return faults[0]
    return None


def _by_heart(first: Finding, faults: Sequence[Finding]) -> Finding | None:
    """Return the overfitting behind a score that stands still while the training loss falls: it is what limits it."""
    if first.id != "plateau" or not first.detail.get("training_loss_falls"):
        return None
    return next((f for f in faults if f.id == "overfitting"), None)


def _epoch(finding: Finding) -> int:
    return finding.onset.epoch or 0 if finding.onset is not None else 0


def _place(id: str) -> int:
    return CAUSAL.index(id) if id in CAUSAL else len(CAUSAL)


def _first(findings: Sequence[Finding], others: Sequence[Finding]) -> Finding | None:
    """Return the first cause of a divergence.

    The earliest onset, or of those that belong to one incident the first in causal order. A fault that is only a
    warning by itself, but began the incident, is the cause as well.
    """
    dated = [f for f in findings if f.onset is not None]
    if not dated:
        return findings[0] if findings else None
    earliest = min(dated, key=_at)
    sparks = [f for f in others if f.id in NUMERIC and f.severity == "warning" and f.onset is not None]
    together = [f for f in (*dated, *sparks) if _near(f, earliest)]
    return min(together, key=lambda f: _place(f.id))


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
    consequences = _consequences(cause, findings)
    sooner = [f for f in consequences if _steps_before(f, cause) > 0 or _epoch(f) < _epoch(cause)]
    followed = [_lower(f.title) for f in consequences if f not in sooner]
    end = {
        "exception": "an exception ended it", "oom": "it ran out of memory", "killed": "the process was killed",
        "native-crash": "native code crashed", "machine-down": "the machine went down",
    }  # fmt: skip
    tail = f"; {end[run.ended_by]} after {_progress(run)}" if died and cause.id not in (*DIED, "out-of-memory") else ""
    if not died and not tail and run.ended_by in STOPPED and run.epochs < (run.planned_epochs or 0):
        tail = f"; it stopped after {_progress(run)}"
    stood = next((f for f in findings if f.id == "plateau" and cause.id == "overfitting" and _before(f, cause)), None)
    # Dates in order: what stood still first, also where the overfitting is the cause.
    headline = f"{verb}: {f'{_lower(stood.title)}, ' if stood is not None else ''}{_lower(cause.title)}{tail}"
    reason = cause.summary
    for finding in sooner:
        # One incident is told in causal order, but what a reader sees first in the curves must not be said to follow.
        before = _steps_before(finding, cause)
        if before:
            reason += f" With it, {before} step{'' if before == 1 else 's'} before: {_lower(finding.title)}."
        else:
            reason += f" With it, and a little sooner: {_lower(finding.title)}."
    reason += f" What followed: {'; then '.join(followed)}." if followed else ""
    return Judgement(Verdict(status, headline, cause.id, round(cause.confidence, 2)), reason)


def _steps_before(finding: Finding, other: Finding) -> int:
    """Return by how many steps one onset lies before another's; 0 where that is not known, or it does not."""
    steps = [f.onset.step if f.onset is not None else None for f in (finding, other)]
    if steps[0] is None or steps[1] is None:
        return 0
    return max(steps[1] - steps[0], 0)


def _before(finding: Finding, other: Finding) -> bool:
    return finding.onset is not None and other.onset is not None and _at(finding) <= _at(other)


def with_score(judgement: Judgement, score: str) -> Judgement:
    """Put the best score into the headline of a healthy run: that is what its reader wants to know.

    Args:
        judgement: Any.
        score: The score and where it was reached; empty if there is none.
    """
    verdict = judgement.verdict
    if verdict.status != "healthy" or not score or verdict.headline.startswith("Running"):
        return judgement
    return Judgement(replace(verdict, headline=", ".join((verdict.headline, f"best score {score}"))), judgement.reason)


def with_dates(judgement: Judgement, findings: Sequence[Finding], best: str) -> Judgement:
    """Put the dates of a run that stood still and overfitted in order: several beside each other puzzle a reader.

    Args:
        judgement: Any.
        findings: All findings.
        best: A sentence on where the best score is; empty if it is not known.
    """
    dated = [f for f in findings if f.id in ("plateau", "overfitting") and f.severity != "info" and f.onset is not None]
    if len(dated) < 2 or judgement.verdict.cause not in {f.id for f in dated}:
        return judgement
    told = [_lower(f.title) for f in sorted(dated, key=_at)]
    return Judgement(
        judgement.verdict, " ".join(filter(None, (judgement.reason, f"In order: {'; then '.join(told)}.", best)))
    )


def with_root(judgement: Judgement, recommendations: Sequence[Recommendation]) -> Judgement:
    """Put the argument that made the fault into the headline and before the reason, where an advice for it names one."""
    verdict = judgement.verdict
    named = [r for r in recommendations if r.root and verdict.cause in r.answers and r.confidence >= ROOT_SURE]
    if not named:
        return judgement
    by = max(named, key=lambda r: r.confidence)
    return Judgement(
        replace(verdict, headline=f"{verdict.headline}; {by.root}"),
        f"{_because(by)} {judgement.reason}",
    )


def _because(by: Recommendation) -> str:
    """Say why with the sentence of the advice that explains the root (what "usual" means), or else with the root alone."""
    sure = f"{100 * by.confidence:.0f} % sure"
    argument = by.root.split(" ", 1)[0]
    told = next((s for s in re.split(r"(?<=\.)\s+(?=\S)", by.why) if s.startswith(f"{argument} is ")), "")
    return f"Most likely ({sure}): {told}" if told else f"Most likely because {by.root} ({sure})."


def _consequences(cause: Finding, findings: Sequence[Finding]) -> list[Finding]:
    """Return what followed from the cause, in order: later critical faults, and whatever stands behind it in the chain."""
    if cause.onset is None:
        return []
    later = [
        f for f in findings if f.id != cause.id and f.onset is not None and (_at(f) >= _at(cause) or _near(f, cause))
    ]
    known = len(CAUSAL)
    behind = [
        f for f in later
        if f.severity == "critical" or (f.severity == "warning" and _place(cause.id) < known and _place(f.id) < known
                                        and (_place(cause.id) < _place(f.id) or not _near(f, cause)))
    ]  # fmt: skip
    # Onsets of one incident are told in causal order: no detector dates an onset more finely.
    return sorted(behind, key=lambda f: ((0, 0) if _near(f, cause) else _at(f), _place(f.id)))


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]


def _progress(run: RunSummary) -> str:
    return f"{run.epochs} of {run.planned_epochs} epochs" if run.planned_epochs else f"{run.epochs} epochs"


def _after(run: RunSummary) -> str:
    return f"after {_progress(run)}" if run.epochs else "before the first epoch ended"


def _first_sentence(message: str) -> str:
    """Return what a headline needs of a message; the whole stands in the reason below it."""
    return re.split(r"(?<=[a-z]\.)\s+(?=[A-Z])", message, maxsplit=1)[0]

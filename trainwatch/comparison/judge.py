"""Did the change help? Findings and measures to one answer, with reasons.

How it is decided, in this order:
    1. A critical fault that most runs of one side have and no run of the other is decisive, unless another came.
    2. Else what is measured on the validation set decides (``measures.py``): the difference must lie outside the noise
       (``noise.py``).
    3. If the two contradict each other, or nothing could be measured, the answer is "could not tell".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trainwatch.compared import Answer, ArgumentChange, By, Difference, FindingChange
from trainwatch.comparison.member import Member
from trainwatch.comparison.noise import SEED_FACTOR, Late, seeds_needed
from trainwatch.result import SEVERITIES
from trainwatch.signals.curves import MIN_SCORE

SAME_DATA = ("data", "imgsz", "val", "split")
"""Arguments that change what is validated."""

COUNTS = {"score": 0.01, "val_loss": 0.01}
"""Differences that a person would call one: a point of mAP; a hundredth of a validation loss, as a share of it."""

SURE = 0.95
"""Confidence of a difference outside its 95 % interval, seeds given."""

SURE_BY_SCATTER = 0.75
"""The same where the noise is a guess from one run each."""

FROM_OUTSIDE = frozenset({"killed", "truncated-run"})
"""Critical findings that say how a record ends, not what the training did; they decide nothing."""


def changed_findings(old: Sequence[Member], new: Sequence[Member]) -> tuple[FindingChange, ...]:
    """Say which findings went, came and stayed; worst first, changes before what stayed."""
    counts: list[Mapping[str, int]] = []
    known: dict[str, tuple[int, str]] = {}
    for side in (old, new):
        count: dict[str, int] = {}
        for member in side:
            for id in {f.id for f in member.analysis.findings}:
                count[id] = count.get(id, 0) + 1
            for f in member.analysis.findings:
                rank = SEVERITIES.index(f.severity)
                if f.id not in known or rank < known[f.id][0]:
                    known[f.id] = (rank, f.title)
        counts.append(count)
    made = []
    for id, (rank, title) in known.items():
        a, b = counts[0].get(id, 0), counts[1].get(id, 0)
        change = "went" if not b else "came" if not a else "stayed"
        made.append(FindingChange(id, SEVERITIES[rank], change, a, b, title))  # type: ignore[arg-type]
    return tuple(sorted(made, key=lambda f: (f.change == "stayed", SEVERITIES.index(f.severity), f.id)))


Judged = tuple[Answer, str, float, list[str]]


def judge(
    findings: Sequence[FindingChange],
    differences: Sequence[Difference],
    ends: tuple[Sequence[Late], Sequence[Late]],
    old: Sequence[Member],
    new: Sequence[Member],
) -> Judged:
    """Return answer, headline, confidence and reasons."""
    faults = [f for f in findings if f.severity == "critical" and f.id not in FROM_OUTSIDE]
    shown = sum(not _too_short(m) for m in new)  # where no fault shows, none is cured
    went = [f for f in faults if f.change == "went" and 2 * f.old_runs > len(old) and 2 * shown > len(new)]
    came = [f for f in faults if f.change == "came" and 2 * f.new_runs > len(new)]
    measure = next((d for d in differences if d.decides), None)
    direction = measure.direction if measure is not None else 0
    fault = bool(went) - bool(came)
    reasons = _fault_reasons(went, came, old, new)
    if measure is not None:
        reasons.append(_measure_reason(measure))
    if fault and direction in (0, fault):
        answer: Answer = "helped" if fault > 0 else "harmed"
        faults = went if fault > 0 else came
        names = _listed(faults)
        told = (
            f"The change helped: {names} {'are' if faults[1:] else 'is'} gone"
            if fault > 0
            else f"The change did harm: {names} {'are' if faults[1:] else 'is'} new"
        )
        headline = (
            f"{told}, and the {_short(measure)} is {'better' if direction > 0 else 'worse'}" if direction else told
        )
        return answer, headline, _fault_confidence(went if fault > 0 else came, old if fault > 0 else new), reasons
    if fault:
        gone = went[0].id if fault > 0 else came[0].id
        what = f"{gone} is gone, but" if fault > 0 else f"{gone} came, yet"
        return (
            "could-not-tell",
            f"Could not tell: {what} the {_short(measure)} is {'better' if direction > 0 else 'worse'}",
            0.5,
            reasons,
        )
    if measure is None or measure.low is None or (went and came and not direction):
        return "could-not-tell", f"Could not tell: {_why_not(measure, went, came)}", 0.0, reasons
    if direction:
        confidence = SURE if measure.noise == "seeds" else SURE_BY_SCATTER
        return (
            "helped" if direction > 0 else "harmed",
            f"The change {'helped' if direction > 0 else 'did harm'}: the {_short(measure)} went from {_number(measure.old)} "
            f"to {_number(measure.new)}",
            confidence,
            reasons,
        )
    reasons.append(_what_could_hide(measure, ends))
    return (
        "no-difference",
        f"No difference beyond the noise: the {_short(measure)} is {_number(measure.old)} before and "
        f"{_number(measure.new)} after",
        SURE if measure.noise == "seeds" else SURE_BY_SCATTER,
        reasons,
    )


def _too_short(member: Member) -> bool:
    """Whether the record holds too little to show a fault: nothing is known of it, and no finding is why."""
    verdict = member.analysis.verdict
    return verdict.status == "unknown" and verdict.cause is None


def _short(measure: Difference | None) -> str:
    assert measure is not None  # only a measure has a direction, or a value
    return measure.title.split(" (")[0].lower()


def _number(value: float | None) -> str:
    return format(np.nan if value is None else value, ".4g")


def _listed(faults: Sequence[FindingChange]) -> str:
    ids = [f.id for f in faults]
    return " and ".join([", ".join(ids[:-1]), ids[-1]] if ids[1:] else ids)


def _fault_reasons(
    went: Sequence[FindingChange], came: Sequence[FindingChange], old: Sequence[Member], new: Sequence[Member]
) -> list[str]:
    """Say which critical faults went and came; with several runs on a side in how many of them."""
    if len(old) == len(new) == 1:
        said = [f"Critical before, and gone now: {_listed(went)}." if went else ""]
        said.append(f"Critical now, and not there before: {_listed(came)}." if came else "")
        return [s for s in said if s]
    return [
        f"{f.id} (critical) {'went' if f.change == 'went' else 'came'}: {f.old_runs} of {len(old)} runs before, "
        f"{f.new_runs} of {len(new)} after."
        for f in (*went, *came)
    ]


def _fault_confidence(faults: Sequence[FindingChange], side: Sequence[Member]) -> float:
    """How sure it is that the fault was there; that it is gone is as sure as a check that passed."""
    found = [f.confidence for m in side for f in m.analysis.findings if f.id in {x.id for x in faults}]
    return max(found, default=0.5)


def _measure_reason(d: Difference) -> str:
    if d.difference is not None and d.low is None:
        return f"{d.title}: below {MIN_SCORE} on both sides, nothing has been learnt yet."
    if d.difference is None or d.low is None or d.high is None:
        return f"{d.title}: too few validated epochs for a level on both sides."
    half = (d.high - d.low) / 2
    said = (
        f"{d.title}: {_number(d.old)} before, {_number(d.new)} after, a difference of {d.difference:+.3g} ± {half:.2g}"
    )
    if d.noise == "seeds":
        return f"{said} (95 % interval, from the seeds given)."
    return (
        f"{said} (95 % interval, estimated from how far each run swings from epoch to epoch, times {SEED_FACTOR:.3g}; other "
        "seeds may differ more)."
    )


def _what_could_hide(d: Difference, ends: tuple[Sequence[Late], Sequence[Late]]) -> str:
    """Say how large a difference may still be there, and how many seeds would show one that counts."""
    assert d.low is not None
    assert d.high is not None
    largest = max(abs(d.low), abs(d.high))
    counts = COUNTS["score"] if d.id == "score" else COUNTS["val_loss"] * abs(d.old or 0.0)
    if largest <= counts:
        return f"A difference of more than {largest:.2g} is ruled out."
    if d.noise == "seeds" and all(len(side) > 1 for side in ends):
        sd = float(np.sqrt(np.mean([np.var([r.level for r in side], ddof=1) for side in ends])))
    else:
        sd = SEED_FACTOR * float(np.sqrt(np.mean([r.scatter**2 for side in ends for r in side])))
    seeds = seeds_needed(sd, counts)
    return (
        f"A difference of up to {largest:.2g} may hide in the noise; {seeds} seeds on each side would show a difference "
        f"of {counts:.2g}."
    )


def _why_not(measure: Difference | None, went: Sequence[FindingChange], came: Sequence[FindingChange]) -> str:
    if went and came:
        return f"{went[0].id} went, {came[0].id} came"
    if measure is None:
        return "the runs share no validation measure that may be compared"
    if measure.difference is not None:
        return f"the {_short(measure)} stayed at zero on both sides"
    return f"too few epochs with a {_short(measure)} on both sides"


def caveats(
    arguments: Sequence[ArgumentChange],
    differences: Sequence[Difference],
    old: Sequence[Member],
    new: Sequence[Member],
    upto: float | None,
    by: By,
    at_end: bool,
) -> list[str]:
    """Return what the answer rests on, or may mislead in it."""
    said = []
    first = max(m.analysis.page.first_epoch for m in (*old, *new))
    decides = any(d.decides and d.difference is not None for d in differences)
    ends = {m.analysis.run.epochs for m in (*old, *new)}
    if decides and upto is not None:
        at = f"epoch {upto + first:.0f}" if by == "epoch" else f"step {upto:.0f}" if by == "step" else f"{upto:.0f} s"
        why = "not all came to their end" if at_end else f"compared by {by}"
        said.append(f"Levels are those up to {at}, the last that all runs reached ({why}).")
    elif decides and len(ends) > 1:
        said.append(
            "The runs have different lengths; each is judged at its own end. --by epoch compares at equal length."
        )
    changed = {c.arg for c in arguments}
    data = [a for a in SAME_DATA if a in changed]
    if data:
        said.append(f"What is validated may not be the same: {', '.join(data)} differs.")
    if not arguments and any(m.run.args for m in old) and any(m.run.args for m in new):
        said.append("No argument differs.")
    elif changed == {"seed"}:
        said.append("Only the seed differs.")
    if not all(m.run.args or m.run.requested for m in (*old, *new)):
        said.append("The arguments of some runs were not recorded; what was changed is not known.")
    return said

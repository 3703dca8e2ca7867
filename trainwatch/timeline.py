"""What happened one after the other: precursors, onsets, what trainer and stabilisers did, the end. In the run's own order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainwatch.result import Finding, Moment, Where
from trainwatch.runs import Ending, Run

TOLD: Final = ("nan_recovery", "mosaic_closed", "oom", "stage", "lr_restart", "exception", "signal")
"""Events that may be a cause or a consequence. Checkpoints and single interventions stand in the table of events."""

PRECURSORS: Final = {
    "precursor_steps": "the gradient norm gives a warning",
    "update_precursor_steps": "the weights begin to move further than usual",
}
"""Entry of a finding's detail, in steps before its onset, and what it says."""

SAID_BY_FINDING: Final = ("killed", "native-crash", "machine-down")
"""Ways to end that a finding tells already: the end is not told a second time."""

MAX_MOMENTS: Final = 16
"""A story, not a log."""


def build(run: Run, findings: Sequence[Finding], ending: Ending) -> tuple[Moment, ...]:
    """Return the story of a run with a fault, oldest first; empty where there is none to tell.

    Args:
        run: Any run.
        findings: Its findings.
        ending: How it ended.
    """
    dated = [f for f in findings if f.onset is not None and f.severity != "info"]
    if not dated:
        return ()
    moments = [*_jumps(dated), *(m for f in dated for m in _of(f))]
    moments += [_event(e) for e in run.events if e.get("kind") in TOLD and _placed(e)]
    moments = sorted(moments, key=lambda m: _order(run, m.where))[:MAX_MOMENTS]
    told = any(ending.reason and ending.reason in m.text for m in moments)
    if ending.kind in SAID_BY_FINDING and any(m.finding == ending.kind for m in moments):
        return tuple(moments)
    return (*moments, Moment("end", _last(run, ending), f"the run {ending.words(not told)}"))


def _last(run: Run, ending: Ending) -> Where:
    """Return the last place that was recorded; a step that did not come to its end has no row, but its epoch is known."""
    rows = run.step_series("epoch")
    if len(rows):
        begun = _whole((ending.event or {}).get("epoch"))
        return Where(step=int(rows.step[-1]), epoch=max(int(rows.values[-1]), begun if begun is not None else 0))
    return Where(epoch=run.epochs_done - 1) if run.epochs_done else Where()


def _of(finding: Finding) -> list[Moment]:
    onset = finding.onset
    assert onset is not None
    made = [Moment("onset", onset, finding.title, finding.id)]
    for key, what in PRECURSORS.items():
        ahead = finding.detail.get(key)
        if isinstance(ahead, int | float) and ahead > 0 and onset.step is not None and ahead <= onset.step:
            text = f"{what}, {ahead:.0f} steps before"
            made.append(Moment("precursor", Where(step=onset.step - int(ahead)), text, finding.id))
    return made


def _jumps(findings: Sequence[Finding]) -> list[Moment]:
    """Return each jump of the learning rate once, however many findings came after it."""
    made: dict[int, Moment] = {}
    for finding in findings:
        step, before, after = (finding.detail.get(f"lr_{n}") for n in ("jump_step", "before_jump", "after_jump"))
        if isinstance(step, int) and isinstance(before, int | float) and isinstance(after, int | float):
            text = f"the learning rate jumps from {before:.3g} to {after:.3g}"
            made.setdefault(step, Moment("precursor", Where(step=step), text, finding.id))
    return list(made.values())


def _event(event: Mapping[str, Any]) -> Moment:
    where = Where(step=_whole(event.get("step")), epoch=_whole(event.get("epoch")))
    return Moment("event", where, str(event.get("message") or str(event.get("kind")).replace("_", " ")))


def _placed(event: Mapping[str, Any]) -> bool:
    return _whole(event.get("step")) is not None or _whole(event.get("epoch")) is not None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _order(run: Run, where: Where) -> tuple[float, int]:
    """Return the epoch, with a fraction by the step where that is known: moments of a CSV have epochs only."""
    keys = run.step_series("epoch")
    if where.step is not None and len(keys):
        at = min(int(keys.step.searchsorted(where.step)), len(keys) - 1)
        return (float(keys.values[at]), where.step)
    return (float(where.epoch or 0), where.step or 0)

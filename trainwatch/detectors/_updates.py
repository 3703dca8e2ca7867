"""How many optimizer steps a plan holds, and whether they were enough."""

from __future__ import annotations

from trainwatch.detectors._curves import read_score
from trainwatch.detectors._record import count
from trainwatch.detectors.base import View
from trainwatch.runs import Run


def planned_batches(run: Run) -> int | None:
    """Return the batches of the whole plan; None if the record does not tell."""
    per_epoch = count(run, "loop", "steps_per_epoch")
    return run.planned_epochs * per_epoch if per_epoch and run.planned_epochs else None


def accumulate(run: Run) -> int | None:
    """Return the batches behind one optimizer step; None if the record does not tell."""
    return count(run, "loop", "accumulate") or None


def learns(view: View) -> bool:
    """Tell whether a score shows that something was learnt: then a setting that promised nothing did no harm."""
    score = read_score(view)
    return score is not None and not score.is_loss and score.learnt

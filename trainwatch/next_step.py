"""What a person would do next where nothing is to be typed: a run without a fault, or a cure that is no argument."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainwatch.frames import innermost
from trainwatch.result import Finding, Recommendation, Verdict
from trainwatch.runs import Run
from trainwatch.runs.run import FINISHED
from trainwatch.signals.trend import theil_sen

LATE_SHARE = 0.2
"""Share of the validated epochs, from the end, in which a score that rises has not come to its end."""
MIN_LATE = 8
"""Epochs at the end that tell whether the score still rises, at least."""
WORTH = 0.02
"""Share of its level by which the score must rise within these epochs, so that more of them are worth their time."""


def next_step(
    run: Run,
    ended_by: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    recommendations: Sequence[Recommendation],
    path: str,
) -> str:
    """Return one or two sentences; empty where the command says it all, or nothing sensible can be said.

    Args:
        run: Any run.
        ended_by: How it ended.
        verdict: The verdict.
        findings: All findings.
        recommendations: The prescription.
        path: The run, as the user named it.
    """
    if verdict.status != "healthy":
        if ended_by == "exception":
            return _mend(run)
        return (recommendations[0].steps or (recommendations[0].why,))[0] if recommendations else ""
    named = shlex.quote(path)
    if ended_by == "running":
        fine = "" if any(f.severity != "info" for f in findings) else "Nothing needs to be changed. "
        return f"{fine}Follow it: `trainwatch live {named}`"
    if ended_by not in FINISHED:
        return ""
    compare = f"to judge a change, train again with it, then `trainwatch compare {named} NEW_RUN`"
    if any(f.id == "plateau" for f in findings):
        return (
            "Nothing needs to be changed, and going on from here would gain nothing. For a better score try a longer "
            f"schedule, a larger model, larger images or more data; {compare}"
        )
    gain = _late_gain(run)
    if gain is not None:
        rise, epochs = gain
        return (
            f"Nothing needs to be changed, and there is more to gain: the score still rose by {rise:.2g} in the last "
            f"{epochs} epochs. Train longer; {compare}"
        )
    return f"Nothing needs to be changed. T{compare[1:]}"


def _mend(run: Run) -> str:
    """Name the line that an exception came from; empty if the record has no traceback."""
    data: Mapping[str, Any] = next(
        (e.get("data") or {} for e in reversed(run.events) if e.get("kind") == "exception"), {}
    )
    frame = innermost(str(data.get("traceback") or ""))
    if frame is None:
        return ""
    file, line, function = frame
    return (
        f"Mend {file}, line {line} (in {function}), where the {data.get('type', 'exception')} came from; then go on from the "
        "last checkpoint"
    )


def _late_gain(run: Run) -> tuple[float, int] | None:
    """Return by how much the score still rose, and in how many epochs; None if it did not, surely and by enough."""
    score = run.epoch_series("fitness")
    values = score.values[score.finite]
    late = values[-max(MIN_LATE, round(LATE_SHARE * len(values))) :]
    if len(late) < MIN_LATE:
        return None
    slope = theil_sen(np.arange(len(late)), late)
    rise = slope.slope * (len(late) - 1)
    return (rise, len(late)) if slope.low > 0 and rise > WORTH * float(np.median(late)) else None

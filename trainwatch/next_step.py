"""What a person would do next where nothing is to be typed: a run without a fault, or a cure that is no argument."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainwatch.advice.train_longer import TrainLonger
from trainwatch.frames import final_message, innermost, is_disk_full, is_library
from trainwatch.result import Change, Context, Finding, Recommendation, Verdict
from trainwatch.runs import Run
from trainwatch.runs.run import FINISHED
from trainwatch.signals.trend import theil_sen

LATE_SHARE = 0.2
"""Share of the validated epochs, from the end, in which a score that rises has not come to its end."""
MIN_LATE = 8
"""Epochs at the end that tell whether the score still rises, at least."""
WORTH = 0.02
"""Share of its level by which the score must rise within these epochs, so that more of them are worth their time."""
GO_ON = "go on from the last checkpoint"
"""How what mends a crash ends where a checkpoint was written."""
MAX_MESSAGE = 300
"""Characters of an exception's message that are repeated."""


def next_step(
    run: Run,
    ended_by: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    recommendations: Sequence[Recommendation],
    context: Context,
    to_do: Mapping[str, str] | None = None,
) -> str:
    """Return one or two sentences; empty where nothing sensible can be said.

    Args:
        run: Any run.
        ended_by: How it ended.
        verdict: The verdict.
        findings: All findings.
        recommendations: The prescription, or what of it is no command.
        context: Trainer, plan, and the run as the user named it.
        to_do: Finding id and what to do about it.
    """
    named = shlex.quote(context.run_dir)
    if verdict.status != "healthy":
        return _of_a_fault(run, ended_by, verdict, recommendations, to_do or {}) or _otherwise(
            verdict, ended_by, context
        )
    if ended_by == "running":
        fine = "" if any(f.severity != "info" for f in findings) else "Nothing needs to be changed. "
        return f"{fine}Follow it: `trainwatch live {named}`"
    if ended_by not in FINISHED:
        return ""
    compare = f"`trainwatch compare {named} NEW_RUN`"
    if any(f.id == "plateau" for f in findings):
        return (
            "Nothing needs to be changed: it has learnt what this set-up can learn, and more epochs of it would gain nothing. "
            f"For a better score change one thing (a larger model, larger images, more data), train again, then {compare}"
        )
    gain = _late_gain(run)
    if gain is not None and ended_by == "completed":
        rise, epochs = gain
        return (
            f"Nothing is wrong, and there is more to gain: the score still rose by {rise:.2g} in the last {epochs} epochs. "
            f"{_how_longer(context)}; then {compare}"
        )
    return f"Nothing needs to be changed. To judge a change, train again with it, then {compare}"


def train_longer(run: Run, ended_by: str, findings: Sequence[Finding], context: Context) -> Recommendation | None:
    """Return the longer plan for a sound Ultralytics run whose score still rose at its end; None for any other."""
    gain, planned = _late_gain(run), context.planned_epochs
    flat, advice = any(f.id == "plateau" for f in findings), TrainLonger()
    if gain is None or flat or ended_by != "completed" or context.trainer != "ultralytics" or not planned:
        return None
    return Recommendation(
        id=advice.id,
        answers=(),
        changes=(Change("epochs", planned, advice.longer(planned)),),
        why=f"The score still rose by {gain[0]:.2g} in the last {gain[1]} epochs.",
        expected=(
            f"The old best is passed by epoch {round(1.25 * planned)}. Wrong if it is not: then the model, the images or the "
            "data are the limit."
        ),
        confidence=advice.sure,
        sources=("Ultralytics 8.4 engine/trainer.py: _setup_scheduler spans epochs; a finished run is stripped",),
    )


def _how_longer(context: Context) -> str:
    planned = context.planned_epochs or context.epochs_done
    longer = TrainLonger().longer(planned)
    if context.trainer == "ultralytics":
        return f"Train longer, as a new run of {longer} epochs (Ultralytics does not resume a finished one)"
    return (
        f"Train longer: {longer} instead of {planned} epochs in your loop, with the schedule of the learning rate "
        "spread over all of them (T_max, total steps)"
    )


def _of_a_fault(
    run: Run,
    ended_by: str,
    verdict: Verdict,
    recommendations: Sequence[Recommendation],
    to_do: Mapping[str, str],
) -> str:
    answering = [r for r in recommendations if verdict.cause in r.answers]
    mended = _mend(run) if ended_by == "exception" and not answering else ""
    if mended:
        return mended
    for recommendation in answering:
        return (recommendation.steps or (recommendation.why,))[0]
    if verdict.cause in to_do:
        return to_do[verdict.cause or ""]
    return (recommendations[0].steps or (recommendations[0].why,))[0] if recommendations else ""


def _otherwise(verdict: Verdict, ended_by: str, context: Context) -> str:
    """Say what to do where no finding is the cause."""
    if verdict.status == "unknown":
        named = shlex.quote(context.run_dir)
        return f"Let it train on, or give it a whole record, and look again: `trainwatch analyze {named}`"
    if verdict.status != "incomplete":
        return ""
    if ended_by not in ("signal", "stopped"):
        return "Go on from its last checkpoint, or start it anew with trainwatch, so that its end is on record."
    last = context.resume_from
    if context.trainer == "ultralytics" and last is not None and context.holds(last):
        model = shlex.quote(f"model={context.path_of(last)}")
        return f"It was stopped by hand, nothing needs to be mended. To go on: `yolo train resume {model}`"
    return "It was stopped by hand, nothing needs to be mended. To go on, start from its last checkpoint."


def _mend(run: Run) -> str:
    """Say what to do about an exception: by its message where a library raised it, else by the user's own line.

    Empty if the record has no traceback.
    """
    event: Mapping[str, Any] = next((e for e in reversed(run.events) if e.get("kind") == "exception"), {})
    data = event.get("data") or {}
    traceback, type = str(data.get("traceback") or ""), str(data.get("type") or "exception")
    frame = innermost(traceback)
    if frame is None:
        return ""
    said = final_message(traceback, type) or " ".join(str(event.get("message") or type).split())
    said = said if len(said) <= MAX_MESSAGE else f"{said[:MAX_MESSAGE]} ..."
    # The verdict's reason is the event's message: what stands there is not told again.
    told = said in " ".join(str(event.get("message") or "").split())
    after = "go on from the last checkpoint" if run.epochs_done else "start it again"
    if is_disk_full(said):
        return f"Free space on the disk that it writes to, then {after}" + ("" if told else f": {said}")
    file, line, function = frame
    if is_library(file):
        return f"Do what the message says, then {after}" + ("" if told else f": {said}")
    return f"Mend {file}, line {line} (in {function}), where the {type} came from; then {after}"


def go_on_with(step: str, context: Context) -> str:
    """End what mends a crash so that the command of a resume fits behind it; a script of one's own has its own way to go on.

    Args:
        step: As :func:`next_step` returns it.
        context: Names the checkpoint.
    """
    if not step.startswith("Mend ") or context.own_checkpoint is not None:
        return f"{step}:"
    path = context.path_of(context.resume_from or "weights/last.pt")
    by_script = f"in your script with `YOLO({path!r}).train(resume=True)`, or without it:"
    return ", ".join((step, by_script))


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

"""What to type next, what to do before it, and how sure that is: of all advice that which answers the cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trainwatch.next_step import GO_ON, go_on_with, next_step, train_longer
from trainwatch.prescription import changes_typed, command, drawing, going_on, is_typed, leading, needs
from trainwatch.result import Change, Context, Finding, Recommendation, Verdict
from trainwatch.runs import Run
from trainwatch.verdict import CREEP

Recommendations = tuple[Recommendation, ...]


class Next(NamedTuple):
    """What a person is told to do; the fields of :class:`~trainwatch.result.Page` that begin with ``next_`` say what each is."""

    command: str
    step: str
    changes: tuple[Change, ...]
    needs: str
    confidence: float | None
    expected: str

    def for_page(self) -> dict[str, Any]:
        """Return the fields as the page names them."""
        return {f"next_{name}": value for name, value in self._asdict().items()}


class _Onward(NamedTuple):
    """A command that cures nothing, what is said before it, and whether the confidence of the first advice is told."""

    prescribed: Recommendations
    step: str
    told: bool


def what_next(
    run: Run,
    ended_by: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    recommendations: Sequence[Recommendation],
    context: Context,
    to_do: Mapping[str, str],
) -> Next:
    """Decide what is typed or done next.

    Args:
        run: Any run.
        ended_by: How it ended.
        verdict: The verdict.
        findings: All findings.
        recommendations: The whole prescription.
        context: Trainer, plan, checkpoints.
        to_do: Finding id and what to do about it where no advice answers it.
    """
    prescribed = _to_be_typed(run, ended_by, verdict, findings, recommendations, context)
    typed = command(prescribed, context)
    first = leading(prescribed, context, verdict.cause)
    told = first is not None and (bool(typed) or verdict.cause in first.answers)
    expected = first.expected if first is not None and told else ""
    step = _before(run, ended_by, verdict, findings, prescribed, first, typed, context, to_do)
    if verdict.status == "healthy" and step.startswith("Nothing needs to be changed") and recommendations:
        step = " ".join((f"{step}.", "The advice further down is optional."))
    onward = None if typed else _onward(ended_by, verdict, first, told, step, context)
    if onward is not None:
        prescribed, step, told = onward
        typed = command(prescribed, context)
    return Next(
        command=typed,
        step=step,
        changes=changes_typed(prescribed, context),
        needs=" ".join(filter(None, (needs(prescribed, context), _unlearnt(prescribed, findings, context)))),
        confidence=first.confidence if first is not None and told else None,
        expected=expected,
    )


def _to_be_typed(
    run: Run,
    ended_by: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    recommendations: Sequence[Recommendation],
    context: Context,
) -> Recommendations:
    """Return the advice of which the command is made, and which is told with it; the rest stands further down."""
    if verdict.status == "healthy":
        # A healthy run is not trained anew for what is only information.
        longer = train_longer(run, ended_by, findings, context)
        return (longer,) if longer is not None else ()
    # With a fault, what answers information only (a longer training) stands further down, too.
    grave = {f.id for f in findings if f.severity != "info"}
    prescribed = tuple(r for r in recommendations if grave.intersection(r.answers)) or tuple(recommendations)
    if any(verdict.cause in r.answers and is_typed(r, context) for r in prescribed):
        return prescribed
    # Typing what mends a lesser fault would only train the cause again.
    return tuple(r for r in prescribed if not is_typed(r, context))


def _before(
    run: Run,
    ended_by: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    prescribed: Recommendations,
    first: Recommendation | None,
    typed: str,
    context: Context,
    to_do: Mapping[str, str],
) -> str:
    """Return what is done before the command, or instead of it: what is surer than it is said first."""
    others = [r for r in prescribed if first is None or r.confidence > first.confidence] if typed else list(prescribed)
    surer = [r for r in others if verdict.cause in r.answers]
    if typed and not surer and verdict.status != "healthy":
        return ""
    step = next_step(run, ended_by, verdict, findings, others, context, to_do)
    if step and surer and typed and first is not None:
        weighed = f"That is {100 * surer[0].confidence:.0f} % sure; the command, instead of it, {100 * first.confidence:.0f} %."
        step = " ".join((step, weighed))
    return step


def _onward(
    ended_by: str, verdict: Verdict, first: Recommendation | None, told: bool, step: str, context: Context
) -> _Onward | None:
    """Return how to go on where no argument cures, after a crash or a leak, or to see the labels first; None if not so."""
    if verdict.cause is None and step.endswith(GO_ON) and (mended := going_on(context)):
        return _Onward(mended, go_on_with(step, context), told)
    if told and first is not None and first.id == "fix-labels" and (drawn := drawing(context)):
        return _Onward(drawn, step, False)
    if verdict.cause in CREEP and ended_by != "running" and (resumed := going_on(context)):
        weighed = f"That is {100 * first.confidence:.0f} % sure." if first is not None and told else ""
        return _Onward(resumed, " ".join(filter(None, (step, weighed, "Then go on, from an empty memory:"))), False)
    return None


def _unlearnt(recommendations: Sequence[Recommendation], findings: Sequence[Finding], context: Context) -> str:
    """Warn where a training is resumed that has learnt nothing: what spoils it is resumed, too."""
    nothing = any(f.id == "no-learning" for f in findings)
    if not nothing or not any(r.id == "resume-run" for r in recommendations):
        return ""
    return (
        f"Nothing had been learnt in its {context.epochs_done} epochs: if the score is still at zero a few epochs on, stop it, "
        "and look at labels and learning rate."
    )

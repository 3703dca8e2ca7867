"""NaN out of the blue: precision and data before the learning rate.

What it changes:
    ``amp=False`` where half precision was in force; a new run from the last checkpoint of before the onset.
    Where the recorder traced the number, the place to look at, with images of that batch. If the input itself was not finite,
    the images are the cure and the precision stays.

Why it works:
    Half precision ends at 65504: activations of rare batches overflow, and the gradient scaler can only skip, not mend.
    In full precision they do not, but nothing skips a bad step either: the record will show the next one.

When it is given:
    The loss became NaN and did not recover, the gradient scaler collapsed, or the validation loss became NaN (the
    averaged weights are spoilt, or half precision overflows in validation).

What to expect:
    No NaN in the epoch in which it came. If it comes at the same step in full precision, a label or an image of that
    batch, or own code, makes it.

References:
    Ultralytics threads 18466, 19357; engine/trainer.py: the scaler exists only with amp=True; _handle_nan_recovery
    replays with the same arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.advice._arguments import answered, half_precision, traced
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class GuardPrecision(Advice):
    """Full precision, healthy weights, and a look at the batch.

    Attributes:
        half_precision: Confidence where half precision was in force ...
        repeated: ... where it was not, and the same batches failed in every attempt: data or own code makes it ...
        out_of_the_blue: ... where nothing is known.
    """

    title: ClassVar[str] = "Full precision and healthy weights"
    answers: ClassVar[tuple[str, ...]] = ("nonfinite-loss", "nonfinite-validation", "amp-scale-collapse")

    half_precision: float = 0.55
    repeated: float = 0.6
    out_of_the_blue: float = 0.4

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return precision and checkpoint."""
        found = answered(findings, ("nonfinite-loss",), least="critical")
        found += answered(findings, ("nonfinite-validation",)) + answered(findings, ("amp-scale-collapse",))
        origin = traced(found)
        exploded = any(f.id in ("gradient-explosion", "loss-explosion") and f.severity == "critical" for f in findings)
        if not found or exploded or context.trainer != "ultralytics":
            return None
        finding = found[0]
        changes: list[Change] = []
        in_the_data = origin.get("place") == "input"
        if half_precision(context) and not in_the_data:
            changes.append(Change("amp", context.args.get("amp", True), False))
        saved = context.resume_from
        elsewhere: tuple[str, ...] = ()
        if saved is not None and context.holds(saved):
            changes.append(Change("model", context.args.get("model"), context.path_of(saved)))
        elif saved is not None:
            elsewhere = (
                f"The command starts anew, because {saved} is not in {context.run_dir}. Where you still have that file, "
                "model=its path keeps what was learnt before the onset.",
            )
        onset = finding.onset
        if finding.id == "nonfinite-validation":
            return self._validation(found, tuple(changes))
        where = f"step {onset.step}" if onset is not None and onset.step is not None else "that epoch"
        precision = (
            "Half precision was in force. "
            if changes and changes[0].arg == "amp"
            else "Half precision was not in force. "
        )
        if finding.id == "amp-scale-collapse":
            return self._scaler(finding, tuple(changes))
        if in_the_data:
            return self._data(found, origin, tuple(changes))
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=(
                f"{precision}The gradient norm {'gave a warning' if finding.detail.get('precursor_steps') else 'gave no warning'}"
                f" before {finding.detail.get('component', 'the loss')} became NaN; Ultralytics replays with the same rate, "
                "data and precision, so a deterministic cause comes back."
            ),
            expected="No NaN at the step where it came. Wrong if it comes at the same step: then data or own code makes it.",
            confidence=self._sure(finding, changes),
            sources=("Ultralytics threads 18466, 19357", "Ultralytics 8.4 engine/trainer.py: _handle_nan_recovery"),
            steps=(_look(origin, where), *elsewhere),
        )

    def _sure(self, finding: Finding, changes: Sequence[Change]) -> float:
        if changes and changes[0].arg == "amp":
            return self.half_precision
        return self.repeated if finding.detail.get("same_batches") else self.out_of_the_blue

    def _data(self, found: Sequence[Finding], origin: Mapping[str, Any], changes: tuple[Change, ...]) -> Recommendation:
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=changes,
            why=(
                f"The batch itself was not finite at step {origin.get('step')}, before the model saw it: {origin.get('about')}. "
                "Neither the rate nor the precision makes that; the data or an augmentation does, and it comes back."
            ),
            expected="No NaN once those images are mended or left out. Wrong if others make it: then an augmentation does.",
            confidence=0.8,
            sources=("the recorder's trace of the batch, before the model ran",),
            steps=(
                f"Check these images and their labels: {_files(origin) or 'they were not recorded'}. Look for broken files, "
                "16-bit or floating point images, and for own transforms that divide.",
            ),
        )

    def _validation(self, found: Sequence[Finding], changes: tuple[Change, ...]) -> Recommendation | None:
        if not changes:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=changes,
            why=(
                "The validation loss is computed with an average of the weights, in half precision where amp is on: "
                + (
                    "that overflows while the model is sound."
                    if found[0].severity != "critical"
                    else "one NaN step spoils that average for good, also if the training loss is finite again."
                )
            ),
            expected="A finite validation loss from the first epoch on. Wrong if it is NaN in full precision, too.",
            confidence=0.5,
            sources=(
                "Ultralytics threads 19357, 24615, 9829",
                "Ultralytics 8.4 engine/trainer.py: _handle_nan_recovery",
            ),
        )

    def _scaler(self, finding: Finding, changes: tuple[Change, ...]) -> Recommendation:
        skipped, of = finding.detail.get("skipped_steps", "Many"), finding.detail.get("steps", "the")
        return Recommendation(
            id=self.id,
            answers=(finding.id,),
            changes=changes,
            why=(
                f"The gradient scaler skipped {skipped} of {of} optimizer steps and fell to "
                f"{finding.detail.get('lowest_scale', 'a low value')}: half precision overflows in most of these batches."
            ),
            expected=(
                "No skipped step, and a loss that falls where it stood still, within 2 epochs. Wrong if the loss then "
                "becomes NaN: the gradients are too large in any precision; lower lr0."
            ),
            confidence=0.7,
            sources=("torch/amp/grad_scaler.py", "Ultralytics 8.4 engine/trainer.py: amp"),
            steps=("On devices of compute capability 8.0 or newer, amp='bf16' costs less time than amp=False.",),
        )


def _look(origin: Mapping[str, Any], where: str) -> str:
    """Say where to look, as narrowly as the trace allows."""
    images = _files(origin)
    of_batch = f"the images and labels of that batch ({images})" if images else "the images and labels of that batch"
    place, name = origin.get("place", "unknown"), origin.get("name")
    if place == "loss term":
        return (
            f"The outputs of all modules were finite, {name} was not: look at the labels of that batch "
            f"({images or 'its images were not recorded'}) for boxes without area, and at your own loss."
        )
    if place == "weight":
        return (
            f"The weight {name} was lost before {where}: look at the step before it, at own callbacks that write weights, and at "
            "the checkpoint that it started from."
        )
    if place in ("module", "gradient"):
        return (
            f"Look at {name}, where it began ({origin.get('about')}), with {of_batch}: an operation there overflows or divides "
            "by 0."
        )
    return (
        f"Look at what happens at {where}: own callbacks, custom losses, {of_batch} "
        "(torch.autograd.set_detect_anomaly(True) for one epoch names the operation)."
    )


def _files(origin: Mapping[str, Any]) -> str:
    """Name the images of a trace, and how many more there are; empty without any."""
    images = [str(f) for f in origin.get("images") or ()]
    more = int(origin.get("image_count") or 0) - len(images)
    return ", ".join(images) + (f" and {more} more" if images and more > 0 else "")

"""NaN out of the blue: precision and data before the learning rate.

What it changes:
    ``amp=False`` where half precision was in force; a new run from the last checkpoint of before the onset.

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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, weights
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class GuardPrecision(Advice):
    """Full precision, healthy weights, and a look at the batch."""

    title: ClassVar[str] = "Full precision and healthy weights"
    answers: ClassVar[tuple[str, ...]] = ("nonfinite-loss", "nonfinite-validation", "amp-scale-collapse")

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return precision and checkpoint."""
        found = answered(findings, ("nonfinite-loss",), least="critical")
        found += answered(findings, ("nonfinite-validation",)) + answered(findings, ("amp-scale-collapse",))
        exploded = any(f.id in ("gradient-explosion", "loss-explosion") and f.severity == "critical" for f in findings)
        if not found or exploded or context.trainer != "ultralytics":
            return None
        finding = found[0]
        changes: list[Change] = []
        on_cpu = str(context.args.get("device") or "").lower() in ("cpu", "mps")
        if context.args.get("amp", True) not in (False, "fp32") and not on_cpu:
            changes.append(Change("amp", context.args.get("amp", True), False))
        path = weights(context, context.resume_from)
        if path is not None:
            changes.append(Change("model", context.args.get("model"), path))
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
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=(
                f"{precision}The gradient norm {'gave a warning' if finding.detail.get('precursor_steps') else 'gave no warning'}"
                f" before {finding.detail.get('component', 'the loss')} became NaN; Ultralytics replays with the same rate, "
                "data and precision, so a deterministic cause comes back."
            ),
            expected="No NaN at the step where it came. Refuted if it comes at the same step: then data or own code makes it.",
            confidence=0.55 if changes and changes[0].arg == "amp" else 0.4,
            sources=("Ultralytics threads 18466, 19357", "Ultralytics 8.4 engine/trainer.py: _handle_nan_recovery"),
            steps=(
                f"Look at what happens at {where}: own callbacks, custom losses, the images and labels of that batch "
                "(torch.autograd.set_detect_anomaly(True) for one epoch names the operation).",
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
            expected="A finite validation loss from the first epoch on. Refuted if it is NaN in full precision, too.",
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
                "No skipped step, and a loss that falls where it stood still, within 2 epochs. Refuted if the loss then "
                "becomes NaN: the gradients are too large in any precision; lower lr0."
            ),
            confidence=0.7,
            sources=("torch/amp/grad_scaler.py", "Ultralytics 8.4 engine/trainer.py: amp"),
            steps=("On devices of compute capability 8.0 or newer, amp='bf16' costs less time than amp=False.",),
        )

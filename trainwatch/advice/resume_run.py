"""Go on where it stopped.

What it changes:
    ``resume`` with the last checkpoint; nothing else, because Ultralytics' resume ignores most other arguments. Where
    the training was stabilised with checkpoints, ``trainwatch resume RUN`` instead.

Why it works:
    An interrupted training leaves last.pt with optimizer, epoch and EMA. It is stripped only by a regular end. The
    checkpoints of trainwatch hold everything, and are never stripped.

When it is given:
    The process was killed, the machine went down, native code crashed, or the log ends early, and nothing else is wrong.

What to expect:
    It goes on at the epoch after the checkpoint, with a small step in the loss: the weights are the EMA's, in half
    precision, and the order of the images is another. From a checkpoint of trainwatch it goes on as if nothing had
    happened (with loader workers: but for the order of the images).

References:
    Ultralytics 8.4 engine/trainer.py: resume_training, check_resume (arguments that may change).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation

_WHO = (
    "Who ended it may stand in the machine's own log (`dmesg -T | grep -i -E 'killed process|oom'`), or in the scheduler's "
    "report of the job."
)


@dataclass(frozen=True)
class ResumeRun(Advice):
    """Resume an interrupted training."""

    title: ClassVar[str] = "Resume from the last checkpoint"
    answers: ClassVar[tuple[str, ...]] = ("killed", "machine-down", "native-crash", "truncated-run")

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the resume."""
        found = answered(findings, self.answers)
        others = [f for f in findings if f.severity == "critical" and f.id not in self.answers]
        if not found or others or context.trainer != "ultralytics" or not context.epochs_done:
            return None
        if context.own_checkpoint is not None:
            return self._from_own(found, context)
        known = context.resume_from is not None
        path = context.path_of(context.resume_from or "weights/last.pt")
        planned = f" of {context.planned_epochs}" if context.planned_epochs else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(Change("model", context.args.get("model"), path), Change("resume", False, True)),
            why=(
                f"{context.epochs_done}{planned} epochs are done, nothing in the record says that the training itself was "
                f"failing{', and last.pt was written after each of them' if known else ''}."
            ),
            expected=(
                f"It goes on with epoch {context.epochs_done + 1}. Wrong if it says 'nothing to resume': then the checkpoint was "
                "stripped, and only a new run from its weights is possible."
            ),
            confidence=0.9 if known else 0.6,
            sources=("Ultralytics 8.4 engine/trainer.py: resume_training",),
            steps=(_WHO,) if any(f.id == "killed" for f in found) else (),
        )

    def _from_own(self, found: Sequence[Finding], context: Context) -> Recommendation:
        planned = f" of {context.planned_epochs}" if context.planned_epochs else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(),
            why=(
                f"{context.epochs_done}{planned} epochs are done, nothing in the record says that the training itself was "
                f"failing, and {context.own_checkpoint} holds its full state."
            ),
            expected=(
                "It goes on where that file was written: weights, optimizer, schedule and random numbers as they were. "
                "Wrong if the losses jump at the first step."
            ),
            confidence=0.95,
            sources=("trainwatch explain checkpoints",),
            steps=(f"trainwatch resume {shlex.quote(context.run_dir)}",),
        )

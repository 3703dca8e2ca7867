"""A training loss that is NaN or infinite.

What it does:
    Finds the first value of the total loss or of a component that is not a number, says which component it was, and
    whether the training recovered. Where the recorder traced the number, it names the input, weight, module or loss term
    that held it first, and images of that batch.

Why it matters:
    One step on a NaN gradient turns every weight to NaN, unless a gradient scaler skips it (amp=True only). Ultralytics
    looks at the last batch of an epoch only, reloads last.pt and replays the epoch, at most three times, with the
    same learning rate, data order and precision: a deterministic cause repeats.

How it decides:
    Persistent, and critical: the last recorded value is not finite, or at least half of the values after the onset are
    not, or validation is not finite from then to the end (one step poisons the averaged weights for ever), or the
    trainer gave up. Information if the stabiliser rescue skipped every such step. Transient otherwise: warning from 3
    values on, information below (with an active gradient scaler single ones are how it finds its scale).

What to do:
    If the gradient norm had left its level before (the finding says how many steps), the learning rate is the
    suspect: lower it. If it came out of the blue, suspect precision and data: try amp=bf16 on GPUs that have it, or
    amp=False with a guard, and look at the images of that batch, which the finding names if they were recorded. If the
    input itself was not finite, it is the data: mend those images first. Start from a checkpoint of before the onset.

Known false alarms:
    Loggers that write NaN for "not measured".

References:
    Ultralytics 8.4 engine/trainer.py: _handle_nan_recovery, optimizer_step (no finite check). Ultralytics threads
    18466, 19357, 23327. torch.amp.GradScaler documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import worst_nonfinite
from trainwatch.signals.level import departure
from trainwatch.signals.origin import origin_near
from trainwatch.signals.rescued import rescued
from trainwatch.signals.update import rise_before


class Repeat(NamedTuple):
    """Micro-batches of an epoch, from 0, that failed in every attempt at it, and the number of attempts."""

    batches: tuple[int, ...]
    attempts: int

    def sentence(self) -> str:
        """Say it as the user counts, from 1."""
        named = _listed([str(b + 1) for b in self.batches[:MAX_BATCHES]])
        if len(self.batches) == 1:
            return (
                f"All {self.attempts} attempts failed at batch {named} of the epoch: own code or the data of that batch is the "
                "suspect."
            )
        return (
            f"All {self.attempts} attempts failed at batches {named} of the epoch: own code or the data of these batches is the "
            "suspect."
        )


MAX_BATCHES = 4
"""Batches that are named one by one."""


def repeated(view: View, series: Series, at: int) -> Repeat | None:
    """Return the batches that were not finite in every attempt at the epoch of the onset; None if they differ.

    A batch is known by its column, or else by its place in the attempt.
    """
    attempt = view.steps("attempt")
    if not len(attempt):
        return None
    rows = np.flatnonzero(series.epoch == series.epoch[at])
    tries = attempt.at_steps(series)[rows]
    batch = view.steps("batch").at_steps(series)[rows] if len(view.steps("batch")) else np.full(len(rows), np.nan)
    failed = []
    for number in np.unique(tries[np.isfinite(tries)]):
        own = np.flatnonzero(tries == number)
        place = np.where(np.isfinite(batch[own]), batch[own], np.arange(len(own)))
        failed.append({int(b) for b in place[~series.finite[rows[own]]]})
    same = set.intersection(*failed) if len(failed) > 1 else set()
    return Repeat(tuple(sorted(same)), len(failed)) if same else None


@dataclass(frozen=True)
class NonfiniteLoss(Detector):
    """NaN or infinity in the training loss.

    Attributes:
        persistent_share: Share of non-finite values after the onset from which it is persistent.
        transient_warning: Values from which a transient one is a warning.
        precursor_ratio: Times its level at which the gradient norm counts as an early sign ...
        precursor_steps: ... looked for in so many optimizer steps before the onset.
        update_times: Times its level at which the update-to-weight ratio counts as an early sign, in as many steps.
        origin_steps: Micro-batches around the onset in which the recorder's trace of a non-finite number belongs to it:
            a gradient goes before the loss, and accumulation may lie between them.
    """

    title: ClassVar[str] = "Training loss is not a number"
    optional: ClassVar[tuple[str, ...]] = (
        "steps.loss", "steps.loss/*", "epochs.train/*", "steps.grad_norm", "steps.lr/*", "epochs.lr/*", "steps.batch",
        "epochs.val/*", "steps.update_ratio", "steps.attempt",
    )  # fmt: skip

    persistent_share: float = 0.5
    transient_warning: int = 3
    precursor_ratio: float = 8.0
    precursor_steps: int = 50
    update_times: float = 3.0
    origin_steps: int = 8

    def missing(self, run: Run) -> str | None:
        """Ask for the loss per step or per epoch."""
        if any(n == "steps.loss" or n.startswith(("steps.loss/", "epochs.train/")) for n in run.column_names()):
            return None
        return "no training loss, neither per step (loss) nor per epoch (train/*)"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        steps = [view.steps(n) for n in (*view.names("steps.loss/*"), *(["loss"] if len(view.steps("loss")) else []))]
        per_step = any(len(s) for s in steps)
        every = steps if per_step else [view.epochs(n) for n in view.names("epochs.train/*")]
        bad = [s for s in every if len(s) and not s.finite.all()]
        if not bad:
            return []
        firsts = {s.name: int(np.flatnonzero(~s.finite)[0]) for s in bad}
        first = min(bad, key=lambda s: (firsts[s.name], s.name == "loss"))
        at = firsts[first.name]
        together = [s.name.split("/", 1)[-1] for s in bad if firsts[s.name] == at and s.name != "loss"]
        return [self._finding(view, first, at, together, per_step)]

    def _finding(self, view: View, series: Series, at: int, together: list[str], per_step: bool) -> Finding:
        run, after, weight = view.run, ~series.finite[at:], series.weights[at:]
        weight = np.append(1, weight[1:])
        count, since = int(weight[after].sum()), int(weight.sum())
        share = count / since
        recoveries = run.events_of("nan_recovery")
        gave_up = any("NaN" in str(e.get("message")) for e in run.events_of("exception"))
        ends_so = not bool(series.finite[-1])
        poisoned = self._poisoned(view, int(series.epoch[at]))
        handled = per_step and bool(rescued(run, series)[at:][after].all()) and not (gave_up or poisoned)
        persistent = not handled and (gave_up or ends_so or poisoned or share >= self.persistent_share)
        severity: Severity = "critical" if persistent else "warning" if count >= self.transient_warning else "info"
        if handled:
            severity = "info"
        precursor = self._precursor(view, int(series.step[at])) if per_step else None
        rise = (
            rise_before(view.steps("update_ratio"), int(series.step[at]), self.update_times, self.precursor_steps)
            if per_step
            else None
        )
        origin = origin_near(run, int(series.step[at]), self.origin_steps) if per_step else None
        where = epoch_name(run, int(series.epoch[at]))
        step = f" (step {series.step[at]})" if per_step else ""
        unit = "steps" if per_step else "epochs"
        what = _listed(together) if together else "The total loss"
        parts = [
            f"{what} {'are' if len(together) > 1 else 'is'} {_kind(float(series.values[at]))} from {where}{step} on, "
            f"in {count} of the {since} {unit} since then."
        ]
        if origin is not None:
            parts.append(origin.sentence())
        again = repeated(view, series, at) if per_step else None
        if again is not None:
            parts.append(again.sentence())
        if recoveries:
            parts.append(
                f"The trainer replayed the epoch {len(recoveries)} times from last.pt"
                + (" and gave up." if gave_up else ".")
            )
        if poisoned and not ends_so:
            parts.append(
                "It became finite again, but the validation loss did not: the averaged weights that are validated and "
                "saved stay spoilt."
            )
        if handled:
            parts.append("The stabiliser rescue let none of them reach the weights; its events name the images.")
            parts.extend(_left_out(run, int(series.step[at]), count))
        if precursor:
            parts.append(f"The gradient norm had left its level {precursor} optimizer steps before.")
        elif per_step and len(view.steps("grad_norm")):
            parts.append("The gradient norm gave no warning before it.")
        if rise is not None:
            parts.append(rise.sentence())
        return Finding(
            id=self.id,
            severity=severity,
            confidence=0.97 if persistent else 0.85,
            title=f"Training loss is {_kind(float(series.values[at]))} "
            + (f"in {count} {unit}, rescued" if handled else f"from {where} on"),
            summary=" ".join(parts),
            onset=series.where(at),
            end=None if ends_so else series.where(at + int(np.flatnonzero(after)[-1])),
            series=series.name,
            measured=Quantity(float(count), unit),
            threshold=Quantity(0.0, unit),
            detail={
                "component": together[0] if together else "loss",
                "components": together,
                "share_after_onset": share,
                "persistent": persistent,
                "rescued": handled,
                "recoveries": len(recoveries),
                "same_batches": list(again.batches) if again is not None else [],
                "amp": run.args.get("amp"),
                "lr": self._lr(view, series, at, per_step),
                "precursor_steps": precursor,
                "update_precursor_steps": rise.steps if rise is not None else None,
                "origin": origin.detail() if origin is not None else None,
            },
        )

    def _poisoned(self, view: View, epoch: int) -> bool:
        """Whether validation is not finite from about that epoch to the end."""
        worst = worst_nonfinite([view.epochs(n) for n in view.names("epochs.val/*")])
        if worst is None:
            return False
        series, bad = worst
        return bad.persistent and series.epoch[bad.first] >= epoch - 1 and bad.trailing == len(series) - bad.first

    def _precursor(self, view: View, step: int) -> int | None:
        """Return how many optimizer steps before the onset the gradient norm left its level; None if it did not."""
        norm = view.steps("grad_norm")
        before = norm.take(norm.step < step)
        if not len(before):
            return None
        ratio = departure(before.values, 200, 8).ratios[-self.precursor_steps :]
        hits = np.flatnonzero(ratio >= self.precursor_ratio)
        # Early in training single steps of that size are normal: the sign must last to the onset, or nearly.
        return int(len(ratio) - hits[0]) if len(hits) >= 2 and len(ratio) - hits[-1] <= 10 else None

    def _lr(self, view: View, series: Series, at: int, per_step: bool) -> float | None:
        names = view.names("steps.lr/*" if per_step else "epochs.lr/*")
        lr = (view.steps(names[0]) if per_step else view.epochs(names[0])) if names else None
        if lr is None or not len(lr):
            return None
        index = np.searchsorted(lr.step, series.step[at]) if per_step else np.searchsorted(lr.epoch, series.epoch[at])
        return float(lr.values[min(int(index), len(lr) - 1)])


def _left_out(run: Run, step: int, count: int) -> list[str]:
    """Say how many optimizer steps were left out, where that is another number than that of the rows with a NaN."""
    skips = [
        e for e in run.events_of("intervention")
        if e.get("source") == "stabiliser/rescue" and isinstance(e.get("data"), dict) and e["data"].get("action") == "skip"
        and isinstance(e.get("step"), int) and e["step"] >= step
    ]  # fmt: skip
    gathered = max((len(e["data"].get("batches") or ()) for e in skips), default=0)
    if gathered < 2 or len(skips) == count:
        return []
    return [
        f"It left out {len(skips)} optimizer steps, because each gathers {gathered} of these steps (micro-batches)."
    ]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _kind(value: float) -> str:
    return "NaN" if np.isnan(value) else "infinite"

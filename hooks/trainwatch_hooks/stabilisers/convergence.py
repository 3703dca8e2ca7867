"""convergence: ends a training that has nothing left to gain, by three criteria with their windows and a countdown.

What it does:
    Watches the validation loss (flat: standard deviation below 0.001 over 50 epochs), the score (stagnant: mAP50-95
    moved by less than 0.005 over 100 epochs) and the gradient norm (a warning, never a stop). A stagnant score starts
    a countdown of 100 epochs, looked at every 10 epochs, not before epoch 100. If it runs out, or if the loss is flat,
    too, at two looks in a row, the training ends after that epoch.

Why it matters:
    The last hundred epochs of a converged training cost a sixth of it and change nothing. The source: on COCO it
    stopped at epoch 527 of 600, 18 % of the time saved, mAP within 0.03 %.

How it works:
    A score is stagnant if it moved by less than the source's 0.005 and by less than a twentieth of its best: a training
    that has not begun to learn (score 0), or learns something hard (score 0.03), has not converged.
    Own histories at the end of each epoch; ``trainer.stop`` is set there, on rank 0, from where Ultralytics broadcasts
    it. The validation loss is taken as it would be with your own gains, so that a loss stage is no change of it. Two epochs on
    either side of a change of regime (loss stage, restart of the learning rate, close of mosaic) are left out and do
    not count down. A restart of the learning rate forgets what was stagnant before: ending that is what it is for.
    A new best by more than the range ends the countdown. Ultralytics' own patience is set to 0, unless you give one.
    The gradient norm is judged per sample, since Ultralytics sums the loss over the batch (a raw norm above 1000 is
    normal in the first epochs of a healthy YOLO12), against the median of the last 200 steps.

Settings:
    loss_std = 0.001       flat below this standard deviation (validation loss at your own gains)
    loss_window = null     epochs; null: 50 of 600
    metric_range = 0.005   stagnant below this range of the score
    metric_share = 0.05    and below this share of the best score so far; 0 is off
    metric_window = null   epochs; null: 100 of 600
    countdown = null       epochs from stagnant to the end; null: 100 of 600
    check_every = null     epochs between two looks; null: 10 of 600
    not_before = null      no look before this epoch; null: 100 of 600
    margin = 2             epochs left out on either side of a change of regime
    grad_z = 6.0           warn at this robust z-score of log10 of the norm per sample; 0 is off
    grad_norm_raw = 0.0    the source's own alarm: warn above this raw norm (1000); 0 is off

What it does not do:
    It cannot know what a changed learning rate would still have given; that is the business of lr-restart. It judges
    nothing in epochs without validation.

References:
    The seven techniques, 7. Windows scale with the planned epochs from the source's 600. Robust z-score: median and
    median absolute deviation of logarithms (ultralytics.md A-3).
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from trainwatch_hooks.stabilisers._spike import MAD_TO_SIGMA
from trainwatch_hooks.stabilisers.base import Control, Request, Stabiliser, require, scaled

GRAD_WINDOW: Final = 200
"""Optimizer steps that a gradient norm is compared with."""
MIN_GRAD_STEPS: Final = 50
MIN_SIGMA: Final = 0.05
"""Decades; a narrower spread is not believed."""
SOURCE_EPOCHS_OF: Final[Mapping[str, int]] = {
    "loss_window": 50, "metric_window": 100, "countdown": 100, "check_every": 10, "not_before": 100,
}  # fmt: skip
LEAST: Final[Mapping[str, int]] = {"loss_window": 5, "metric_window": 5, "countdown": 5}
"""Fewer epochs than this are no window, however short the training."""
FLAT_LOOKS: Final = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    loss_std: float = 0.001
    loss_window: int | None = None
    metric_range: float = 0.005
    metric_share: float = 0.05
    metric_window: int | None = None
    countdown: int | None = None
    check_every: int | None = None
    not_before: int | None = None
    margin: int = 2
    grad_z: float = 6.0
    grad_norm_raw: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            require(value is None or value >= 0, f"{field.name} is {value}; it cannot be negative")
        for name in ("loss_window", "metric_window", "check_every"):
            require(getattr(self, name) is None or getattr(self, name) >= 1, f"{name} is 0; it must be 1 or more")

    def scaled_to(self, epochs: int) -> Settings:
        """Return the settings with every open window filled in for a training of ``epochs``."""
        wanted = {
            n: scaled(v, epochs, LEAST.get(n, 1)) for n, v in SOURCE_EPOCHS_OF.items() if getattr(self, n) is None
        }
        return replace(self, **wanted)


@dataclass(slots=True)
class Watch:
    """What is known so far; plain numbers, so that a checkpoint can keep it.

    Attributes:
        losses: Validation losses at the user's own gains, one per judged epoch.
        scores: Scores, likewise.
        left: Epochs left of the countdown, None while the score still moves.
        level: Best score when the countdown began.
        flat_looks: Looks in a row at which loss and score were both flat.
    """

    losses: list[float]
    scores: list[float]
    left: int | None = None
    level: float = -math.inf
    flat_looks: int = 0


def judge(watch: Watch, settings: Settings, epoch: int) -> str | None:
    """Take stock after an epoch; return why to end, or None.

    Args:
        watch: Updated in place; its newest entries are this epoch's.
        settings: Without open windows.
        epoch: Epoch (from 0) that has ended.
    """
    window, every = int(settings.metric_window or 1), int(settings.check_every or 1)
    still = settings.metric_range
    if settings.metric_share:
        still = min(still, settings.metric_share * max(filter(math.isfinite, watch.scores), default=0.0))
    if watch.left is not None:
        if watch.scores[-1] > watch.level + still:
            watch.left, watch.flat_looks = None, 0
        else:
            watch.left -= 1
    if epoch + 1 < int(settings.not_before or 0) or (epoch + 1) % every:
        return None
    stagnant = spread(watch.scores, window) < still
    if watch.left is None and stagnant:
        watch.left, watch.level = int(settings.countdown or 0), max(watch.scores)
    deviation = std(watch.losses, int(settings.loss_window or 1))
    watch.flat_looks = watch.flat_looks + 1 if stagnant and deviation < settings.loss_std else 0
    if watch.left is not None and watch.left <= 0:
        return f"the score moved by less than {still:.2g} for {window} epochs, and in the countdown after"
    if watch.flat_looks >= FLAT_LOOKS:
        return f"the validation loss is flat (standard deviation {deviation:.2g}) and so is the score"
    return None


def spread(values: Sequence[float], window: int) -> float:
    """Return the range of the last ``window`` values, infinite if there are fewer or one is not finite."""
    last = list(values[-window:])
    return max(last) - min(last) if len(last) == window and all(map(math.isfinite, last)) else math.inf


def std(values: Sequence[float], window: int) -> float:
    """Return the standard deviation of the last ``window`` values, infinite if there are fewer."""
    last = list(values[-window:])
    return statistics.pstdev(last) if len(last) == window and all(map(math.isfinite, last)) else math.inf


def z_score(value: float, before: Sequence[float]) -> float:
    """Return the robust z-score of a logarithm against earlier ones (median, MAD with a floor)."""
    middle = statistics.median(before)
    mad = statistics.median(abs(v - middle) for v in before)
    return (value - middle) / max(MAD_TO_SIGMA * mad, MIN_SIGMA)


class Convergence(Stabiliser):
    """Ends the training; see the module's text."""

    settings_type = Settings
    order = 80  # the epoch's other actions have been taken; checkpoints come after

    def __init__(self, settings: Any, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._now: Settings = settings
        self._watch = Watch([], [])
        self._own: dict[str, float] = {}
        self._norms: deque[float] = deque(maxlen=GRAD_WINDOW)
        self._alarm: tuple[str, dict[str, float]] | None = None
        self._seconds: list[float] = []
        self._mark = 0.0

    def arguments(self, request: Request) -> dict[str, Any]:
        """Let one stopper decide: patience=0, unless you give a patience."""
        return {} if "patience" in request.given else {"patience": 0}

    def setup(self, control: Control) -> None:
        """Fill the windows in, listen to the gradient norms."""
        from trainwatch_hooks.probes.losses import GAIN_ARGUMENT

        self._now = self.settings.scaled_to(control.epochs)
        args = vars(control.trainer.args)
        self._own = {a: float(args[a]) for a in GAIN_ARGUMENT.values() if isinstance(args.get(a), int | float)}
        if control.session is not None and (self._now.grad_z or self._now.grad_norm_raw):
            control.session.recorder.listen(self._row)

    def _row(self, row: Mapping[str, float | None]) -> None:
        """Judge the norm of a finished step; values are on the host already."""
        norm = row.get("grad_norm")
        if norm is None:
            return
        samples = max((row.get("batch_size") or 1.0) * (row.get("accumulate") or 1.0), 1.0)
        z = 0.0
        if math.isfinite(norm) and norm > 0:
            logarithm = math.log10(norm / samples)
            if len(self._norms) >= MIN_GRAD_STEPS:
                z = z_score(logarithm, self._norms)
            self._norms.append(logarithm)
        found = {"step": float(row.get("step") or 0), "grad_norm": norm, "per_sample": norm / samples, "z": round(z, 2)}
        if self._now.grad_norm_raw and norm > self._now.grad_norm_raw:
            self._alarm = (f"gradient norm {norm:.4g} above {self._now.grad_norm_raw:g}", found)
        elif self._now.grad_z and z > self._now.grad_z:
            self._alarm = (f"gradient norm per sample {norm / samples:.3g}, {z:.1f} sigma above its median", found)

    def epoch_start(self, control: Control) -> None:
        """Take the time; a restart of the learning rate forgets what was stagnant before it."""
        import time

        self._mark = time.monotonic()
        if _changes(control).get(control.epoch) == "lr_restart":
            self._watch = Watch([], [])

    def epoch_end(self, control: Control) -> None:
        """Judge the epoch."""
        import time

        if self._mark:
            self._seconds.append(time.monotonic() - self._mark)
        if self._alarm is not None:
            message, data = self._alarm
            control.note("warning", message, **data)
            self._alarm = None
        if not control.main_process or not getattr(control.session, "validated", True):
            return
        self._now = self.settings.scaled_to(control.epochs)  # with time= the trainer plans anew after each epoch
        if any(abs(control.epoch - e) <= self._now.margin for e in _changes(control)):
            return
        loss, score = _validation_loss(control.trainer, self._own), control.trainer.fitness
        if score is None:
            return
        self._watch.losses.append(loss)
        self._watch.scores.append(float(score))
        was = self._watch.left
        why = judge(self._watch, self._now, control.epoch)
        if why is None:
            if was is None and self._watch.left is not None:
                control.note("warning", f"score stagnant: {self._watch.left} epochs left unless it moves")
            elif was is not None and self._watch.left is None:
                control.note("warning", "the score moves again: countdown ended")
            return
        left = control.epochs - control.epoch - 1
        if left <= 0:
            return
        seconds = left * statistics.median(self._seconds or [0.0])
        best = getattr(control.trainer.stopper, "best_epoch", 0)
        control.stop(
            "early-stop",
            f"converged: {why}; {left} of {control.epochs} epochs saved, about {_duration(seconds)}",
            epochs_saved=left,
            seconds_saved=round(seconds, 1),
            best_epoch=max(int(best) - 1, 0),
        )
        control.note("intervention", f"ends the training: {why}", epochs_saved=left, seconds_saved=round(seconds, 1))

    def state(self) -> dict[str, Any]:
        """Return histories and countdown."""
        w = self._watch
        return {"losses": w.losses, "scores": w.scores, "left": w.left, "level": w.level, "flat_looks": w.flat_looks}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take them up again; what had ended the training starts anew (somebody wants more epochs)."""
        self._watch = Watch(**state)
        ran_out = self._watch.left is not None and self._watch.left <= 0
        if ran_out or self._watch.flat_looks >= FLAT_LOOKS:
            self._watch = Watch([], [])


def _changes(control: Control) -> dict[int, str]:
    """Return the changes of regime of all stabilisers and of the trainer."""
    found = {e: kind for s in control.active.values() for e, kind in s.changes(control).items()}
    close = int(getattr(control.trainer.args, "close_mosaic", 0) or 0)
    return found | ({control.epochs - close: "mosaic_closed"} if close else {})


def _validation_loss(trainer: Any, own: Mapping[str, float]) -> float:
    """Return the validation loss as it would be with the user's own gains; NaN if there is none.

    Args:
        trainer: The trainer after a validation.
        own: The user's gain per argument (``box`` ...), before any stage.
    """
    from trainwatch_hooks.probes.losses import GAIN_ARGUMENT, gains

    parts = {k[4:]: float(v) for k, v in (trainer.metrics or {}).items() if k.startswith("val/")}
    in_force = gains(list(parts), trainer.args, trainer.args.task)
    total = 0.0
    for name, value in parts.items():
        gain = in_force.get(name)
        total += value * own.get(GAIN_ARGUMENT.get(name, ""), gain) / gain if gain else value
    return total if parts else math.nan


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"

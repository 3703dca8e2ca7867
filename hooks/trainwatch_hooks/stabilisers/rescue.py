"""rescue: no bad step reaches the weights, and bad weights are rolled back.

What it does:
    Looks at every optimizer step between gradient clip and weight update. A step with a non-finite loss, gradient or
    BatchNorm statistic, or with a loss or gradient far above its level, is skipped whole, with all its micro-batches:
    weights, EMA and optimizer stay as they are, the BatchNorm statistics go back to the last good step. A learning
    rate above the schedule is put back before the step is made. Non-finite weights, or ``bad_steps`` bad steps among
    ``window``, roll weights, EMA, optimizer and statistics back to the last good state and halve the learning rate for
    the rest of the training. The need for one rollback more than ``rollbacks`` ends it: last good state, validation,
    checkpoint, report. Every act is an ``intervention`` event: what was measured, its threshold, the batch, the images.

Why it matters:
    With amp=False and amp=bf16 nothing stands between a NaN and the weights: one NaN gradient element turns the whole
    model NaN in one step. With amp=True the scaler skips the step, but the NaN has gone through BatchNorm, and from
    there into the EMA, which is what is validated and saved. Ultralytics looks at the last loss of an epoch only,
    reloads last.pt and replays the epoch with the same learning rate, three times; in the first epoch it trains on.

How it works:
    ``trainer.scaler.step`` is wrapped: every version's optimizer_step calls it right after the clip. Norm, losses and
    statistics are read there at once: one host synchronisation per optimizer step is the price (two more at an epoch's
    end). A step that an active gradient scaler skips by itself is left to it, unless ``amp_overflows`` follow each
    other (the scale has then fallen from 2 ** 16 to 1). The gradient is clipped at 10 on nearly every step, so a large
    one alone does little; levels are rolling medians of accepted steps on a logarithmic scale, losses divided by the
    gains in force. ``trainer.loss`` and ``trainer.tloss`` keep their last good values, so that Ultralytics' own
    recovery stays quiet; the recorded rows show what was measured. In distributed trainings all ranks decide by the
    largest values among them (one small all-reduce per step), and the end comes with the end of an epoch.

    Rollbacks go to states on the host: every ``snapshot_every`` good steps, two generations, proved finite. Against
    explosions only one that is ``window`` good steps old is trusted. If the loss explodes at once after such a
    rollback, the weights are not the cause (changed loss, other data): the new level is then accepted, with a warning.

Settings:
    bad_steps = 3          bad steps that cause a rollback
    window = 10            optimizer steps among which they count
    rollbacks = 10         rollbacks before the training is ended
    lr_cut = 0.5           factor on the learning rate at every rollback
    lr_factor = 10.0       largest learning rate, in units of the schedule; null: do not watch it
    loss_factor = 8.0      exploding: loss above this many medians ...
    norm_factor = 1000.0   ... or gradient norm above this many medians ...
    score = 6.0            ... and above this many robust standard deviations of the logarithm
    history = 200          accepted steps that median and deviation are made of
    least = 20             accepted steps before anything counts as exploding
    amp_overflows = 16     skips in a row that are the gradient scaler's own affair
    snapshot_every = null  good steps between states, at least ``window``; null: one per cent of the training's, 10 to 100

What it does not do:
    It does not remove a cause: images that give NaN are named in the event, and skipped every time they come. A fault
    that spoils the weights in every epoch uses up the rollbacks and ends the training. It does not judge a training
    that merely gets worse. A trainer whose own optimizer_step does not use ``trainer.scaler`` is left alone, with a
    warning.

References:
    Chowdhery et al., PaLM (2022), 5.1: restart about 100 steps before a spike and skip batches. OLMo 2 (2025): skipped
    steps. Ultralytics 8.4 engine/trainer.py: optimizer_step, _handle_nan_recovery; threads 18466, 19357, 23327, 24615.
    torch.amp.GradScaler documentation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from trainwatch_hooks.stabilisers._good_state import GoodState
from trainwatch_hooks.stabilisers._reading import Items, clipped_norm, loss_items, read, scheduled_lr
from trainwatch_hooks.stabilisers._spike import Bad, Judge, Limits, Reading, Recent
from trainwatch_hooks.stabilisers.base import Control, Stabiliser, require

IMAGES_NAMED = 256
"""Image paths in one event; the rest is counted."""
EVENTS_PER_EPOCH = 100
"""Events of one epoch; further interventions are counted in one more at its end."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    bad_steps: int = 3
    window: int = 10
    rollbacks: int = 10
    lr_cut: float = 0.5
    lr_factor: float | None = 10.0
    loss_factor: float = 8.0
    norm_factor: float = 1000.0
    score: float = 6.0
    history: int = 200
    least: int = 20
    amp_overflows: int = 16
    snapshot_every: int | None = None

    def __post_init__(self) -> None:
        require(self.bad_steps >= 1, f"bad_steps is {self.bad_steps}; it must be at least 1")
        require(
            self.window >= self.bad_steps,
            f"window is {self.window}; it cannot be smaller than bad_steps {self.bad_steps}",
        )
        require(self.rollbacks >= 0, f"rollbacks is {self.rollbacks}; 0 ends the training at the first need of one")
        require(0 < self.lr_cut <= 1, f"lr_cut is {self.lr_cut:g}; it must lie between 0 and 1")
        require(self.lr_factor is None or self.lr_factor > 1, f"lr_factor is {self.lr_factor}; it must be above 1")
        for name in ("loss_factor", "norm_factor"):
            require(getattr(self, name) > 1, f"{name} is {getattr(self, name):g}; it must be above 1")
        require(self.score > 0, f"score is {self.score:g}; it must be positive")
        require(self.least >= 2, f"least is {self.least}; it must be at least 2")
        require(self.history >= self.least, f"history is {self.history}; it cannot be smaller than least {self.least}")
        require(self.amp_overflows >= 0, f"amp_overflows is {self.amp_overflows}; it cannot be negative")
        require(
            self.snapshot_every is None or self.snapshot_every >= self.window,
            f"snapshot_every is {self.snapshot_every}; it cannot be smaller than window {self.window}",
        )


class Rescue(Stabiliser):
    """Skips, rolls back, ends; see the module's text."""

    settings_type = Settings

    def __init__(self, settings: Settings, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        s = settings
        self._judge = Judge(Limits(s.loss_factor, s.norm_factor, s.score, s.history, s.least))
        self._recent = Recent(s.window)
        self._scale = 1.0
        self._rollbacks = 0
        self._base_lr: list[float] = []
        self._good = GoodState()
        self._since_explosion: int | None = None
        self._overflows = 0
        self._items: list[Items] = []
        self._images: list[str] = []
        self._batches: list[int] = []
        self._asked = self._stepped = self._skipped = False
        self._over: tuple[str, dict[str, Any]] | None = None
        self._events = 0
        self._epoch = -1
        self._off = False
        self._others_step: Any = None

    # Moments

    def setup(self, control: Control) -> None:
        """Stand between clip and weight update."""
        trainer = control.trainer
        if not self._base_lr:
            self._base_lr = [float(g.get("initial_lr", g["lr"])) for g in trainer.optimizer.param_groups]
        self._set_lr(control)  # Ultralytics' resume loads an earlier cut into the groups, not into the scheduler
        steps = control.epochs * len(trainer.train_loader) / max(int(trainer.accumulate), 1)
        every = max(min(max(round(steps / 100), 10), 100), self.settings.window)
        self._good.every = self.settings.snapshot_every or every
        self._others_step = vars(trainer.scaler).get("step")
        trainer.scaler.step = self._guarded_scaler_step(control, trainer.scaler.step)
        trainer.optimizer_step = self._framed_optimizer_step(control, trainer.optimizer_step)
        trainer.preprocess_batch = self._named_preprocess(control, trainer.preprocess_batch)

    def epoch_start(self, control: Control) -> None:
        """Take the first state; keep the learning rate cut.

        The first state is taken only now, because a resume loads its weights after ``setup``. After a replay (out of
        memory, Ultralytics' recovery) nothing old counts.
        """
        if self._off:
            return
        if control.epoch == self._epoch or not self._good.of(control.model):
            self._forget_batches()
            self._good.begin(control)
        self._epoch, self._events = control.epoch, 0
        if self._scale != 1.0:
            self._set_lr(control)

    def batch_end(self, control: Control) -> None:
        """After the recorder has seen the values as they were."""
        trainer = control.trainer
        if self._skipped:
            self._good.put_losses_back(trainer)
        elif not self._stepped and not self._off:
            self._items.append(loss_items(trainer))
        self._stepped = self._skipped = False
        if self._over is not None and not control.distributed:
            control.stop("stopped", self._over[0], **self._over[1])

    def trained(self, control: Control) -> None:
        """Look at micro-batches that wait for the next epoch, and at weights and EMA before they are validated."""
        import torch

        if self._off:
            return
        trainer = control.trainer
        if self._items:
            reading = read(trainer, self._items, torch.zeros(()), self._good.statistics(), control.distributed)
            bad = self._judge.bad(reading)
            if bad is not None and not bad.exploding:
                trainer.optimizer.zero_grad()
                self._good.undo_forward()
                self._good.put_losses_back(trainer)
                self._intervene(control, "skip", bad.what, bad.measured, bad.threshold)
                self._forget_batches()
        spoilt = self._good.spoilt(control)
        if spoilt:
            self._roll_back(control, "non-finite weights", math.nan, None, newest=True, tensors=spoilt[:8])
        if self._events > EVENTS_PER_EPOCH:
            more = self._events - EVENTS_PER_EPOCH
            control.note("intervention", f"{more} more interventions in this epoch", action="counted", count=more)
        if self._over is not None:
            control.stop("stopped", self._over[0], **self._over[1])

    def teardown(self, control: Control) -> None:
        """Step out of the way."""
        self._switch_off()
        vars(control.trainer.scaler).pop("step", None)
        if self._others_step is not None:
            control.trainer.scaler.step = self._others_step

    def state(self) -> dict[str, Any]:
        """Cut of the learning rate, rollbacks so far, levels."""
        return {
            "scale": self._scale,
            "rollbacks": self._rollbacks,
            "base_lr": list(self._base_lr),
            "loss": self._judge.loss.values(),
            "norm": self._judge.norm.values(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with them; the learning rate follows when the next epoch begins."""
        self._scale = float(state["scale"])
        self._rollbacks = int(state["rollbacks"])
        self._base_lr = [float(v) for v in state["base_lr"]]
        self._judge.loss.restore(state["loss"])
        self._judge.norm.restore(state["norm"])

    # The three places where the trainer is wrapped

    def _guarded_scaler_step(self, control: Control, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            self._asked = True
            if not self._off and optimizer is control.trainer.optimizer and self._must_skip(control):
                self._skipped = True
                ema = getattr(control.trainer, "ema", None)
                if ema:
                    ema.enabled = False  # for the rest of this optimizer_step
                return None
            return original(optimizer, *args, **kwargs)

        return step

    def _framed_optimizer_step(self, control: Control, original: Callable[[], None]) -> Callable[[], None]:
        @wraps(original)
        def optimizer_step() -> None:
            ema = getattr(control.trainer, "ema", None)
            enabled = getattr(ema, "enabled", True)
            self._asked = self._skipped = False
            try:
                original()
            finally:
                if ema:
                    ema.enabled = enabled
            self._safely(control, self._stepped_through)

        return optimizer_step

    def _named_preprocess(self, control: Control, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @wraps(original)
        def preprocess_batch(data: Any) -> Any:
            data = original(data)
            if not self._off:
                self._batches.append(control.batch)
                files = data.get("im_file") if isinstance(data, Mapping) else None
                self._images += [str(f) for f in files or ()]
            return data

        return preprocess_batch

    # Around one optimizer step

    def _must_skip(self, control: Control) -> bool:
        return bool(self._safely(control, self._decide))

    def _decide(self, control: Control) -> bool:
        """Judge the step under way, act, and tell whether it must not be made."""
        if self._over is not None:
            self._good.undo_forward()
            return True
        self._hold_lr(control)
        trainer = control.trainer
        norm = clipped_norm(trainer.model) if control.grad_norm is None else control.grad_norm
        items = [*self._items, loss_items(trainer)]
        reading = read(trainer, items, norm, self._good.statistics(), control.distributed)
        bad = self._judge.bad(reading)
        overflow = bad is not None and bad.what == "non-finite gradient" and trainer.scaler.is_enabled()
        self._overflows = self._overflows + 1 if overflow else 0
        if bad is None or 0 < self._overflows <= self.settings.amp_overflows:
            self._accept(trainer, None if bad else reading)
            return False
        count = self._recent.add(True)
        spoilt = self._good.spoilt(control)
        self._good.undo_forward()
        if spoilt:
            self._roll_back(control, "non-finite weights", bad.measured, None, newest=True, tensors=spoilt[:8])
        elif count < self.settings.bad_steps:
            self._intervene(control, "skip", bad.what, bad.measured, bad.threshold)
        elif bad.exploding and self._since_explosion == 0:
            self._accept_new_level(control, bad)
        else:
            self._roll_back(control, bad.what, bad.measured, bad.threshold, newest=False, count=count)
            self._since_explosion = 0 if bad.exploding else None
        return True

    def _accept(self, trainer: Any, reading: Reading | None) -> None:
        self._good.accept(trainer, counts=reading is not None)
        if reading is not None:  # else the gradient scaler skips it
            self._recent.add(False)
            self._judge.accept(reading)
            if self._since_explosion is not None:
                self._since_explosion += 1

    def _stepped_through(self, control: Control) -> None:
        """The optimizer step is over, EMA included."""
        if not self._asked:
            self._switch_off()
            control.speaker = self.name
            control.note("warning", "rescue: inert, this trainer's optimizer_step does not use trainer.scaler")
            return
        self._stepped = True
        self._forget_batches()
        if not self._skipped:
            self._good.keep_if_due(control.trainer)

    # Acts

    def _hold_lr(self, control: Control) -> None:
        """Put learning rates back that are far above the schedule."""
        trainer, factor = control.trainer, self.settings.lr_factor
        if factor is None or not callable(trainer.lf):
            return
        due = scheduled_lr(trainer, control.iteration, [lr * self._scale for lr in self._base_lr])
        above = [
            (group, lr)
            for group, lr in zip(trainer.optimizer.param_groups, due, strict=False)
            if not float(group["lr"]) <= factor * lr
        ]
        if above:
            group, lr = max(above, key=lambda pair: float(pair[0]["lr"]) / max(pair[1], 1e-30))
            measured = float(group["lr"])
            for group_above, due_lr in above:
                group_above["lr"] = due_lr
            self._intervene(control, "hold_lr", "learning rate", measured, factor * lr, lr=lr)

    def _roll_back(
        self, control: Control, what: str, measured: float, threshold: float | None, *, newest: bool, **data: Any
    ) -> None:
        """Go back to a good state with a lower learning rate; end the training if that happened too often."""
        lost = self._good.go_back(control, 0 if newest else self.settings.window)
        self._recent.clear()
        if self._rollbacks >= self.settings.rollbacks:
            message = f"{what}, after {self._rollbacks} rollbacks"
            self._over = (message, {"what": what, "rollbacks": self._rollbacks})
            self._intervene(control, "end", what, measured, threshold, steps_lost=lost, **data)
            return
        self._rollbacks += 1
        self._scale *= self.settings.lr_cut
        self._set_lr(control)
        for group in control.trainer.optimizer.param_groups:
            group["lr"] = float(group["lr"]) * self.settings.lr_cut
        data |= {"steps_lost": lost, "lr_scale": self._scale, "rollbacks": self._rollbacks}
        self._intervene(control, "rollback", what, measured, threshold, **data)

    def _set_lr(self, control: Control) -> None:
        """Lower the rate that schedule and warm-up start from."""
        trainer = control.trainer
        for i, (group, lr) in enumerate(zip(trainer.optimizer.param_groups, self._base_lr, strict=False)):
            group["initial_lr"] = lr * self._scale
            if i < len(trainer.scheduler.base_lrs):
                trainer.scheduler.base_lrs[i] = lr * self._scale

    def _accept_new_level(self, control: Control, bad: Bad) -> None:
        self._judge.forget()
        self._recent.clear()
        self._since_explosion = None
        self._intervene(control, "skip", bad.what, bad.measured, bad.threshold)
        control.note(
            "warning",
            f"rescue: {bad.what} again right after a rollback, so the weights are not the cause; the level is new",
        )

    def _intervene(
        self, control: Control, action: str, what: str, measured: float, threshold: float | None, **data: Any
    ) -> None:
        """Record what was done, and why."""
        self._events += 1
        if self._events > EVENTS_PER_EPOCH and action in ("skip", "hold_lr"):
            return
        done = {
            "skip": "step skipped",
            "hold_lr": "learning rate put back",
            "rollback": f"rolled back, learning rate times {self._scale:g}",
            "end": "rolled back, the training ends",
        }[action]
        limit = "" if threshold is None else f", limit {threshold:.3g}"
        left_out = {"images_left_out": len(self._images) - IMAGES_NAMED} if len(self._images) > IMAGES_NAMED else {}
        control.speaker = self.name
        control.note(
            "intervention",
            f"{what} ({measured:.3g}{limit}) in batch {control.batch}: {done}",
            action=action,
            what=what,
            measured=measured,
            threshold=threshold,
            batch=control.batch,
            batches=list(self._batches),
            iteration=control.iteration,
            images=self._images[:IMAGES_NAMED],
            **left_out,
            **data,
        )

    # Book-keeping

    def _forget_batches(self) -> None:
        self._items.clear()
        self._images = []
        self._batches = []

    def _switch_off(self) -> None:
        """Act no more, and hold nothing."""
        self._off = True
        self._good.snapshots.clear()
        self._forget_batches()

    def _safely(self, control: Control, act: Callable[[Control], Any]) -> Any:
        """Run a part of ours inside the trainer's own methods: an error switches rescue off, the training goes on."""
        if self._off:
            return None
        try:
            return act(control)
        except Exception as error:
            self._switch_off()
            if control.session is not None:
                control.session.recorder.guard.report("stabiliser rescue", error)
            control.speaker = self.name
            control.note("warning", f"rescue failed and is switched off ({type(error).__name__}: {error})")
            return None

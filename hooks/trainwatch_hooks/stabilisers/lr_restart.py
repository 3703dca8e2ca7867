"""lr-restart: cosine with a floor, a long warm-up, and one warm restart half way.

What it does:
    The learning rate falls along a cosine to its floor at the restart, jumps back to ``restart_to`` times lr0, and
    decays by ``decay`` per epoch from there; it is never below ``floor`` times lr0 (warm-up excepted, which starts
    at 0). The warm-up is 10 epochs of 600, with momentum 0.8.

Why it matters:
    With one plain cosine the last hundred epochs of 600 run at a rate near nothing and change nothing; the source
    reports a plateau of 100 epochs after epoch 500 without the restart and a new low at 550 with it (+0.6 mAP).

How it works:
    ``trainer.lf`` and ``scheduler.lr_lambdas`` are replaced once everything is set up, and again whenever the trainer
    makes a new scheduler (``time=``). Writing ``param_group['lr']`` at the start of an epoch would do nothing: the
    scheduler follows. Ultralytics' own warm-up multiplies by the same function. Arguments: ``cos_lr=True``,
    ``lrf=floor``, ``warmup_epochs``, ``warmup_momentum``; those that you give yourself stay as you gave them.

Settings:
    at = 0.5             restart, as a fraction of the training or an epoch from 0
    restart_to = 0.5     rate after the restart, in units of lr0
    decay = null         factor per epoch after it; null: 0.95 for 600 epochs, 0.95 ** (600 / epochs) for others
    floor = 0.01         smallest rate, in units of lr0 (Ultralytics' lrf)
    cosine_over = cycle  "cycle": the cosine ends at the restart. "training": it spans the whole training; then a
                         restart half way to 0.5 is no jump at all, since the cosine is at 0.505 there
    warmup_epochs = null null: 10 of 600 epochs, at least 3, never more than a quarter
    warmup_momentum = 0.8

What it does not do:
    With the source's numbers the rate after the restart is at the floor again after 76 of 600 epochs (0.5 x 0.95 ** 76 =
    0.01) and stays there; a decay nearer to 1 spreads it over the second half. It does not choose lr0 (see
    accumulate). With ``optimizer=auto`` lr0 is Ultralytics' own choice. In a short training, which is far from any plateau
    at its half, it costs: 28 epochs from scratch ended at mAP50-95 0.155 instead of 0.235 (3 seeds, generated shapes;
    tests/bench/stabilisers). Below 100 epochs it says so at the start; ``lr_restart: false`` switches it off.

References:
    The seven techniques, 4. Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts (2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainwatch_hooks.stabilisers.base import (
    SOURCE_EPOCHS,
    Control,
    Request,
    SettingsError,
    Stabiliser,
    boundary,
    require,
    scaled,
)

SOURCE_DECAY = 0.95
SOURCE_WARMUP_EPOCHS = 10
FEW_EPOCHS = 100
"""Trainings shorter than this are told that a restart costs more than it gives: the source's plateau begins at 500 of 600."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    at: float = 0.5
    restart_to: float = 0.5
    decay: float | None = None
    floor: float = 0.01
    cosine_over: str = "cycle"
    warmup_epochs: float | None = None
    warmup_momentum: float = 0.8

    def __post_init__(self) -> None:
        require(self.at > 0, f"at is {self.at:g}; give a fraction of the training (0.5) or an epoch (300)")
        require(0 < self.restart_to <= 1, f"restart_to is {self.restart_to:g}; it must lie between 0 and 1")
        require(0 < self.floor <= 1, f"floor is {self.floor:g}; it must lie between 0 and 1")
        require(
            self.floor < self.restart_to,
            f"floor {self.floor:g} is not below restart_to {self.restart_to:g}: no restart",
        )
        require(self.decay is None or 0 < self.decay <= 1, f"decay is {self.decay}; it must lie between 0 and 1")
        require(
            self.cosine_over in ("cycle", "training"), f"cosine_over is {self.cosine_over!r}; use 'cycle' or 'training'"
        )
        require(
            self.warmup_epochs is None or self.warmup_epochs >= 0,
            f"warmup_epochs is {self.warmup_epochs}; it cannot be negative",
        )
        require(
            0 <= self.warmup_momentum < 1,
            f"warmup_momentum is {self.warmup_momentum:g}; it must lie between 0 and 1",
        )


def restart_epoch(settings: Settings, epochs: int) -> int:
    """Return the epoch (from 0) of the restart; a training of one epoch has none (1, after its end)."""
    return max(boundary(settings.at, epochs), 1)


def schedule(settings: Settings, epochs: int) -> Callable[[float], float]:
    """Return the learning rate in units of lr0 as a function of the epoch (from 0).

    Args:
        settings: The settings.
        epochs: Planned epochs.
    """
    restart = restart_epoch(settings, epochs)
    span = restart if settings.cosine_over == "cycle" else epochs
    decay = SOURCE_DECAY ** (SOURCE_EPOCHS / epochs) if settings.decay is None else settings.decay

    def factor(epoch: float) -> float:
        if epoch >= restart:
            value = settings.restart_to * math.pow(decay, epoch - restart)
        else:
            value = settings.floor + (1 - settings.floor) * (1 + math.cos(math.pi * min(epoch / span, 1.0))) / 2
        return max(value, settings.floor)

    return factor


class LrRestart(Stabiliser):
    """Replaces the schedule; see the module's text."""

    settings_type = Settings

    def __init__(self, settings: Any, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._restart: int | None = None  # epoch of a restart that has happened, or is fixed for the next epoch
        self._installed: int | None = None

    def arguments(self, request: Request) -> dict[str, Any]:
        """Cosine, floor and warm-up as arguments, so that args.yaml and the trainer's own warm-up agree."""
        restart, epochs = restart_epoch(self.settings, request.epochs), request.epochs
        if restart >= epochs and "at" in self.explicit:
            raise SettingsError(
                f"lr_restart: the restart at epoch {restart} is not before the end of {epochs} epochs; "
                "give at below 1 (a fraction of the training)"
            )
        lrf = request.given.get("lrf")
        if lrf is not None and "floor" in self.explicit and lrf != self.settings.floor:
            raise SettingsError(
                f"lr_restart: lrf={lrf} and floor={self.settings.floor:g} are the same thing; give one of them"
            )
        if isinstance(lrf, int | float) and not 0 < lrf < self.settings.restart_to:
            raise SettingsError(
                f"lr_restart: lrf={lrf:g} cannot be its floor, which lies above 0 and below "
                f"restart_to={self.settings.restart_to:g}; leave lrf out, or lr_restart off"
            )
        if request.given.get("cos_lr") is False:
            raise SettingsError("lr_restart: cos_lr=False contradicts its cosine; leave cos_lr out, or lr_restart off")
        warmup = self.settings.warmup_epochs
        if warmup is None:
            warmup = float(min(scaled(SOURCE_WARMUP_EPOCHS, epochs, least=3), max(epochs // 4, 1)))
        in_force = request.given.get("warmup_epochs", warmup)
        if isinstance(in_force, int | float) and in_force > restart:
            raise SettingsError(
                f"lr_restart: the warm-up of {in_force:g} epochs overlaps the restart at epoch {restart}"
            )
        wanted = {
            "cos_lr": True,
            "lrf": self.settings.floor,
            "warmup_epochs": warmup,
            "warmup_momentum": self.settings.warmup_momentum,
        }
        return {k: v for k, v in wanted.items() if k not in request.given}

    def setup(self, control: Control) -> None:
        """Put the function into the scheduler, now and whenever the trainer makes a new one."""
        trainer = control.trainer
        self._install(control)  # first: what fails here must not fail again inside the trainer
        make = trainer._setup_scheduler

        def setup_scheduler() -> None:
            make()
            # With time= the plan may have become so much shorter that the restart is in the past: then it comes next.
            if self._restart is None and restart_epoch(self.settings, control.epochs) <= control.epoch:
                self._restart = control.epoch + 1
            self._install(control)

        trainer._setup_scheduler = setup_scheduler
        if control.epochs < FEW_EPOCHS:
            control.note(
                "warning",
                f"a restart in {control.epochs} epochs costs more than it gives: half way there is no plateau yet; "
                "lr_restart: false switches it off",
            )

    def _at(self, epochs: int) -> int:
        return restart_epoch(self.settings, epochs) if self._restart is None else self._restart

    def _install(self, control: Control) -> None:
        trainer = control.trainer
        settings = replace(self.settings, floor=float(trainer.args.lrf), at=float(self._at(control.epochs)))
        trainer.lf = schedule(settings, control.epochs)
        trainer.scheduler.lr_lambdas = [trainer.lf] * len(trainer.scheduler.lr_lambdas)
        self._installed = self._at(control.epochs)

    def epoch_start(self, control: Control) -> None:
        """Say when the restart happens."""
        restart = self._at(control.epochs)
        if restart != self._installed:  # a resume has told of a restart that was elsewhere
            self._install(control)
        if control.epoch == restart:
            self._restart = restart
            groups = control.trainer.optimizer.param_groups
            control.note(
                "lr_restart",
                f"learning rate back to {control.trainer.lf(restart):g} of its start",
                lr=[float(g["initial_lr"]) * control.trainer.lf(restart) for g in groups],
                factor=float(control.trainer.lf(restart)),
            )

    def changes(self, control: Control) -> dict[int, str]:
        """Return the epoch of the restart."""
        return {self._at(control.epochs): "lr_restart"}

    def state(self) -> dict[str, Any]:
        """Return the epoch of a restart that has happened."""
        return {"restart": self._restart}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it up again."""
        self._restart = state.get("restart")

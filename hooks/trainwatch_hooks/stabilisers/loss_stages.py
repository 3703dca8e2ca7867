"""loss-stages: three phases of the box, cls and dfl gains.

What it does:
    Multiplies the gains by epoch: boxes first (1.5 / 0.8 / 0.5 on box / cls / dfl), then all as they are, then the
    fine distances (0.7 / 1.2 / 1.3). The boundaries are one sixth and three quarters of the training (epochs 100 and
    450 of 600).

Why it matters:
    The source reports +0.8 mAP50-95 on COCO and an oscillation of the loss after epoch 450 of +-0.003 instead of
    +-0.012. Since Ultralytics clips the gradient at 10 on nearly every step, only the ratio of the gains matters, not
    their size.

How it works:
    ``trainer.args.box``, ``cls`` and ``dfl`` are set at the start of an epoch; the loss reads them there on every
    batch. They act on the training and the validation loss at once, therefore the gain in force is recorded with
    every step and every curve and criterion of trainwatch divides by it. After a NaN recovery Ultralytics' EMA keeps
    a criterion with a stale copy of the arguments; it is dropped here, so that the next validation makes a new one.
    Ultralytics' own checkpoints get your gains, since its resume starts from the arguments in them.

    Heads with other components:
    detect and segment   box, cls, dfl (seg and sem losses use the box gain)
    YOLO26, YOLOv10      dfl scales their l1_loss
    pose                 also pose like dfl and kobj like cls
    obb                  also angle like dfl
    classify, semantic, depth, RT-DETR: no such gains in their loss; the stabiliser says so and does nothing

Settings:
    boundaries = [0.1667, 0.75]  fractions of the training, or epochs from 0
    box = [1.5, 1.0, 0.7]        factor per phase
    cls = [0.8, 1.0, 1.2]
    dfl = [0.5, 1.0, 1.3]

What it does not do:
    A comparison of raw loss values across a boundary means nothing, in any tool that does not divide by the gain.

References:
    The seven techniques, 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from trainwatch_hooks.stabilisers.base import Control, Request, SettingsError, Stabiliser, boundary, require

FOLLOWS = {"box": "box", "cls": "cls", "dfl": "dfl", "pose": "dfl", "kobj": "cls", "angle": "dfl"}
"""Gain of the trainer's arguments -> the setting whose factor it takes."""

BY_TASK = {
    "detect": ("box", "cls", "dfl"),
    "segment": ("box", "cls", "dfl"),
    "pose": ("box", "cls", "dfl", "pose", "kobj"),
    "obb": ("box", "cls", "dfl", "angle"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    boundaries: tuple[float, float] = (1 / 6, 3 / 4)
    box: tuple[float, float, float] = (1.5, 1.0, 0.7)
    cls: tuple[float, float, float] = (0.8, 1.0, 1.2)
    dfl: tuple[float, float, float] = (0.5, 1.0, 1.3)

    def __post_init__(self) -> None:
        first, second = self.boundaries
        require(first > 0, f"boundaries {[first, second]} must be positive")
        # A fraction and an epoch cannot be compared before the length is known; arguments() does that.
        if (first < 1) == (second < 1):
            require(first < second, f"boundaries {[first, second]} overlap: the second must come after the first")
        for name in ("box", "cls", "dfl"):
            require(all(v >= 0 for v in getattr(self, name)), f"{name} is {list(getattr(self, name))}; no factor < 0")


def stage(settings: Settings, epoch: int, epochs: int) -> int:
    """Return the phase (0, 1 or 2) of an epoch (from 0)."""
    return sum(epoch >= boundary(b, epochs) for b in settings.boundaries)


class LossStages(Stabiliser):
    """Sets the gains; see the module's text."""

    settings_type = Settings

    def __init__(self, settings: Settings, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._base: dict[str, float] = {}
        self._stage: int | None = None

    def arguments(self, request: Request) -> dict[str, Any]:
        """Refuse boundaries that do not fit the training."""
        first, second = (boundary(b, request.epochs) for b in self.settings.boundaries)
        if first >= second and request.epochs >= 6:
            raise SettingsError(f"loss_stages: the stages overlap: they begin at epochs 0, {first} and {second}")
        if second >= request.epochs and "boundaries" in self.explicit:
            raise SettingsError(
                f"loss_stages: the last stage would begin at epoch {second}, after the end of {request.epochs} epochs"
            )
        return {}

    def setup(self, control: Control) -> None:
        """Remember the gains that the user chose."""
        args = control.trainer.args
        names = BY_TASK.get(str(args.task), ()) if _reads_gains(control) else ()
        self._base = {n: float(getattr(args, n)) for n in names if isinstance(getattr(args, n, None), int | float)}
        self._stage = None
        if not self._base:
            control.note("warning", f"loss_stages: inert, the loss of this {args.task} model has no such gains")
            return
        trainer = control.trainer
        trainer.save_model = self._with_own_gains(args, trainer.save_model)

    def _with_own_gains(self, args: Any, save_model: Callable[[], Any]) -> Callable[[], Any]:
        @wraps(save_model)
        def save() -> Any:
            in_force = {n: getattr(args, n) for n in self._base}
            try:
                _set(args, self._base)
                return save_model()
            finally:
                _set(args, in_force)

        return save

    def epoch_start(self, control: Control) -> None:
        """Set the gains of this epoch and keep the EMA's criterion on them."""
        now = stage(self.settings, control.epoch, control.epochs)
        if not self._base:
            return
        factors = {n: getattr(self.settings, FOLLOWS[n])[now] for n in self._base}
        _set(control.trainer.args, {n: value * factors[n] for n, value in self._base.items()})
        _drop_stale_criterion(control)
        if now != self._stage:
            self._stage = now
            gains = {n: getattr(control.trainer.args, n) for n in self._base}
            shown = ", ".join(f"{n} {g:g}" for n, g in gains.items())
            control.note(
                "stage", f"loss stage {now + 1} of 3: {shown}", label=f"loss stage {now + 1}", stage=now, gains=gains
            )

    def changes(self, control: Control) -> dict[int, str]:
        """Return where the second and third phase begin."""
        return {boundary(b, control.epochs): "stage" for b in self.settings.boundaries} if self._base else {}

    def teardown(self, control: Control) -> None:
        """Give the user's gains back."""
        _set(control.trainer.args, self._base)


def _set(args: Any, gains: Mapping[str, float]) -> None:
    for name, value in gains.items():
        setattr(args, name, value)


def _reads_gains(control: Control) -> bool:
    """Whether the criterion reads gains; RT-DETR's loss has its own, fixed ones (ultralytics.md B-2)."""
    layers = getattr(control.model, "model", None)
    return layers is not None and "RTDETR" not in type(layers[-1]).__name__


def _drop_stale_criterion(control: Control) -> None:
    ema: Any = getattr(getattr(control.trainer, "ema", None), "ema", None)
    criterion = getattr(ema, "criterion", None)
    if criterion is None:
        return
    inner = getattr(criterion, "one2many", criterion)
    if getattr(inner, "hyp", control.trainer.args) is not control.trainer.args:
        ema.criterion = None

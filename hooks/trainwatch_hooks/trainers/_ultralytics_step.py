"""The tap of one Ultralytics trainer's ``optimizer_step``: gradient norms and what the step did to the weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from trainwatch_hooks.guard import Guard
from trainwatch_hooks.probes.grad_norm import GradNorm, MixedGradients, stock_clip_arguments
from trainwatch_hooks.probes.update_ratio import UpdateRatio
from trainwatch_hooks.trainers._ultralytics_nonfinite import NonfiniteOrigin

if TYPE_CHECKING:
    import torch


class OptimizerStep:
    """Stands around ``trainer.optimizer_step``, which stays in charge; a probe that is off is None.

    Attributes:
        norms: Gradient norms of the last step.
        update: Update-to-weight ratio of the last step.
        stepped: Whether the optimizer has moved since the last row.
    """

    def __init__(
        self, trainer: Any, norms: GradNorm | None, update: UpdateRatio | None, origin: NonfiniteOrigin, guard: Guard
    ) -> None:
        self.norms, self.update, self.stepped = norms, update, False
        self._trainer, self._origin, self._guard = trainer, origin, guard
        self._stock = _has_stock_step(trainer)
        trainer.optimizer_step = self._around(trainer.optimizer_step)

    def take(self) -> tuple[dict[str, Any], Any]:
        """Return the scalars of the step that was made since the last call, and its norms per layer (or None)."""
        scalars: dict[str, Any] = {}
        per_layer = None
        if self.stepped and self.norms is not None:
            total, per_layer = self.norms.take()
            if total is not None:
                scalars["grad_norm"] = total
        if self.stepped and self.update is not None:
            scalars.update(self.update.take())
        self.stepped = False
        return scalars, per_layer

    def _around(self, original: Callable[[], None]) -> Callable[[], None]:
        @wraps(original)
        def optimizer_step() -> None:
            self.stepped = True
            self._origin.look_before_the_step(self._trainer)
            if self.update is not None:
                with self._guard("keeping the weights"):
                    self.update.follow(self._trainer.optimizer)
                    self.update.before()
            if self.norms is None:
                original()
            else:
                self._with_our_clip(original, self.norms)
            if self.update is not None:
                with self._guard("measuring the update"):
                    self.update.after()

        return optimizer_step

    def _with_our_clip(self, original: Callable[[], None], norms: GradNorm) -> None:
        import torch

        stock_clip = torch.nn.utils.clip_grad_norm_

        def clip(parameters: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
            max_norm = stock_clip_arguments(args, kwargs)
            # Only the stock optimizer_step is known to pass all of the model's parameters.
            if self._stock and max_norm is not None:
                try:
                    total = norms.clip(max_norm)
                    if not total.is_cuda and not math.isfinite(total):
                        self._origin.trace(self._trainer, "gradient norm")
                    return total
                except MixedGradients:
                    pass  # nothing was touched yet; the stock clip does it
                except Exception as error:
                    self._guard.report("reading gradient norms", error)
            norms.total = stock_clip(parameters, *args, **kwargs)
            return norms.total

        torch.nn.utils.clip_grad_norm_ = clip
        try:
            original()
        finally:
            torch.nn.utils.clip_grad_norm_ = stock_clip


def _has_stock_step(trainer: Any) -> bool:
    """Whether ``optimizer_step`` is Ultralytics' own, which clips exactly ``self.model.parameters()``.

    False, too, where torch lacks the second half of the clip as a function of its own (before 2.6).
    """
    import torch
    from ultralytics.engine.trainer import BaseTrainer

    if not hasattr(torch.nn.utils, "clip_grads_with_norm_"):
        return False
    return "optimizer_step" not in vars(trainer) and type(trainer).optimizer_step is BaseTrainer.optimizer_step

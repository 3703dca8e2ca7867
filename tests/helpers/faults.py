"""Faults planted into a real Ultralytics training at chosen micro-batches (counted from the start, replays included)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

KINDS = ("nan-image", "nan-gradient", "inf-gradient", "lr-x1000", "overflow")
LR_STEPS = 5


class Fault:
    """One kind of fault; ``callbacks()`` goes into the model before ``watch`` does.

    Args:
        kind: One of ``KINDS``.
        at: Micro-batches to spoil, from 0. The learning rate stays wrong for ``LR_STEPS`` from each on.
    """

    def __init__(self, kind: str, at: Collection[int]) -> None:
        assert kind in KINDS
        self.kind = kind
        self.at = frozenset(at)
        self.count = -1
        self.planted: list[int] = []

    def callbacks(self) -> dict[str, Callable[[Any], None]]:
        return {"on_pretrain_routine_end": self.install}

    @property
    def now(self) -> bool:
        return self.count in self.at

    def install(self, trainer: Any) -> None:
        preprocess = trainer.preprocess_batch
        weight = next(p for p in trainer.model.parameters() if p.requires_grad)

        def spoil(batch: Any) -> Any:
            self.count += 1
            batch = preprocess(batch)
            if self.now:
                self.planted.append(self.count)
            if self.kind == "nan-image" and self.now:
                batch["img"] = batch["img"].clone()
                batch["img"][0, :, 8:16, 8:16] = float("nan")
            elif self.kind == "overflow" and self.now:
                # As in half precision: activations grow a thousandfold per layer, and one becomes infinite.
                weight.data.mul_(1e4)
                weight.data.view(-1)[0] = float("inf")
            elif self.kind == "lr-x1000":
                self._learning_rate(trainer)
            return batch

        def gradient(grad: Any) -> Any:
            if not self.now:
                return grad
            grad = grad.clone()
            grad.view(-1)[0] = float("nan" if self.kind == "nan-gradient" else "inf")
            return grad

        if self.kind.endswith("gradient"):
            weight.register_hook(gradient)
        trainer.preprocess_batch = spoil

    def _learning_rate(self, trainer: Any) -> None:
        """After the warm-up has set it for this batch."""
        factor = trainer.lf(trainer.epoch)
        groups = trainer.optimizer.param_groups
        if any(self.count - i in self.at for i in range(LR_STEPS)):
            for group in groups:
                group["lr"] = group["initial_lr"] * factor * 1000
        elif self.count - LR_STEPS in self.at:
            for group in groups:
                group["lr"] = group["initial_lr"] * factor

"""How far an optimizer step moves the weights, for their size: ||w_new - w_old|| / ||w_old||.

Columns: ``update_ratio`` (all trainable weights), ``update_ratio/pg<i>`` (one parameter group, numbered like ``lr/pg<i>``); pure
numbers, every ``EVERY``-th optimizer step, null in between. It is taken from the weights themselves, so momentum, Adam's
scaling, weight decay and clipping are in it, and a step that a gradient scaler skips is 0. The step that throws the weights
away shows here before any loss is computed with them.

Cost: one copy of the weights while such a step runs (yolo12n: 10 MB), some 6 ms of a CPU core, so 0.6 ms a step, below 0.5 %
of a step of yolo12n; tests/bench/README.md has the figures. No device synchronisation: values stay tensors.

    ratio = UpdateRatio(optimizer).attach()                   # a loop of your own
    rec.step(epoch=epoch, losses=losses, **ratio.take())

References:
    About 1e-3 is usual: Stanford CS231n notes, Neural Networks Part 3, "Ratio of weights:updates". You, Gitman & Ginsburg
    2017, Large Batch Training of Convolutional Networks (training diverges where the ratio is too large for a layer).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from trainwatch_hooks.guard import Guard

if TYPE_CHECKING:
    import torch

EVERY: Final = 10
"""Optimizer steps between two measurements."""


class UpdateRatio:
    """Compares the weights of an optimizer before and after a step.

    Args:
        optimizer: Any ``torch.optim.Optimizer``, or a wrapper that holds one as ``optimizer`` (Accelerate).
        every: Optimizer steps between two measurements.
    """

    def __init__(self, optimizer: Any, every: int = EVERY) -> None:
        self._optimizer: torch.optim.Optimizer
        self.follow(optimizer)
        self._every = every
        self._guard = Guard()
        self._steps = 0
        self._groups: list[int] = []
        self._weights: list[torch.Tensor] = []
        self._old: list[torch.Tensor] = []
        self._size: torch.Tensor | None = None
        self._index: torch.Tensor | None = None
        self._index_of: list[int] = []
        self._found: dict[str, Any] = {}
        self._handles: list[Any] = []

    @property
    def columns(self) -> list[str]:
        """All columns that :meth:`take` may return now; groups without trainable weights have none."""
        return ["update_ratio", *(f"update_ratio/pg{i}" for i in dict.fromkeys(i for i, _ in self._trainable()))]

    def follow(self, optimizer: Any) -> None:
        """Measure this optimizer from now on: a trainer may have made a new one."""
        self._optimizer = getattr(optimizer, "optimizer", optimizer)

    def attach(self) -> UpdateRatio:
        """Measure by the optimizer's own hooks from now on, which run only if it really steps; return self."""

        def before(*_: Any) -> None:
            with self._guard("keeping the weights"):
                self.before()

        def after(*_: Any) -> None:
            with self._guard("measuring the update"):
                self.after()

        self._handles = [
            self._optimizer.register_step_pre_hook(before),
            self._optimizer.register_step_post_hook(after),
        ]
        return self

    def detach(self) -> None:
        """Take the hooks off; may be called twice."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def before(self) -> None:
        """Keep the weights, if this step is to be measured."""
        due = self._steps % self._every == 0
        self._steps += 1
        self._old = []
        if not due:
            return
        import torch

        pairs = list(self._trainable())
        if not pairs:
            return
        self._groups, self._weights = [i for i, _ in pairs], [w for _, w in pairs]
        with torch.no_grad():
            self._size = self._per_group(self._weights)
            old = [torch.empty_like(w) for w in self._weights]
            torch._foreach_copy_(old, self._weights)
        self._old = old

    def after(self) -> None:
        """Compare, if the weights were kept."""
        if not self._old or self._size is None:
            return
        import torch

        with torch.no_grad():
            torch._foreach_sub_(self._old, self._weights)
            moved = self._per_group(self._old)
            ratios = torch.where(self._size > 0, (moved / self._size).sqrt(), 0.0)
            total = (moved.sum() / self._size.sum()).sqrt()
        names = [f"update_ratio/pg{i}" for i in dict.fromkeys(self._groups)]
        self._found = {"update_ratio": total, **dict(zip(names, ratios, strict=True))}
        self._old, self._weights = [], []

    def take(self) -> dict[str, Any]:
        """Return column to 0-d float64 tensor of the last step, if it was measured, and forget them."""
        found, self._found = self._found, {}
        return found

    def _trainable(self) -> Iterator[tuple[int, torch.Tensor]]:
        for i, group in enumerate(self._optimizer.param_groups):
            for weight in group["params"]:
                if weight.requires_grad:
                    yield i, weight

    def _per_group(self, tensors: list[torch.Tensor]) -> torch.Tensor:
        """Return the sum of squares per parameter group, float64 of shape (groups with weights,)."""
        import torch

        norms = list(torch._foreach_norm(tensors, 2.0))
        if len({(n.device, n.dtype) for n in norms}) > 1:
            norms = [n.to(norms[0].device, torch.float64) for n in norms]
        squares = torch.stack(norms).double().square_()  # a float32 square would overflow from 2e19 on
        if self._index is None or self._index_of != self._groups or self._index.device != squares.device:
            position = {group: at for at, group in enumerate(dict.fromkeys(self._groups))}
            self._index = torch.tensor([position[g] for g in self._groups], device=squares.device)
            self._index_of = self._groups
        count = len(dict.fromkeys(self._groups))
        return torch.zeros(count, dtype=torch.float64, device=squares.device).index_add_(0, self._index, squares)

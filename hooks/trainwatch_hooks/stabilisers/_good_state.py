"""What a training goes back to: buffers and losses of the last good step, and whole states some good steps old.

Nothing here judges a step; that is rescue's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainwatch_hooks.stabilisers._reading import agreed
from trainwatch_hooks.stabilisers._snapshot import Mirror, Snapshot, live, unfinite
from trainwatch_hooks.stabilisers.base import Control

if TYPE_CHECKING:
    import torch


class GoodState:
    """Keeps the good states of one training, and puts them back.

    Attributes:
        every: Good steps between two states.
        steps: Good optimizer steps so far.
        snapshots: The states, the older one first; at most two.
    """

    def __init__(self) -> None:
        self.every = 1
        self.steps = 0
        self.snapshots: list[Snapshot] = []
        self._mirror: Mirror | None = None
        self._losses: tuple[Any, Any] | None = None
        self._tolerated: frozenset[str] = frozenset()

    def of(self, model: Any) -> bool:
        """Whether these are states of that model, and not of none or of one that was replaced."""
        return self._mirror is not None and self._mirror.matches(model)

    def begin(self, control: Control) -> None:
        """Take the present state as the good one; what is not finite at the very first is tolerated."""
        if self._mirror is None:
            self._tolerated = frozenset(unfinite(live(control.trainer)))
        self._mirror = Mirror(control.model)
        self.snapshots.clear()
        self._keep(control.trainer)

    def statistics(self) -> torch.Tensor:
        """Stage the buffers of the step under way; return their largest magnitude, a 0-d tensor."""
        import torch

        return torch.zeros(()) if self._mirror is None else self._mirror.stage()

    def accept(self, trainer: Any, *, counts: bool) -> None:
        """Take the staged buffers and the losses as good.

        Args:
            trainer: The trainer.
            counts: Whether the step is made (the gradient scaler may skip it by itself).
        """
        if self._mirror is not None:
            self._mirror.accept()
        self._losses = (trainer.loss.detach(), trainer.tloss)
        self.steps += counts

    def keep_if_due(self, trainer: Any) -> None:
        """Take a state if the last one is ``every`` good steps old."""
        if self.steps - (self.snapshots[-1].step if self.snapshots else -self.every) >= self.every:
            self._keep(trainer)

    def undo_forward(self) -> None:
        """Put the buffers of the last good step back."""
        if self._mirror is not None:
            self._mirror.restore()

    def put_losses_back(self, trainer: Any) -> None:
        """Give the trainer's last good loss back, else zeros: a NaN would start Ultralytics' own recovery."""
        import torch

        if self._losses is not None:
            trainer.loss, trainer.tloss = self._losses
            return
        zero = torch.zeros_like
        trainer.loss, tloss = zero(trainer.loss), trainer.tloss
        trainer.tloss = {k: zero(v) for k, v in tloss.items()} if isinstance(tloss, Mapping) else zero(tloss)

    def go_back(self, control: Control, least_age: int) -> int:
        """Put a whole state back, the oldest one if none is old enough.

        Args:
            control: The training.
            least_age: Good steps that must have followed it.

        Returns:
            Good steps lost.
        """
        old_enough = [s for s in self.snapshots if self.steps - s.step >= least_age]
        snapshot = (old_enough or self.snapshots[:1])[-1]
        snapshot.put(control.trainer)
        self.snapshots = [s for s in self.snapshots if s.step <= snapshot.step]
        self._mirror = Mirror(control.model)
        lost, self.steps = self.steps - snapshot.step, snapshot.step
        return lost

    def spoilt(self, control: Control) -> list[str]:
        """Return the names of weights and EMA tensors that have become non-finite; statistics are put back anyway."""
        tensors = {k: v for k, v in live(control.trainer).items() if k not in self._tolerated}
        names = {n for n, _ in control.model.named_parameters()} | {k for k in tensors if k.startswith("ema.")}
        found = unfinite({k: v for k, v in tensors.items() if k in names})
        if control.distributed:
            import torch

            flag = torch.tensor([float(bool(found))], device=control.trainer.device)
            if agreed(flag, True).item() and not found:
                return ["on another rank"]
        return found

    def _keep(self, trainer: Any) -> None:
        """Take a state if it is finite; two old ones are enough."""
        snapshot = Snapshot.take(trainer, self.steps)
        if not self.snapshots or not set(snapshot.unfinite()) - self._tolerated:
            self.snapshots = [*self.snapshots[-1:], snapshot]

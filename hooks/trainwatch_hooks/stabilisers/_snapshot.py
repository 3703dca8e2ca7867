"""Copies of a training's tensors: the buffers of the last good step on the device, whole states on the host.

Nothing here judges. The buffers are BatchNorm's running statistics: a forward pass has changed them before anybody can
look at its loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainwatch_hooks.stabilisers.base import unwrap

if TYPE_CHECKING:
    import torch

FROZEN = "teacher_model."
"""Part of a distilled model that no step changes."""


class Mirror:
    """Keeps the floating-point buffers of the last good step, and stages those of the step under way.

    Both copies are flat, one tensor per device and type, so that one reduction looks at all of them.

    Args:
        model: The bare model.
    """

    def __init__(self, model: Any) -> None:
        self.buffers = _buffers(model)
        self._good = _Flat(self.buffers)
        self._staged = _Flat(self.buffers)

    def matches(self, model: Any) -> bool:
        """Whether these are still the model's buffers."""
        now = _buffers(model)
        return len(now) == len(self.buffers) and all(a is b for a, b in zip(now, self.buffers, strict=True))

    def stage(self) -> torch.Tensor:
        """Copy the buffers as they are now and return their largest magnitude, a 0-d tensor; NaN if one is NaN."""
        import torch

        if not self.buffers:
            return torch.zeros(())
        self._staged.take(self.buffers)
        return self._staged.largest()

    def accept(self) -> None:
        """Make the staged buffers the good ones."""
        self._good, self._staged = self._staged, self._good

    def restore(self) -> None:
        """Put the good ones back into the model."""
        if self.buffers:
            self._good.give(self.buffers)


class _Flat:
    """One copy of some tensors in one flat tensor per device and type."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        import torch

        kinds = dict.fromkeys((t.device, t.dtype) for t in tensors)
        self._whole: list[torch.Tensor] = []
        self._views: list[torch.Tensor] = list(tensors)
        for kind in kinds:
            places = [i for i, t in enumerate(tensors) if (t.device, t.dtype) == kind]
            sizes = [tensors[i].numel() for i in places]
            whole = torch.empty(sum(sizes), device=kind[0], dtype=kind[1])
            for i, part in zip(places, torch.split(whole, sizes), strict=True):
                self._views[i] = part.view(tensors[i].shape)
            self._whole.append(whole)
        self.take(tensors)

    def take(self, tensors: Sequence[torch.Tensor]) -> None:
        import torch

        if tensors:
            with torch.no_grad():
                torch._foreach_copy_(self._views, list(tensors))

    def give(self, tensors: Sequence[torch.Tensor]) -> None:
        import torch

        with torch.no_grad():
            torch._foreach_copy_(list(tensors), self._views)

    def largest(self) -> torch.Tensor:
        import torch

        largest = [w.abs().amax().float() for w in self._whole]
        return largest[0] if len(largest) == 1 else torch.stack([v.to(largest[0].device) for v in largest]).amax()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Weights, EMA and optimizer state after one optimizer step, on the host. Learning rates are not part of it.

    Attributes:
        step: Good optimizer steps before it.
        model: State of the bare model by name.
        ema: State of the EMA by name, None where a rank has none.
        updates: The EMA's count of updates.
        optimizer: State of every parameter, in the order of the groups.
    """

    step: int
    model: dict[str, Any]
    ema: dict[str, Any] | None
    updates: int
    optimizer: list[dict[str, Any]]

    @classmethod
    def take(cls, trainer: Any, step: int) -> Snapshot:
        """Copy the state of a training (waits for the device)."""
        ema = getattr(trainer, "ema", None)
        return cls(
            step,
            {k: _out(v) for k, v in _state(trainer.model).items()},
            None if not ema else {k: _out(v) for k, v in _state(ema.ema).items()},
            int(ema.updates) if ema else 0,
            [{k: _out(v) for k, v in trainer.optimizer.state.get(p, {}).items()} for p in _parameters(trainer)],
        )

    def put(self, trainer: Any) -> None:
        """Write the state back, in place: whoever holds references to the tensors goes on with the old values."""
        import torch

        with torch.no_grad():
            for name, value in _state(trainer.model).items():
                value.copy_(self.model[name])
            ema = getattr(trainer, "ema", None)
            if ema and self.ema is not None:
                for name, value in _state(ema.ema).items():
                    value.copy_(self.ema[name])
                ema.updates = self.updates
            state = trainer.optimizer.state
            for parameter, kept in zip(_parameters(trainer), self.optimizer, strict=True):
                if kept:
                    state[parameter] = {
                        k: _back(v, state.get(parameter, {}).get(k), parameter.device) for k, v in kept.items()
                    }
                else:
                    state.pop(parameter, None)

    def unfinite(self) -> list[str]:
        """Return the names of weights and EMA tensors with a value that is not finite."""
        return unfinite({**self.model, **_prefixed(self.ema or {})})


def live(trainer: Any) -> dict[str, Any]:
    """Return the tensors of the bare model and, as ``ema.<name>``, of the EMA: the names of :meth:`Snapshot.unfinite`."""
    ema = getattr(trainer, "ema", None)
    return {**_state(trainer.model), **(_prefixed(_state(ema.ema)) if ema else {})}


def unfinite(tensors: dict[str, Any]) -> list[str]:
    """Return the names of tensors with a value that is not finite (one device synchronisation, more only if there are)."""
    import torch

    named = {k: v for k, v in tensors.items() if v.is_floating_point() and v.numel()}
    if not named:
        return []
    largest = torch._foreach_norm(list(named.values()), float("inf"))
    bad = ~torch.stack([v.float().to(largest[0].device) for v in largest]).isfinite()
    return [k for k, is_bad in zip(named, bad.tolist(), strict=True) if is_bad]


def _state(model: Any) -> dict[str, torch.Tensor]:
    return {k: v for k, v in unwrap(model).state_dict().items() if hasattr(v, "copy_") and not k.startswith(FROZEN)}


def _prefixed(state: dict[str, Any]) -> dict[str, Any]:
    return {f"ema.{k}": v for k, v in state.items()}


def _parameters(trainer: Any) -> Iterable[Any]:
    return [p for group in trainer.optimizer.param_groups for p in group["params"]]


def _buffers(model: Any) -> list[torch.Tensor]:
    return [b for k, b in model.named_buffers() if b.is_floating_point() and b.numel() and not k.startswith(FROZEN)]


def _out(value: Any) -> Any:
    """Copy a tensor to the host, with the device that it came from; numbers stay."""
    return value.detach().to("cpu", copy=True) if hasattr(value, "detach") else value


def _back(kept: Any, now: Any, device: Any) -> Any:
    """Return a kept value for the optimizer: in the tensor that is there, else a new one (0-d step counts stay here)."""
    if not hasattr(kept, "detach"):
        return kept
    if hasattr(now, "copy_") and now.shape == kept.shape:
        return now.copy_(kept)
    return kept.clone() if kept.ndim == 0 else kept.to(device, copy=True)

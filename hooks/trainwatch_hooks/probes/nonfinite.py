"""Where the first non-finite number came from: the module, weight, input or loss term, and the images of that batch.

Writes an event of kind ``nonfinite``; no column. Cost: nothing per step on a device (values are looked at when they have
arrived anyway), about 1 us a step on a CPU. Only once a loss or a gradient norm has been seen to be non-finite is the batch
run through the model again, without touching it: random states and buffers are put back, gradients are not accumulated.

On a CPU this happens before the optimizer moves, so that the weights are still those that made the number. On a device the
value arrives later; by then the weights themselves may be lost, which is said, and the batch is known all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import torch

Place = Literal["input", "weight", "module", "loss term", "gradient", "unknown"]

MOST_EVENTS: Final = 5
"""A training that stays non-finite says the same each step."""

NAMES_SHOWN: Final = 20


@dataclass(frozen=True)
class Origin:
    """Where a non-finite number came from.

    Attributes:
        place: What kind of thing holds it first.
        name: Its name: ``img[3]``, ``model.4.conv.weight``, ``model.9``, ``box_loss``.
        detail: One sentence.
        images: Files of the batch; those at fault only, where that is known.
    """

    place: Place
    name: str
    detail: str
    images: tuple[str, ...] = ()

    def event(self) -> dict[str, Any]:
        """Return the event's data."""
        return {**asdict(self), "images": list(self.images[:NAMES_SHOWN]), "image_count": len(self.images)}


def trace(
    model: torch.nn.Module,
    inputs: Mapping[str, Any],
    loss: Callable[[], tuple[torch.Tensor, Mapping[str, torch.Tensor]]],
    images: tuple[str, ...] = (),
) -> Origin:
    """Find the first thing that is not finite, in the order in which data flows.

    Args:
        model: As it was when the number appeared.
        inputs: The batch; tensors are looked at, other values passed over.
        loss: Runs the batch through the model; returns the total and its terms by name.
        images: Files of the batch, in its order.
    """
    import torch

    for name, tensor in inputs.items():
        if isinstance(tensor, torch.Tensor) and (bad := _bad_rows(tensor)):
            own = tuple(images[i] for i in bad if i < len(images)) if tensor.shape[0] == len(images) else images
            return Origin(
                "input", f"{name}[{bad[0]}]", f"{len(bad)} of {tensor.shape[0]} entries of {name} are not finite", own
            )
    for name, weight in (*model.named_parameters(), *model.named_buffers()):
        if not _finite(weight):
            count = int((~torch.isfinite(weight)).sum())
            return Origin("weight", name, f"{count} of {weight.numel()} values of {name} are not finite", images)
    with untouched(model), torch.enable_grad():
        return _run_again(model, loss, images)


def _run_again(
    model: torch.nn.Module,
    loss: Callable[[], tuple[torch.Tensor, Mapping[str, torch.Tensor]]],
    images: tuple[str, ...],
) -> Origin:
    import torch

    forward: list[tuple[str, str]] = []
    backward = _Backward()
    handles = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()):
            continue  # the innermost module tells most
        handles.append(module.register_forward_hook(_watch_forward(name, type(module).__name__, forward)))
        handles.append(module.register_forward_hook(backward.watch(name)))
    try:
        total, terms = loss()
        if forward:
            name, kind = forward[0]
            return Origin("module", name, f"the output of {name} ({kind}) is not finite, its input is", images)
        for name, term in terms.items():
            if not _finite(term):
                return Origin("loss term", name, f"{name} is not finite, the outputs of all modules are", images)
        if not _finite(total):
            return Origin("loss term", "loss", "the total is not finite, its terms are", images)
        weights = [p for p in model.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(total.sum(), weights, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    if backward.first is not None:
        where = backward.first
        return Origin(
            "gradient", where, f"the gradient that {where} hands back is not finite, the one it gets is", images
        )
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    bad = [n for n, g in zip(names, gradients, strict=True) if g is not None and not _finite(g)]
    if bad:
        return Origin("gradient", bad[-1], f"the gradients of {len(bad)} weights are not finite", images)
    return Origin(
        "unknown", "", "run again, everything was finite: the number depends on chance or on lost state", images
    )


@contextmanager
def untouched(model: torch.nn.Module) -> Iterator[None]:
    """Put back what a forward pass changes: buffers (batch normalisation), random states, the training mode."""
    import random

    import numpy as np
    import torch

    buffers = [(b, b.detach().clone()) for b in model.buffers()]
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if devices:
            torch.cuda.set_rng_state_all(devices)


def _watch_forward(name: str, kind: str, found: list[tuple[str, str]]) -> Callable[..., None]:
    def hook(module: Any, inputs: Any, output: Any) -> None:
        if not found and not all(_finite(t) for t in _tensors(output)):
            found.append((name, kind))

    return hook


class _Backward:
    """Follows the gradients of module outputs; tensor hooks, because module hooks forbid modules that work in place."""

    def __init__(self) -> None:
        self.first: str | None = None
        self._finite: dict[str, bool] = {}
        self._takers: dict[int, list[str]] = {}
        self._kept: list[Any] = []  # an id is that of one tensor only as long as this lives

    def watch(self, name: str) -> Callable[..., None]:
        """Return the forward hook of a module."""

        def hook(module: Any, inputs: Any, output: Any) -> None:
            for tensor in _tensors(inputs):
                self._kept.append(tensor)
                self._takers.setdefault(id(tensor), []).append(name)
            for tensor in _tensors(output):
                if tensor.requires_grad:
                    self._kept.append(tensor)
                    tensor.register_hook(self._heard(name, id(tensor)))  # type: ignore[no-untyped-call]

        return hook

    def _heard(self, name: str, key: int) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            self._finite[name] = _finite(gradient)
            if self.first is None and not self._finite[name]:
                self.first = next((t for t in self._takers.get(key, []) if self._finite.get(t)), "loss")

        return hook


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _finite(tensor: torch.Tensor) -> bool:
    import torch

    return not tensor.is_floating_point() or bool(torch.isfinite(tensor.detach()).all())


def _bad_rows(tensor: torch.Tensor) -> list[int]:
    """Return the first indices of a tensor's entries that hold a non-finite number."""
    import torch

    if not tensor.is_floating_point() or not tensor.dim() or _finite(tensor):
        return []
    bad = ~torch.isfinite(tensor.detach()).reshape(tensor.shape[0], -1).all(1)
    return [int(i) for i in bad.nonzero().reshape(-1)]

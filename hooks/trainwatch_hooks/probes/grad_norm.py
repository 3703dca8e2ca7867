"""Gradient norms, total and per top-level layer, out of the clip that the trainer performs anyway.

Columns: ``grad_norm``, ``grad_norm/<layer>`` (L2 norms, unscaled, before clipping).
Cost: negative against ``torch.nn.utils.clip_grad_norm_`` on yolo12n, because the parameter list is kept between steps;
tests/bench/README.md has the figures. No device synchronisation: all values stay tensors.

Each tensor's norm is computed once by ``torch._foreach_norm``, exactly as ``torch.nn.utils.get_total_norm`` does; the
total and the clipping then follow torch's own functions, so that the clipped gradients are bit-identical to the stock
ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class MixedGradients(TypeError):
    """The gradients are not all of one device and type; torch's own clip groups them."""


def layer_of(parameter_name: str) -> str:
    """Return the top-level layer: ``model.4.attn.qkv.weight`` is ``model.4``, ``fc1.bias`` is ``fc1``."""
    parts = [p for p in parameter_name.split(".") if p not in ("module", "_orig_mod")]  # DDP, torch.compile
    if parts and parts[0] == "model" and len(parts) > 2:
        return ".".join(parts[:2])
    return parts[0] if parts else parameter_name


class GradNorm:
    """Clips like ``clip_grad_norm_`` and keeps the norms.

    Args:
        named_parameters: All parameters of the model, in the order of ``model.parameters()``.
    """

    def __init__(self, named_parameters: Iterable[tuple[str, torch.nn.Parameter]]) -> None:
        pairs = list(named_parameters)
        self.parameters = [p for _, p in pairs]
        self._layers = [layer_of(name) for name, _ in pairs]
        self.columns = [f"grad_norm/{layer}" for layer in dict.fromkeys(self._layers)]
        self._index: torch.Tensor | None = None
        self._index_of: tuple[bool, ...] = ()
        self.total: torch.Tensor | None = None
        self.per_layer: torch.Tensor | None = None

    def clip(self, max_norm: float) -> torch.Tensor:
        """Clip the gradients in place to a total norm of ``max_norm`` and return the total before, a 0-d tensor.

        Afterwards ``total`` holds that tensor and ``per_layer`` a float64 tensor of shape (layers,) for ``columns``.

        Raises:
            MixedGradients: If the gradients are not of one device and type; nothing was changed, use the stock
            clip.
        """
        import torch

        present = tuple(p.grad is not None for p in self.parameters)
        grads = [p.grad for p in self.parameters if p.grad is not None]
        if not grads or len({(g.device, g.dtype, g.layout) for g in grads}) != 1:
            raise MixedGradients("gradients of several devices or types, or none")
        with torch.no_grad():
            norms = torch.stack(torch._foreach_norm(grads, 2.0))
            total: torch.Tensor = torch.linalg.vector_norm(norms, 2.0)
            # float64: the square of a float32 norm above 1e19 would overflow and blame a layer for an inf it has not
            per_layer = (
                torch.zeros(len(self.columns), dtype=torch.float64, device=norms.device)
                .index_add_(0, self._layer_index(present, norms.device), norms.double().square_())
                .sqrt_()
            )
            # Last, so that whatever fails above leaves the gradients as they were for the stock clip.
            torch.nn.utils.clip_grads_with_norm_(self.parameters, max_norm, total)
        self.total, self.per_layer = total, per_layer
        return total

    def _layer_index(self, present: tuple[bool, ...], device: torch.device) -> torch.Tensor:
        """Map each gradient to its layer's position; kept while the same parameters have gradients."""
        import torch

        if self._index is None or present != self._index_of or self._index.device != device:
            position = {layer: i for i, layer in enumerate(dict.fromkeys(self._layers))}
            positions = [position[layer] for layer, here in zip(self._layers, present, strict=True) if here]
            self._index, self._index_of = torch.tensor(positions, device=device), present
        return self._index

    def take(self) -> tuple[torch.Tensor | None, tuple[list[str], torch.Tensor] | None]:
        """Return the norms of the last clip (total; columns and per-layer vector) and forget them."""
        total, vector = self.total, None if self.per_layer is None else (self.columns, self.per_layer)
        self.total = self.per_layer = None
        return total, vector


def stock_clip_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> float | None:
    """Return ``max_norm`` of a call of ``clip_grad_norm_(parameters, max_norm)``, None if it asks for anything else."""
    given = dict(zip(("max_norm", "norm_type", "error_if_nonfinite", "foreach"), args, strict=False)) | kwargs
    if set(given) - {"max_norm"} and (
        given.get("norm_type", 2.0) != 2.0 or given.get("error_if_nonfinite") or given.get("foreach") is False
    ):
        return None
    value = given.get("max_norm")
    return float(value) if isinstance(value, int | float) else None

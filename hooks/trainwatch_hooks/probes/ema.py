"""The averaged weights (EMA) against the model, and the statistics of batch normalisation, once an epoch.

Columns, per epoch:
    ``ema/distance``      ||average - model|| / ||model|| over all weights: how far the average lags behind.
    ``ema/bn_shift``      root mean square over channels of (running mean of the average - of the model), in standard
                          deviations of the model: what validation sees differently from training.
    ``ema/bn_drift``      the same between the model now and the model at the end of the epoch before: whether the
                          statistics have settled.
    ``ema/nonfinite``     tensors of the average (weights and buffers) that hold NaN or infinity.
    ``ema/bn_nonfinite``  the same among the model's own running statistics.

One non-finite step spoils an average for good (d * average + (1 - d) * NaN), also if the model recovers; validation and
checkpoints use the average. Cost: below 0.1 s an epoch for yolo12n on one CPU core, and a few
waits for the device; nothing per step.

    probe = Average()                                         # a loop of your own
    rec.epoch_end(epoch, ema=probe.read(model, average))

References:
    Ioffe & Szegedy 2015, Batch Normalization (running averages). Wu & Johnson 2021, Rethinking "Batch" in BatchNorm
    (running averages lag behind a model that moves, and validation suffers). Ultralytics pull requests 24731, 24986, 25005
    (spoilt averages).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

WRAPPERS: Final = ("module.", "_orig_mod.")
"""What DDP and torch.compile put before every name."""


class Average:
    """Reads the columns; remembers the statistics of the epoch before.

    Attributes:
        spoilt: Names of the tensors that were not finite at the last reading, those of the average first.
    """

    def __init__(self) -> None:
        self.spoilt: tuple[str, ...] = ()
        self._before: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def read(self, model: torch.nn.Module, average: torch.nn.Module) -> dict[str, float]:
        """Return the columns without their family; those that do not apply are left out.

        Args:
            model: What is trained.
            average: A model of the same kind that holds the average, like Ultralytics' ``trainer.ema.ema``.
        """
        import torch

        with torch.no_grad():
            ours, theirs = _named(model.named_parameters()), _named(average.named_parameters())
            statistics, averaged = _statistics(model), _statistics(average)
            common = [(w, theirs[n]) for n, w in ours.items() if n in theirs and theirs[n].shape == w.shape]
            row: dict[str, float] = {}
            if common:
                moved = _norm(a.to(w.device, w.dtype) - w for w, a in common)
                row["distance"] = _ratio(moved, _norm(w for w, _ in common))
            for name, earlier in (("bn_shift", averaged), ("bn_drift", self._before)):
                if (shift := _shift(earlier, statistics)) is not None:
                    row[name] = shift
            of_average = _nonfinite({**theirs, **_named(average.named_buffers())})
            row["nonfinite"] = float(len(of_average))
            of_model: list[str] = []
            if statistics:
                means = {f"{n}.running_mean": mean for n, (mean, _) in statistics.items()}
                of_model = _nonfinite({**means, **{f"{n}.running_var": var for n, (_, var) in statistics.items()}})
                row["bn_nonfinite"] = float(len(of_model))
            self.spoilt = (*of_average, *of_model)
            self._before = {n: (mean.clone(), var.clone()) for n, (mean, var) in statistics.items()}
        return row


def _named(pairs: Iterable[tuple[str, Any]]) -> dict[str, torch.Tensor]:
    """Return floating point tensors by the name that they have in the bare model."""
    found = {}
    for name, tensor in pairs:
        for wrapper in WRAPPERS:
            name = name.replace(wrapper, "")
        if tensor is not None and tensor.is_floating_point() and tensor.numel():
            found[name] = tensor.detach()
    return found


def _statistics(model: torch.nn.Module) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Return running mean and variance of each normalisation layer, by its name."""
    buffers = _named(model.named_buffers())
    layers = [n.removesuffix(".running_mean") for n in buffers if n.endswith(".running_mean")]
    return {n: (buffers[f"{n}.running_mean"], v) for n in layers if (v := buffers.get(f"{n}.running_var")) is not None}


def _shift(
    one: dict[str, tuple[torch.Tensor, torch.Tensor]], other: dict[str, tuple[torch.Tensor, torch.Tensor]]
) -> float | None:
    """Return the root mean square difference of two sets of means in standard deviations of the second.

    Channels that never varied have no unit to measure in and are left out; None if there are no others.
    """
    import torch

    both = [(one[n][0], *other[n]) for n in other if n in one and one[n][0].shape == other[n][0].shape]
    if not both:
        return None
    device = both[0][1].device
    first, mean, variance = (
        torch.cat([t.to(device, torch.float32).reshape(-1) for t in part]) for part in zip(*both, strict=True)
    )
    squares = ((first - mean).square() / variance)[variance != 0]
    return float(squares.mean().sqrt()) if squares.numel() else None


def _norm(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    import torch

    norms = torch._foreach_norm(list(tensors), 2.0)
    total: torch.Tensor = torch.linalg.vector_norm(torch.stack([n.to(norms[0].device, torch.float64) for n in norms]))
    return total


def _ratio(part: torch.Tensor, whole: torch.Tensor) -> float:
    above, below = float(part), float(whole)
    return above / below if below else math.nan if above else 0.0


def _nonfinite(tensors: dict[str, torch.Tensor]) -> list[str]:
    """Name the tensors that hold NaN or infinity; norms find the suspects in one reading, since they may overflow."""
    import torch

    if not tensors:
        return []
    norms = torch._foreach_norm(list(tensors.values()), 1.0)
    device = norms[0].device
    values = torch.stack([n.to(device, torch.float32) for n in norms]).tolist()
    suspects = [n for n, v in zip(tensors, values, strict=True) if not math.isfinite(v)]
    return [n for n in suspects if not bool(torch.isfinite(tensors[n]).all())]

"""What one optimizer step shows, read from the device in one piece, and what the schedule allows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from trainwatch_hooks.probes import losses
from trainwatch_hooks.stabilisers._spike import Reading

if TYPE_CHECKING:
    import torch

Items = tuple[Any, list[float]]
"""Loss components of a micro-batch, a tensor of shape (components,), and the gain in force on each."""

OLD_WARMUP_STEPS: Final = 100
"""Shortest warm-up of Ultralytics up to 8.4.104, micro-batches."""


def loss_items(trainer: Any) -> Items:
    """Return the loss components of the micro-batch that the trainer has just seen."""
    import torch

    items = losses.components(trainer.loss_items, trainer.loss_names)
    if not items:
        return trainer.loss.detach().reshape(1), [1.0]
    gains = losses.gains(list(items), trainer.args, trainer.args.task)
    tensor = torch.stack([v.detach().reshape(()) for v in items.values()])
    return tensor, [gains.get(name) or 1.0 for name in items]


def read(
    trainer: Any, items: Sequence[Items], norm: torch.Tensor, statistics: torch.Tensor, distributed: bool
) -> Reading:
    """Bring to the host what the judge needs: one synchronisation.

    Args:
        trainer: The trainer; its ``loss`` is that of the last micro-batch.
        items: What :func:`loss_items` returned for every micro-batch of the step.
        norm: Total gradient norm, 0-d.
        statistics: Largest magnitude in the model's buffers, 0-d.
        distributed: Whether there are other ranks to agree with.
    """
    import torch

    device = trainer.loss.device
    scalars = torch.stack([s.detach().to(device).float().reshape(()) for s in (trainer.loss, statistics, norm)])
    values = torch.cat([scalars, *(tensor.float() for tensor, _ in items)])
    loss, largest, total, *flat = agreed(values, distributed).tolist()
    levels, at = [], 0
    for tensor, gains in items:
        part = flat[at : at + tensor.numel()]
        levels.append(sum(value / gain for value, gain in zip(part, gains, strict=True)))
        at += tensor.numel()
    if not math.isfinite(loss):
        levels[-1] = loss
    return Reading(total / (max(int(trainer.batch_size), 1) * len(items)), levels, largest)


def agreed(values: torch.Tensor, distributed: bool) -> torch.Tensor:
    """Return the largest values among the ranks, NaN where any rank's is not finite; the same on all ranks.

    Args:
        values: Shape (n,).
        distributed: Whether there are other ranks.
    """
    if not distributed:
        return values
    import torch
    from torch import distributed as dist

    # Reductions disagree on NaN, so that it travels as a flag.
    packed = torch.stack([values.nan_to_num(0.0, 0.0, 0.0), (~values.isfinite()).to(values.dtype)])
    dist.all_reduce(packed, op=dist.ReduceOp.MAX)
    most, unfinite = packed.unbind()
    result: torch.Tensor = most.masked_fill(unfinite > 0, math.nan)
    return result


def clipped_norm(model: Any) -> torch.Tensor:
    """Return the norm of the gradients as they are, clipped already: finite or not, where none was recorded."""
    import torch

    grads = [p.grad for p in model.parameters() if p.grad is not None]
    if not grads:
        return torch.zeros(())
    norms = [n.float().to(grads[0].device) for n in torch._foreach_norm(grads)]
    total: torch.Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return total


def scheduled_lr(trainer: Any, iteration: int, base: Sequence[float]) -> list[float]:
    """Return the learning rate that the schedule gives now, per group; the warm-up leads up to it, for biases down to it.

    Args:
        trainer: The trainer.
        iteration: Micro-batches from the start.
        base: Learning rate at schedule factor 1, per group.
    """
    import numpy as np

    factor = float(trainer.lf(int(trainer.epoch)))
    due = [lr * factor for lr in base]
    warmup = _warmup_iterations(trainer)
    if not warmup or iteration > warmup:
        return due
    groups = trainer.optimizer.param_groups
    named = any("param_group" in g for g in groups)  # in older versions the first group was the biases
    bias = [g.get("param_group") == "bias" if named else i == 0 for i, g in enumerate(groups)]
    begin = [float(trainer.args.warmup_bias_lr) if is_bias else 0.0 for is_bias in bias]
    return [float(np.interp(iteration, [0, warmup], [b, lr])) for b, lr in zip(begin, due, strict=False)]


def _warmup_iterations(trainer: Any) -> int:
    batches, own = len(trainer.train_loader), getattr(trainer, "_get_warmup_iterations", None)
    if own is not None:
        return int(own(batches))
    epochs = float(trainer.args.warmup_epochs)
    return max(round(epochs * batches), OLD_WARMUP_STEPS) if epochs > 0 else 0

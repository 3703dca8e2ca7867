"""Learning rate per parameter group, and momentum.

Columns: ``lr/pg<i>``, ``momentum`` (beta1 for Adam). Cost: about 2 us a step; no synchronisation.
"""

from __future__ import annotations

from typing import Any


def read(optimizer: Any) -> dict[str, float]:
    """Return the columns for any ``torch.optim.Optimizer``; an lr on a device is left out (it would wait)."""
    row: dict[str, float] = {}
    for i, group in enumerate(optimizer.param_groups):
        lr = group["lr"]
        if isinstance(lr, int | float) or not lr.is_cuda:
            row[f"lr/pg{i}"] = float(lr)
    first = optimizer.param_groups[0]
    momentum = first.get("momentum", first.get("betas", (None,))[0])
    if isinstance(momentum, int | float):
        row["momentum"] = float(momentum)
    return row

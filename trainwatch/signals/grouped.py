"""Values reduced by epoch."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from trainwatch.signals.blocks import row_medians

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

How = Literal["median", "min", "max", "last"]

SMALL_GROUP = 16
"""Values per epoch below which all medians are taken out of one sort, not one call each."""


def by_epoch(epoch: Ints, values: Floats, how: How) -> tuple[Ints, Floats]:
    """Reduce values to one per epoch.

    Args:
        epoch: Epoch of each value, shape (n,), in any order.
        values: Shape (n,). NaN is left out, but for ``last``.
        how: ``last`` is the last of the record.

    Returns:
        Epochs, ascending, and values, both of shape (epochs,); NaN for an epoch of NaN only.
    """
    if not len(epoch):
        return np.empty(0, np.int64), np.empty(0)
    if (np.diff(epoch) < 0).any():
        order = np.argsort(epoch, kind="stable")
        epoch, values = epoch[order], values[order]
    starts = np.flatnonzero(np.diff(epoch, prepend=epoch[0] - 1))
    found, ends = epoch[starts], np.append(starts[1:], len(epoch))
    if how == "last":
        return found, values[ends - 1]
    if how == "min":
        return found, np.fmin.reduceat(values, starts)
    if how == "max":
        return found, np.fmax.reduceat(values, starts)
    return found, _medians(epoch, values, starts, ends)


def _medians(epoch: Ints, values: Floats, starts: Ints, ends: Ints) -> Floats:
    holes = np.isnan(values)
    if not holes.any() and len(values) > SMALL_GROUP * len(starts):
        parts = (values[None, a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True))
        return np.concatenate([row_medians(part) for part in parts])
    ordered = values[np.lexsort((values, epoch))]  # NaN last within each epoch
    count = ends - starts - np.add.reduceat(holes, starts, dtype=np.int64)
    low, high = starts + np.maximum(count - 1, 0) // 2, starts + np.minimum(count // 2, ends - starts - 1)
    with np.errstate(invalid="ignore"):
        medians: Floats = (ordered[low] + ordered[high]) / 2
    return np.where(count > 0, medians, np.nan)

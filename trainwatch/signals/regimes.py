"""Changes of regime that are no faults: where a jump of a series is to be expected.

Close of mosaic (Ultralytics ``close_mosaic``: mosaic, mixup, cutmix and copy_paste end), a replayed epoch, a resume.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainwatch.runs.run import Run, Series

MARGIN_EPOCHS = 2
"""Epochs on either side of a change in which a jump is expected (ultralytics.md A-4 4.6: the averages settle)."""

WARM_SHARE = 0.9
"""Share of its largest value at which a learning rate has risen."""


def change_epochs(run: Run) -> list[int]:
    """List the epochs (0-based) at which a regime changes."""
    found = {
        int(e["epoch"]) for e in run.events_of("mosaic_closed", "lr_restart", "stage") if e.get("epoch") is not None
    }
    close = closing_epoch(run)
    return sorted(found | ({close} if close is not None else set()))


def near_change(run: Run, series: Series, margin: int = MARGIN_EPOCHS) -> npt.NDArray[np.bool_]:
    """Mark the values that lie within ``margin`` epochs of a change; shape (n,)."""
    mask = np.zeros(len(series), bool)
    for epoch in change_epochs(run):
        mask |= np.abs(series.epoch - epoch) <= margin
    return mask


def closing_epoch(run: Run) -> int | None:
    """Return the epoch (0-based) from which mosaic is off, None if that is not known or never happens."""
    told = [int(e["epoch"]) for e in run.events_of("mosaic_closed") if isinstance(e.get("epoch"), int)]
    if told:
        return told[-1]
    close, planned = run.args.get("close_mosaic"), run.planned_epochs
    if isinstance(close, int) and not isinstance(close, bool) and close > 0 and planned and planned > close:
        return planned - close
    return None


def regime_of(run: Run, epoch: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number the regimes, from 0, of values whose epochs are given in ascending order; shape (n,)."""
    part: npt.NDArray[np.int64] = np.searchsorted(np.asarray(change_epochs(run), np.int64), epoch, side="right")
    return part


def longest_regime(run: Run, epoch: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mark the values of the longest stretch without a change of regime in it; shape (n,), of two equal ones the later.

    Args:
        run: Any run.
        epoch: Epoch of each value, ascending, shape (n,).
    """
    part = regime_of(run, epoch)
    if not len(part):
        return np.zeros(0, bool)
    sizes = np.bincount(part)
    mask: npt.NDArray[np.bool_] = part == len(sizes) - 1 - int(np.argmax(sizes[::-1]))
    return mask


def warmup_end(run: Run, rates: Sequence[Series]) -> int:
    """Return the first epoch (0-based) after warm-up.

    Told by ``warmup_epochs`` and by the learning rates themselves, whichever is later: on tiny data sets a trainer
    stretches warm-up (Ultralytics: 100 steps at least). A bias group begins high and falls, all others rise, so the
    smallest rate of the groups is looked at: warm-up ends when it has reached nine tenths of the peak of its first rise.
    A rate that rises over more than half of the planned epochs is a schedule (one cycle), and only the argument counts.

    Args:
        run: Any run.
        rates: Learning rates per epoch, one series per parameter group.
    """
    asked = run.args.get("warmup_epochs")
    told = int(np.ceil(asked)) if isinstance(asked, int | float) and not isinstance(asked, bool) and asked > 0 else 0
    usable = [s for s in rates if len(s) and s.finite.all()]
    if not usable:
        return told
    n = min(len(s) for s in usable)
    lowest = np.min([s.values[:n] for s in usable], axis=0)
    falls = np.flatnonzero(np.diff(lowest) < 0)
    peak = float(lowest[falls[0] if len(falls) else -1])  # a restart may rise higher later
    if not peak > 0 or lowest[0] >= WARM_SHARE * peak:
        return told
    epoch = int(usable[0].epoch[int(np.flatnonzero(lowest >= WARM_SHARE * peak)[0])])
    planned = run.planned_epochs or 0
    return told if planned and epoch > planned / 2 else max(told, epoch)

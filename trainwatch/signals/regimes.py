"""Changes of regime that are no faults: where a jump of a series is to be expected.

Close of mosaic (Ultralytics ``close_mosaic``: mosaic, mixup, cutmix and copy_paste end), a replayed epoch, a resume.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainwatch.runs.run import Run, Series

MARGIN_EPOCHS = 2
"""Epochs on either side of a change in which a jump is expected (ultralytics.md A-4 4.6: the averages settle)."""


def change_epochs(run: Run) -> list[int]:
    """List the epochs (0-based) at which a regime changes."""
    found = {
        int(e["epoch"]) for e in run.events_of("mosaic_closed", "lr_restart", "stage") if e.get("epoch") is not None
    }
    close, planned = run.args.get("close_mosaic"), run.planned_epochs
    if isinstance(close, int) and not isinstance(close, bool) and close > 0 and planned and planned > close:
        found.add(planned - close)
    return sorted(found)


def near_change(run: Run, series: Series, margin: int = MARGIN_EPOCHS) -> npt.NDArray[np.bool_]:
    """Mark the values that lie within ``margin`` epochs of a change; shape (n,)."""
    mask = np.zeros(len(series), bool)
    for epoch in change_epochs(run):
        mask |= np.abs(series.epoch - epoch) <= margin
    return mask

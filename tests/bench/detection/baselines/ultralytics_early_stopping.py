"""Ultralytics' own EarlyStopping and NaN check.

Criteria: ultralytics/utils/torch_utils.py, EarlyStopping: stop once ``epoch - best_epoch >= patience``, best by fitness, any
gain counts; default patience 100. engine/trainer.py, _handle_nan_recovery: at the end of an epoch, the loss of the last batch
or the fitness is not finite. Version 8.4. The trainings here have 60 epochs at most, so patience 10 is measured as well.
"""

from __future__ import annotations

import numpy as np
from _peers import NO_PROGRESS, NOT_A_NUMBER, Fired, epoch_end_step, score

from trainwatch.runs import Run

RULES = {
    "EarlyStopping, patience 100": NO_PROGRESS,
    "EarlyStopping, patience 10": NO_PROGRESS,
    "NaN at the end of an epoch": NOT_A_NUMBER,
}


def fire(run: Run) -> Fired:
    """Return the step at which each rule fires first."""
    fired: Fired = {}
    found = score(run)
    if found is not None:
        for patience in (100, 10):
            best, best_at = -np.inf, 0
            for epoch, value in zip(found.epoch.tolist(), found.values.tolist(), strict=True):
                if value > best:
                    best, best_at = value, epoch
                if epoch - best_at >= patience:
                    fired[f"EarlyStopping, patience {patience}"] = epoch_end_step(run, epoch)
                    break
    loss = run.step_series("loss")
    last = np.flatnonzero(np.diff(loss.epoch, append=loss.epoch[-1:] + 1) != 0)
    bad = [int(i) for i in last if not np.isfinite(loss.values[i])]
    if bad:
        fired["NaN at the end of an epoch"] = int(loss.step[bad[0]])
    return fired

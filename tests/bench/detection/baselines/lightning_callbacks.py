"""Lightning's EarlyStopping and SpikeDetection.

Criteria: lightning/pytorch/callbacks/early_stopping.py: the monitored loss (here val) has not fallen by more than min_delta 0
for patience 3 checks; check_finite True: it is not finite. lightning/fabric/utilities/spike.py: window 10, warmup 1, rtol 2.0:
the loss lies at least 2 means away from the running mean, or is not finite.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from _peers import DIVERGED, NO_PROGRESS, NOT_A_NUMBER, OVERFIT, Fired, epoch_end_step, first, put, total

from trainwatch.runs import Run

RULES = {
    "EarlyStopping, patience 3": (*NO_PROGRESS, *OVERFIT),
    "EarlyStopping, check_finite": NOT_A_NUMBER,
    "SpikeDetection": (*DIVERGED, *NOT_A_NUMBER),
}
PATIENCE = 3
WINDOW, WARMUP, RTOL = 10, 1, 2.0


def fire(run: Run) -> Fired:
    """Return the step at which each rule fires first."""
    fired: Fired = {}
    loss = run.step_series("loss")
    mean = pd.Series(loss.values).rolling(WINDOW, min_periods=WARMUP).mean().shift(1).to_numpy()
    with np.errstate(invalid="ignore"):
        spike = ~loss.finite | (np.abs(loss.values - mean) >= RTOL * np.abs(mean))
    put(fired, "SpikeDetection", first(loss, spike))
    val = total(run, "val")
    if val is None:
        return fired
    best, waited = np.inf, 0
    for epoch, value in zip(val.epoch.tolist(), val.values.tolist(), strict=True):
        if not np.isfinite(value):
            fired["EarlyStopping, check_finite"] = epoch_end_step(run, epoch)
            break
        best, waited = (value, 0) if value < best else (best, waited + 1)
        if waited >= PATIENCE:
            fired["EarlyStopping, patience 3"] = epoch_end_step(run, epoch)
            break
    return fired

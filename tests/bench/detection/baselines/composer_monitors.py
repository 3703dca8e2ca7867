"""MosaicML Composer's NaNMonitor and EarlyStopper, and llm-foundry's KillLossSpike.

Criteria: composer/callbacks/nan_monitor.py: the loss of a step is NaN (not infinite). callbacks/early_stopper.py: no gain of
more than min_delta 0 for patience 1 epoch. llmfoundry/callbacks/kill_loss_spike_callback.py: loss at least 2 times the mean of
a window of 100 for more than 4 consecutive steps, or half of the window above the cap of 10.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from _peers import DIVERGED, NO_PROGRESS, NOT_A_NUMBER, Fired, epoch_end_step, first, put, score

from trainwatch.runs import Run

RULES = {
    "NaNMonitor": NOT_A_NUMBER,
    "EarlyStopper": NO_PROGRESS,
    "KillLossSpike": DIVERGED,
}
WINDOW, TIMES, STEPS, CAP = 100, 2.0, 5, 10.0


def fire(run: Run) -> Fired:
    """Return the step at which each rule fires first."""
    fired: Fired = {}
    loss = run.step_series("loss")
    put(fired, "NaNMonitor", first(loss, np.isnan(loss.values)))
    values = pd.Series(loss.values)
    with np.errstate(invalid="ignore"):
        high = values >= TIMES * values.rolling(WINDOW, min_periods=WINDOW).mean().shift(1)
        in_a_row = high.rolling(STEPS).sum() >= STEPS
        capped = (values > CAP).rolling(WINDOW).mean() >= 0.5
    # The cap counts after two windows.
    put(fired, "KillLossSpike", first(loss, (in_a_row | (capped & (values.index >= 2 * WINDOW))).to_numpy()))
    found = score(run)
    if found is not None and len(found) > 1:
        best = np.maximum.accumulate(found.values)
        worse = np.flatnonzero(~(found.values[1:] > best[:-1]))
        if len(worse):
            fired["EarlyStopper"] = epoch_end_step(run, int(found.epoch[worse[0] + 1]))
    return fired

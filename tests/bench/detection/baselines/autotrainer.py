"""AutoTrainer's thresholds (Zhang et al., ICSE 2021), checked every 3 epochs as there.

Criteria, by its published parameters: vanishing: gradient of the first layer over that of the last below beta1 1e-3; exploding:
loss NaN or above 1e3, or that ratio above beta3 70; dying ReLU: share of zero gradients above gamma 0.7; unstable: the
accuracy falls by more than zeta 0.03 in more than eta 0.2 of the epochs; slow: the accuracy is below theta 0.6 and gained less
than delta 0.01 in the last 3 epochs. Our reading: the tool itself needs Keras and TensorFlow 2.3. Layers are the first and the
last with a weight matrix.
"""

from __future__ import annotations

import numpy as np
from _peers import DIVERGED, NO_PROGRESS, NOT_A_NUMBER, VANISHED, Fired, epoch_end_step, score

from trainwatch.runs import Run

RULES = {
    "vanishing": ("vanishing",),
    "exploding": (*DIVERGED, *NOT_A_NUMBER),
    "dying ReLU": ("dead-relu",),
    "unstable": ("lr-high",),
    "slow": (*NO_PROGRESS, *VANISHED),
}
EVERY = 3
BETA1, BETA3, GAMMA, ZETA, ETA, DELTA, THETA, LARGE = 1e-3, 70.0, 0.7, 0.03, 0.2, 0.01, 0.6, 1e3


def fire(run: Run) -> Fired:
    """Return the step at which each rule fires first."""
    fired: Fired = {}
    loss, zero = run.step_series("loss"), run.step_series("peer/grad_zero_share")
    low, high = run.step_series("grad_norm/first"), run.step_series("grad_norm/last")
    found = score(run)
    accuracy = found.values if found is not None and found.name.startswith("metrics/") else None
    for epoch in range(EVERY - 1, int(loss.epoch[-1]) + 1, EVERY):
        step = epoch_end_step(run, epoch)
        seen = loss.values[loss.step <= step]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = low.values[low.step <= step] / high.values[high.step <= step]
            checks = {
                "exploding": not np.isfinite(seen).all() or bool((seen > LARGE).any()) or _last(ratio) > BETA3,
                "vanishing": _last(ratio) < BETA1,
                "dying ReLU": _last(zero.values[zero.step <= step]) > GAMMA,
            }
        if accuracy is not None:
            known = accuracy[: epoch + 1]
            checks["unstable"] = float((np.diff(known) < -ZETA).mean()) > ETA
            gain = known[-1] - known[-1 - EVERY] if len(known) > EVERY else np.inf
            checks["slow"] = known[-1] < THETA and gain < DELTA
        for rule, hit in checks.items():
            if hit:
                fired.setdefault(rule, step)
    return fired


def _last(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else np.nan

"""Amazon SageMaker Debugger's built-in rules, with their documented defaults.

Criteria: awsdocs, doc_source/debugger-built-in-rules.md. LossNotDecreasing: the loss has not fallen over num_steps 10 (any
decrease counts by default). Overfit: (val - train) / train above ratio_threshold 0.1 for more than patience 1 epoch.
Overtraining: no new optimum by more than delta 0.1 for patience_train 5 or patience_validation 10 evaluations.
VanishingGradient: mean absolute gradient below 1e-7. ExplodingTensor: NaN or infinity in losses or gradients. DeadRelu: more
than half of a layer's outputs active in less than 1 % of the samples. The rules' code is closed, so this is our reading of
their descriptions. Not measured, for want of tensors: UnchangedTensor, WeightUpdateRatio, TensorVariance.
"""

from __future__ import annotations

import numpy as np
from _peers import NO_PROGRESS, NOT_A_NUMBER, OVERFIT, VANISHED, Fired, epoch_end_step, first, put, total

from trainwatch.runs import Run

RULES = {
    "LossNotDecreasing": NO_PROGRESS,
    "Overfit": OVERFIT,
    "Overtraining": (*NO_PROGRESS, *OVERFIT),
    "VanishingGradient": VANISHED,
    "ExplodingTensor": NOT_A_NUMBER,
    "DeadRelu": ("dead-relu",),
}
NUM_STEPS = 10
RATIO = 0.1
PATIENCE_TRAIN, PATIENCE_VALIDATION, DELTA = 5, 10, 0.1
MEAN_ABS = 1e-7
DEAD_SHARE = 0.5


def fire(run: Run) -> Fired:
    """Return the step at which each rule fires first."""
    fired: Fired = {}
    loss = run.step_series("loss")
    with np.errstate(invalid="ignore"):
        stuck = np.r_[np.zeros(NUM_STEPS, bool), ~(loss.values[NUM_STEPS:] < loss.values[:-NUM_STEPS])]
        put(fired, "LossNotDecreasing", first(loss, stuck))
        norm = run.step_series("grad_norm")
        exploded = [first(s, ~s.finite) for s in (loss, norm) if len(s)]
        put(fired, "ExplodingTensor", min((s for s in exploded if s is not None), default=None))
        mean = run.step_series("peer/grad_mean_abs")
        put(fired, "VanishingGradient", first(mean, mean.values < MEAN_ABS))
        dead = run.step_series("peer/dead_relu_share")
        put(fired, "DeadRelu", first(dead, dead.values > DEAD_SHARE))
    train, val = total(run, "train"), total(run, "val")
    if train is None or val is None or len(train) != len(val):
        return fired
    with np.errstate(invalid="ignore", divide="ignore"):
        over = (val.values - train.values) / train.values > RATIO
    twice = np.flatnonzero(over[1:] & over[:-1])
    if len(twice):
        fired["Overfit"] = epoch_end_step(run, int(val.epoch[twice[0] + 1]))
    ends = [_stalled(s.values, p) for s, p in ((train, PATIENCE_TRAIN), (val, PATIENCE_VALIDATION))]
    at = min((e for e in ends if e is not None), default=None)
    if at is not None:
        fired["Overtraining"] = epoch_end_step(run, int(val.epoch[at]))
    return fired


def _stalled(values: np.ndarray[tuple[int], np.dtype[np.float64]], patience: int) -> int | None:
    """Return the index at which the loss has had no new optimum by more than delta for that long."""
    best, best_at = np.inf, 0
    for i, value in enumerate(values.tolist()):
        if value < best - DELTA:
            best, best_at = value, i
        if i - best_at >= patience:
            return i
    return None

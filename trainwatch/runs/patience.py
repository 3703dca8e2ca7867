"""Early stopping as Ultralytics does it, replayed over a log's fitness column.

``ultralytics.utils.torch_utils.EarlyStopping.__call__(epoch, fitness)``, called with the epoch counted from 1 after
every validation (8.4.190, trainer.py:666); without validation fitness is None and nothing happens::

    if fitness > self.best_fitness or self.best_fitness == 0:   # both best_* start at 0
        self.best_epoch, self.best_fitness = epoch, fitness
    stop = epoch - self.best_epoch >= self.patience

Up to 8.3.60 the test was ``fitness >= self.best_fitness`` (the later of two equal epochs wins); 8.3.100 has the form
above. Consequences, mirrored and not mended: a fitness of 0 never uses patience up; a NaN while the best is still 0
is never beaten; the counter starts anew when a training is resumed (before 8.4.172, which put it into the checkpoint).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from trainwatch.runs.arrays import floats_in, integers_in, measured_in
from trainwatch.runs.run import Ints, Run

Rule = Literal["first of equals", "last of equals"]
RULES: Final[tuple[Rule, ...]] = ("first of equals", "last of equals")

ROUNDING: Final = 1.1e-5
"""A log's metrics are rounded to 5 decimals; a fitness mixed of two of them may be off by that much, so that two nearly
equal epochs may change order."""


@dataclass(frozen=True)
class Patience:
    """Where early stopping stood at the end of a log.

    Attributes:
        patience: Epochs without improvement that stop the training.
        best_epoch: Epoch (0-based) that it counts from.
        last_epoch: Last epoch (0-based).
        best_fitness: Fitness of the best epoch.
        stopped: ``last_epoch - best_epoch`` is exactly ``patience``: the rule stopped the training here.
    """

    patience: int
    best_epoch: int
    last_epoch: int
    best_fitness: float
    stopped: bool


def last_start(run: Run) -> slice:
    """Return the epoch rows that follow the last restart of the epoch count (a file may hold several starts)."""
    if "epoch" not in run.epoch_table.column_names:
        return slice(0, 0)
    epoch = integers_in(run.epoch_table["epoch"])
    falls = np.flatnonzero(np.diff(epoch) <= 0)
    return slice(int(falls[-1]) + 1 if len(falls) else 0, len(epoch))


def best_epoch(epoch: Ints, fitness: npt.NDArray[np.float64], rule: Rule = "first of equals") -> int | None:
    """Replay ``EarlyStopping`` and return the epoch (0-based) that it counts from, None without a validated epoch.

    Args:
        epoch: Shape (n,), 0-based, of the validated epochs.
        fitness: Shape (n,).
        rule: Which of two epochs of equal fitness is the best.
    """
    best, best_at = 0.0, 0
    for at, value in zip((epoch + 1).tolist(), fitness.tolist(), strict=True):
        better = (value > best or best == 0) if rule == "first of equals" else value >= best
        if better:
            best, best_at = value, at
    return best_at - 1 if len(epoch) else None


def replay(run: Run) -> Patience | None:
    """Tell where early stopping stood at the last epoch.

    The version is seldom known, so both rules for equal epochs are tried, and near ties within :data:`ROUNDING`.

    Returns:
        None if fitness or patience is not known, or patience is switched off.
    """
    patience = run.args.get("patience")
    if isinstance(patience, bool) or not isinstance(patience, int | float) or not 0 < patience < 1e6:
        return None
    rows = last_start(run)
    if "fitness" not in run.epoch_table.column_names or rows.start >= rows.stop:
        return None
    epoch = integers_in(run.epoch_table["epoch"])[rows]
    column = run.epoch_table["fitness"].slice(rows.start)
    fitness = floats_in(column)
    measured = measured_in(column)
    if not measured.any():
        return None
    last = int(epoch[-1])
    candidates = [b for rule in RULES if (b := best_epoch(epoch[measured], fitness[measured], rule)) is not None]
    candidates += _near_ties(epoch[measured], fitness[measured])
    hit = [b for b in candidates if last - b == int(patience)] if measured[-1] else []
    best = hit[0] if hit else candidates[0]
    at = np.flatnonzero(epoch == best)
    return Patience(int(patience), best, last, float(fitness[at[-1]]) if len(at) else 0.0, bool(hit))


def _near_ties(epoch: Ints, fitness: npt.NDArray[np.float64]) -> Sequence[int]:
    finite = np.where(np.isfinite(fitness), fitness, -np.inf)
    top = float(finite.max())
    return [int(e) for e in epoch[finite >= top - ROUNDING]] if top > 0 else []

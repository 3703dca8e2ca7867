"""A log of epochs in which the training was started more than once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from trainwatch.runs.arrays import integers_in
from trainwatch.runs.run import Run


@dataclass(frozen=True)
class Start:
    """One start of a training within a log.

    Attributes:
        first_epoch: Its first epoch, 0-based.
        last_epoch: Its last epoch, 0-based.
        rows: Rows it wrote.
    """

    first_epoch: int
    last_epoch: int
    rows: int


def starts(run: Run) -> tuple[Start, ...]:
    """List the starts: the epoch column falls, or stands still, where a new one begins."""
    if "epoch" not in run.epoch_table.column_names:
        return ()
    epoch = integers_in(run.epoch_table["epoch"])
    if not len(epoch):
        return ()
    cuts = [0, *(np.flatnonzero(np.diff(epoch) <= 0) + 1).tolist(), len(epoch)]
    return tuple(Start(int(epoch[a]), int(epoch[b - 1]), b - a) for a, b in itertools.pairwise(cuts))

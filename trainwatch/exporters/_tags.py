"""How a run's columns are named and placed in a tool that knows scalars by step only.

Step columns are named ``step/<column>`` and stand at their step. Epoch columns keep their names, so that they lie on
the same chart as the trainer's own logs, and stand at the last step of their epoch, or at the epoch (from 1, as
Ultralytics logs) in a run without steps and where the tool's axis is chosen so. ``epoch/number`` marks each epoch; by it
our importers know their own export and read it back exactly (``importers/_exported.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from trainwatch.errors import TrainwatchError
from trainwatch.importers._exported import EPOCH_MARK, STEP_PREFIX
from trainwatch.runs import Run

NOT_SCALARS = ("step", "rank", "time_s")
"""Step columns that the tool keeps itself (its axis, its clock), or that tell ranks apart."""


BATCH_ROWS = 65536
"""Rows that are turned into Python numbers at once: a run of 1e7 steps fits no memory."""


class Scalars(NamedTuple):
    """One row: place on the axis, Unix time or 0, names and values."""

    at: int
    time_s: float
    values: dict[str, float]


def step_rows(run: Run) -> Iterator[Scalars]:
    """Yield the step rows of the lowest rank."""
    table = run.rank_columns(run.ranks[0]).table()
    names = [n for n in table.column_names if n not in NOT_SCALARS]
    if "step" not in table.column_names or not table.num_rows:
        return
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        columns = {n: batch[n].to_pylist() for n in names}
        steps = batch["step"].to_pylist()
        times = batch["time_s"].to_pylist() if "time_s" in batch.schema.names else [None] * len(steps)
        for i, step in enumerate(steps):
            values = {STEP_PREFIX + n: float(c[i]) for n, c in columns.items() if c[i] is not None}
            yield Scalars(int(step), _time(times[i]), values)


def epoch_rows(run: Run, *, by_step: bool) -> Iterator[Scalars]:
    """Yield the epoch rows that no later start superseded.

    Args:
        run: Any run.
        by_step: Place them at the last step of their epoch if the run has steps; else at the epoch, from 1.
    """
    names = [n for n in run.epoch_table.column_names if n not in ("epoch", "attempt", "time_s")]
    series = {n: run.epoch_series(n) for n in names}
    numbers = run.epoch_series("epoch").epoch
    clock = run.epoch_series("time_s")
    times = dict(zip(clock.epoch.tolist(), clock.values.tolist(), strict=True))
    steps = run.step_series("step")
    last = dict(zip(steps.epoch.tolist(), steps.step.tolist(), strict=True)) if by_step else {}
    values = {n: dict(zip(s.epoch.tolist(), s.values.tolist(), strict=True)) for n, s in series.items()}
    before = -1
    for epoch in np.unique(numbers).tolist():
        at = last.get(epoch, before + 1 if last else epoch + 1)  # an epoch whose steps were lost stands behind the last
        before = max(at, before)
        row = {n: float(v[epoch]) for n, v in values.items() if epoch in v}
        yield Scalars(int(at), _time(times.get(epoch)), {EPOCH_MARK: float(epoch), **row})


def rows(run: Run) -> Iterator[Scalars]:
    """Yield all rows on one axis, steps and epochs joined where they fall together, in order.

    Raises:
        TrainwatchError: If the run has neither.
    """
    waiting = sorted(epoch_rows(run, by_step=True), key=lambda row: -row.at)
    none = not waiting
    for row in step_rows(run):
        none = False
        while waiting and waiting[-1].at < row.at:
            yield waiting.pop()
        if waiting and waiting[-1].at == row.at:
            epoch = waiting.pop()
            row = Scalars(row.at, row.time_s or epoch.time_s, {**row.values, **epoch.values})
        yield row
    yield from reversed(waiting)
    if none:
        raise TrainwatchError(f"{run.path}: the run holds no step and no epoch; there is nothing to export")


def parameters(run: Run) -> dict[str, Any]:
    """Return the arguments of the run, plain values only."""
    return {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in run.args.items() if v is not None}


def _time(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else 0.0

"""Reads back what ``trainwatch export`` wrote into another tool's format: exactly, without guessing.

Our export marks every epoch with the scalar ``epoch/number`` and names step columns ``step/<column>``; everything else
that stands where an epoch is marked is an epoch column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from trainwatch.importers._epochs import MAX_EPOCH
from trainwatch.importers._scalars import MAX_STEP, Tables
from trainwatch_hooks.schema import column

EPOCH_MARK: Final = "epoch/number"
STEP_PREFIX: Final = "step/"


def exported_tables(scalars: Mapping[str, Mapping[int, float]]) -> Tables | None:
    """Return the tables of our own export; None if the scalars are somebody else's.

    Args:
        scalars: By name, then by place on the axis.
    """
    marks = {at: n for at, n in scalars.get(EPOCH_MARK, {}).items() if 0 <= n <= MAX_EPOCH and n == int(n)}
    stepped = {n.removeprefix(STEP_PREFIX): v for n, v in scalars.items() if n.startswith(STEP_PREFIX)}
    if not marks and not {"epoch", "attempt"} <= set(stepped):
        return None
    made = Tables(steps=_steps(stepped))
    if marks:
        places = sorted(marks)
        arrays = {
            "epoch": pa.array([int(marks[at]) for at in places], pa.int64()),
            "attempt": pa.array([0] * len(places), pa.int64()),
        }
        for name, values in scalars.items():
            if name == EPOCH_MARK or name.startswith(STEP_PREFIX) or not any(at in values for at in places):
                continue
            arrays[name] = pa.array([values.get(at) for at in places], pa.float64())
        made.epochs = pa.table(arrays)
    return made


def _steps(columns: Mapping[str, Mapping[int, float]]) -> pa.Table | None:
    places = sorted({at for values in columns.values() for at in values if 0 <= at < MAX_STEP})
    if not places:
        return None
    arrays = {"step": pa.array(places, pa.int64())}
    for name in dict.fromkeys(("epoch", "attempt", *columns)):
        values = columns.get(name, {})
        declared = column(name)
        whole = declared is not None and declared.dtype in ("int64", "bool")
        if whole and all(v == v and abs(v) < MAX_STEP for v in values.values()):
            found = [None if at not in values else int(values[at]) for at in places]
            arrays[name] = pa.array([v or 0 for v in found] if name in ("epoch", "attempt") else found, pa.int64())
        else:
            arrays[name] = pa.array([values.get(at) for at in places], pa.float64())
    return pa.table(arrays)

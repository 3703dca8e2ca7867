"""TensorBoard: one event file with all scalars, written by tensorboardX (neither TensorFlow nor torch is needed).

Step columns are ``step/<column>``, epoch columns keep their names and count epochs from 1, as Ultralytics' own log does,
so that both lie on one chart. TensorBoard keeps scalars as 32-bit floats.
"""

from __future__ import annotations

import math
from pathlib import Path

from trainwatch.exporters._tags import epoch_rows, step_rows
from trainwatch.exporters.base import missing
from trainwatch.runs import Run

LARGEST = 3.4028234663852886e38
"""Largest 32-bit float."""


def write(run: Run, folder: Path) -> None:
    """Write the event file.

    Args:
        run: Any run.
        folder: An existing folder.

    Raises:
        TrainwatchError: If tensorboardX is not installed.
    """
    try:
        from tensorboardX import FileWriter
        from tensorboardX.proto.summary_pb2 import Summary
    except ImportError:
        raise missing("tensorboardX", "export") from None
    writer = FileWriter(str(folder))
    try:
        for row in (*step_rows(run), *epoch_rows(run, by_step=False)):
            # Not add_scalar: it rewrites names, metrics/mAP50(B) to metrics/mAP50_B_.
            values = [Summary.Value(tag=n, simple_value=_single(v)) for n, v in row.values.items()]
            writer.add_summary(Summary(value=values), row.at, walltime=row.time_s or None)
    finally:
        writer.close()


def _single(value: float) -> float:
    """Clip to the range of 32-bit floats, beyond which protobuf refuses or writes infinity."""
    return max(min(value, LARGEST), -LARGEST) if math.isfinite(value) else value

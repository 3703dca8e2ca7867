"""TensorBoard: one event file with all scalars, written by tensorboardX (neither TensorFlow nor torch is needed).

Step columns are ``step/<column>``, epoch columns keep their names and count epochs from 1, as Ultralytics' own log does,
so that both lie on one chart. TensorBoard keeps scalars as 32-bit floats.
"""

from __future__ import annotations

import logging
from pathlib import Path

from trainwatch.exporters._tags import epoch_rows, step_rows
from trainwatch.exporters.base import missing
from trainwatch.runs import Run


def write(run: Run, folder: Path) -> None:
    """Write the event file.

    Args:
        run: Any run.
        folder: An existing folder.

    Raises:
        TrainwatchError: If tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise missing("tensorboardX", "export") from None
    # It warns of every NaN, which here is a measured value.
    logging.getLogger("tensorboardX.x2num").setLevel(logging.ERROR)
    writer = SummaryWriter(str(folder), write_to_disk=True)
    try:
        for row in (*step_rows(run), *epoch_rows(run, by_step=False)):
            for name, value in row.values.items():
                writer.add_scalar(name, value, row.at, walltime=row.time_s or None)
    finally:
        writer.close()

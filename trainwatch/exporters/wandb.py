"""Weights & Biases: an offline run (``wandb/offline-run-...``). Nothing is sent; ``wandb sync`` does so when you want.

Step columns are ``step/<column>`` on the run's own step; epoch columns stand at the last step of their epoch. Arguments
become the config.
"""

from __future__ import annotations

import os
from pathlib import Path

from trainwatch.exporters._tags import parameters, rows
from trainwatch.exporters.base import missing
from trainwatch.runs import Run


def write(run: Run, folder: Path) -> None:
    """Write the run.

    Args:
        run: Any run.
        folder: An existing folder.

    Raises:
        TrainwatchError: If wandb is not installed.
    """
    os.environ["WANDB_MODE"] = "offline"  # whatever is set: an export goes to a folder and nowhere else
    os.environ.setdefault("WANDB_SILENT", "true")
    try:
        import wandb
    except ImportError:
        raise missing("wandb", "wandb") from None
    settings = wandb.Settings(mode="offline", silent=True, console="off", x_disable_stats=True, x_disable_meta=True)
    tracked = wandb.init(
        project="trainwatch", name=run.path.name or "run", dir=str(folder), config=parameters(run), settings=settings
    )
    for row in rows(run):
        tracked.log(row.values, step=row.at)
    tracked.finish()

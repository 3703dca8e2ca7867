"""MLflow: a local store (``mlflow.db``, SQLite), to be opened with ``mlflow ui --backend-store-uri sqlite:///...``.

Step columns are ``step/<column>``, epoch columns stand at the last step of their epoch. MLflow allows no brackets in
names: ``metrics/mAP50(B)`` becomes ``metrics/mAP50_B``. Arguments become parameters.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path

from trainwatch.exporters._tags import parameters, rows
from trainwatch.exporters.base import missing
from trainwatch.runs import Run

BATCH = 1000
"""Metrics that MLflow takes at once."""
PARAMETERS = 100
"""Parameters that MLflow takes at once."""
MAX_VALUE = 500
"""Characters of a parameter."""


def write(run: Run, folder: Path) -> None:
    """Write the store.

    Args:
        run: Any run.
        folder: An existing folder.

    Raises:
        TrainwatchError: If mlflow is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import sqlalchemy  # noqa: F401 (the store needs it)
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise missing("mlflow-skinny and sqlalchemy", "mlflow") from None
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(tracking_uri=f"sqlite:///{folder.resolve()}/mlflow.db")
        experiment = client.create_experiment("trainwatch", artifact_location=(folder / "artifacts").resolve().as_uri())
        tracked = client.create_run(experiment, run_name=run.path.name or "run")
        id_ = tracked.info.run_id
        params = [Param(_name(k), str(v)[:MAX_VALUE]) for k, v in parameters(run).items()]
        for i in range(0, len(params), PARAMETERS):
            client.log_batch(id_, params=params[i : i + PARAMETERS])
        batch: list[Metric] = []
        for row in rows(run):
            batch += [Metric(_name(n), v, int(1000 * row.time_s), row.at) for n, v in row.values.items()]
            while len(batch) >= BATCH:
                client.log_batch(id_, metrics=batch[:BATCH])
                batch = batch[BATCH:]
        client.log_batch(id_, metrics=batch)
        client.set_terminated(id_)


def _name(name: str) -> str:
    """Keep what MLflow allows in a name."""
    return re.sub(r"[^\w\-. :/]", "_", name.replace("(", "_").replace(")", ""))[:250]

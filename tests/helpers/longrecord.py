"""Long records on disk: noise in a few columns, a fault planted at a known step. SYNTHETIC throughout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Arrays = dict[str, npt.NDArray[np.generic]]
ROWS_PER_SEGMENT = 4096
STEPS_PER_EPOCH = 2000


def noise(first: int, rows: int, seed: int = 0) -> Arrays:
    """Make healthy rows from a step on; the same for every way of cutting the record into chunks of 4096."""
    rng = np.random.default_rng([seed, first])
    step = np.arange(first, first + rows)

    def noisy(level: float, sigma: float) -> npt.NDArray[np.float32]:
        return (level * np.exp(sigma * rng.normal(size=rows))).astype(np.float32)

    return {
        "step": step, "epoch": step // STEPS_PER_EPOCH, "attempt": step * 0, "batch": step % STEPS_PER_EPOCH,
        "time_s": step * 0.1, "loss": noisy(3.0, 0.25), "grad_norm": noisy(100.0, 0.4), "step_s": noisy(0.1, 0.1),
        "data_s": noisy(0.005, 0.2), "lr/pg0": np.full(rows, 0.01), "batch_size": np.full(rows, 16),
        "rss_bytes": 2**31 + (1e7 * rng.random(rows)).astype(np.int64), "amp_scale": np.full(rows, 65536.0, np.float32),
    }  # fmt: skip


def write_record(
    folder: Path, steps: int, fault: Callable[[Arrays], None] = lambda _: None, columns: tuple[str, ...] | None = None
) -> Path:
    """Write a record segment by segment.

    Args:
        folder: Run folder to be made.
        steps: Rows.
        fault: Changes the rows of a segment in place; ``step`` tells which they are.
        columns: Columns kept; None: all.
    """
    record = folder / "trainwatch"
    for name in ("steps", "events", "epochs"):
        (record / name).mkdir(parents=True)
    for number, first in enumerate(range(0, steps, ROWS_PER_SEGMENT)):
        rows = noise(first, min(ROWS_PER_SEGMENT, steps - first))
        fault(rows)
        kept = {n: v for n, v in rows.items() if columns is None or n in columns}
        pq.write_table(pa.table(kept), record / "steps" / f"rank0-{number:06d}.parquet", compression="zstd")
    end = {"kind": "end", "time_s": 1e9, "data": {"reason": "completed"}}
    events = [{"kind": "start", "time_s": 0.0, "epoch": 0, "step": 0}, end]
    hardware = {"memory_limit_bytes": 2**33}
    (record / "events" / "rank0.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    (record / "run.json").write_text(
        json.dumps({"schema": 1, "planned_epochs": -(-steps // STEPS_PER_EPOCH), "hardware": hardware})
    )
    return folder

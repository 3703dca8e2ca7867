from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from longrecord import write_record

from trainwatch.runs import read_run, record
from trainwatch.runs.record import read_steps


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "run", 10_000) / "trainwatch" / "steps"
    (folder / "rank0-000001.parquet").write_bytes(b"PAR1 no more")
    notes: list[str] = []
    columns = read_steps(folder, notes)
    assert columns.num_rows == 10_000 - 4096
    assert [n for n in notes if "rank0-000001.parquet could not be read" in n] == notes


def test_nothing_there(tmp_path: Path) -> None:
    columns = read_steps(tmp_path / "steps", [])
    assert (columns.num_rows, columns.names) == (0, [])


def test_series_are_dropped_and_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_run(write_record(tmp_path / "run", 10_000))
    first = run.step_series("loss").values.copy()
    monkeypatch.setattr("trainwatch.runs.run.HELD_BYTES", 0)
    for name in ("grad_norm", "step_s", "loss"):
        again = run.step_series(name)
    assert len(run._series) == 1
    assert np.array_equal(again.values, first)
    assert again.step is run.step_series("grad_norm").step, "whole columns share their keys"


def test_the_frame_holds_every_row_and_column(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "run", 9000)
    whole = pa.concat_tables([pq.read_table(p) for p in sorted((folder / "trainwatch" / "steps").glob("*.parquet"))])
    frame = read_run(folder).steps
    assert set(frame.columns) == set(whole.column_names)
    assert frame["loss"].dtype == np.float32
    assert np.array_equal(frame["loss"].to_numpy(), whole["loss"].to_numpy())
    assert frame["step"].tolist() == list(range(9000))


def test_segments_keep_their_order_and_each_footer_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_record(tmp_path / "run", 20 * 4096) / "trainwatch" / "steps"
    opened: list[bool] = []
    real = record.read_segment

    def slow_first(path: Path, footer: pq.FileMetaData | None = None) -> tuple[pa.Table, int]:
        opened.append(footer is not None)
        if path.name == "rank0-000000.parquet":
            time.sleep(0.2)
        return real(path, footer)

    monkeypatch.setattr(record, "read_segment", slow_first)
    step = read_steps(folder, []).values("step")
    assert np.array_equal(step, np.arange(20 * 4096))
    assert opened == [True] * 20


def test_reading_ahead_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []
    monkeypatch.setattr(record, "read_segment", lambda path, footer=None: (begun.append(path), 0))
    reads = record._ahead([tmp_path / str(i) for i in range(200)], {})
    next(reads)
    time.sleep(0.1)
    assert len(begun) <= record.AHEAD * record.WORKERS + 1
    reads.close()
    assert len(begun) <= record.AHEAD * record.WORKERS + 1, "who stops reading stops it"

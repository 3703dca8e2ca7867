from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainwatch_hooks import segments
from trainwatch_hooks.journal import NULL, JournalWriter, read_journal
from trainwatch_hooks.segments import last_row, list_segments, seal, segment_path, to_table

COLUMNS = ("step", "epoch", "attempt", "optimizer_stepped", "loss", "grad_norm", "mine")


def journal(folder: Path, number: int, rows: int = 3) -> Path:
    path = segment_path(folder, 0, number, "journal")
    writer = JournalWriter(path, COLUMNS, segment=number, rank=0)
    for i in range(rows):
        writer.append([number * 10 + i, number, 0, i % 2, math.nan, NULL if i == 0 else 2.0, 1 / 3])
    writer.close()
    return path


def test_types_follow_the_schema(tmp_path: Path) -> None:
    table = to_table(read_journal(journal(tmp_path, 0)))
    assert table.schema.field("step").type == pa.int64()
    assert table.schema.field("optimizer_stepped").type == pa.bool_()
    assert table.schema.field("loss").type == pa.float32()
    assert table.schema.field("mine").type == pa.float64()
    assert table["grad_norm"].null_count == 1
    assert table["loss"].null_count == 0
    assert math.isnan(table["loss"][0].as_py())


def test_seal_moves_every_row(tmp_path: Path) -> None:
    path = journal(tmp_path, 0)
    before = to_table(read_journal(path))
    assert seal(path, path.with_suffix(".parquet")) == 3
    assert not path.exists()
    after = pq.read_table(path.with_suffix(".parquet"))
    assert after.drop_columns(["loss"]).equals(before.drop_columns(["loss"]))  # NaN is not equal to itself
    assert [p.name for p in tmp_path.iterdir()] == ["rank0-000000.parquet"]


def test_crash_between_rename_and_removal_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = journal(tmp_path, 0)

    def crash(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".journal":
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "unlink", crash)
    with pytest.raises(KeyboardInterrupt):
        seal(path, path.with_suffix(".parquet"))
    monkeypatch.undo()
    assert path.exists()
    assert [s.path.suffix for s in list_segments(tmp_path)] == [".parquet"]


def test_failed_write_leaves_the_journal_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = journal(tmp_path, 0)
    monkeypatch.setattr(segments.os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "no space left on device")))
    with pytest.raises(OSError, match="no space"):
        seal(path, path.with_suffix(".parquet"))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_last_row_looks_at_the_newest_segment_with_rows(tmp_path: Path) -> None:
    assert last_row(tmp_path, 0) is None
    first = journal(tmp_path, 0)
    seal(first, first.with_suffix(".parquet"))
    journal(tmp_path, 1)
    journal(tmp_path, 2, rows=0)
    assert last_row(tmp_path, 0) == {"step": 12, "attempt": 0}
    assert last_row(tmp_path, 1) is None


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"TWJ1\x10\x00"])
def test_last_row_passes_damaged_segments_over(content: bytes, tmp_path: Path) -> None:
    """After a power loss, or a full disk, the newest file may hold nothing."""
    journal(tmp_path, 0)
    segment_path(tmp_path, 0, 1, "journal").write_bytes(content)
    segment_path(tmp_path, 0, 2, "parquet").write_bytes(content)
    assert last_row(tmp_path, 0) == {"step": 2, "attempt": 0}

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatch_hooks import journal as module
from trainwatch_hooks.journal import NULL, JournalWriter, NotAJournal, is_written, read_journal


def write(path: Path, rows: list[list[float]], columns: tuple[str, ...] = ("step", "loss")) -> None:
    writer = JournalWriter(path, columns, segment=0, rank=0)
    for row in rows:
        writer.append(row)
    writer.close()


def test_rows_come_back(tmp_path: Path) -> None:
    write(tmp_path / "j", [[0, 1.5], [1, -0.0], [2, 1e300]])
    journal = read_journal(tmp_path / "j")
    assert journal.columns == ["step", "loss"]
    assert journal.values.tolist() == [[0, 1.5], [1, -0.0], [2, 1e300]]
    assert journal.torn == 0
    assert journal.header["segment"] == 0


def test_not_measured_is_told_from_nan_and_infinity(tmp_path: Path) -> None:
    write(tmp_path / "j", [[0, NULL], [1, math.nan], [2, math.inf], [3, -math.nan]])
    journal = read_journal(tmp_path / "j")
    assert journal.null[:, 1].tolist() == [True, False, False, False]
    assert math.isnan(journal.values[1, 1])
    assert math.isinf(journal.values[2, 1])


def test_arithmetic_on_nan_never_gives_null() -> None:
    import numpy as np

    made = np.array([np.float64(math.inf) * 0 if False else math.nan, math.nan + 1, math.inf - math.inf])
    assert not (made.view(np.uint64) == module.NULL_BITS).any()


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 10_000))
def test_cut_anywhere_keeps_every_whole_row(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "j"
    write(path, [[i, i * 0.5] for i in range(20)])
    data = path.read_bytes()
    header = len(data) - 20 * 24
    cut %= len(data)
    path.write_bytes(data[:cut])
    if cut < header:
        with pytest.raises(NotAJournal):
            read_journal(path)
        return
    whole, rest = divmod(cut - header, 24)
    journal = read_journal(path)
    assert journal.values[:, 0].tolist() == list(range(whole))
    assert journal.torn == (rest > 0)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 20 * 24 - 1), flip=st.integers(1, 255))
def test_a_damaged_byte_costs_one_row(tmp_path_factory: pytest.TempPathFactory, at: int, flip: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "j"
    write(path, [[i, i * 0.5] for i in range(20)])
    data = bytearray(path.read_bytes())
    data[len(data) - 20 * 24 + at] ^= flip
    path.write_bytes(data)
    journal = read_journal(path)
    assert journal.torn == 1
    assert journal.values[:, 0].tolist() == [i for i in range(20) if i != at // 24]


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"TWJ1", b"\x00" * 100, b"TWJ1" + b"\xff" * 100, b"PK\x03\x04" * 30):
        (tmp_path / "f").write_bytes(content)
        with pytest.raises(NotAJournal):
            read_journal(tmp_path / "f")


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "j", [[0, 1.0]])
    with pytest.raises(FileExistsError):
        JournalWriter(tmp_path / "j", ["step"])


def test_short_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path / "j", ["step", "loss"], segment=0, rank=0)
    writer.append([0, 1.0])
    real = os.write
    monkeypatch.setattr(module.os, "write", lambda fd, data: real(fd, data[:7]))
    with pytest.raises(OSError, match="no space left"):
        writer.append([1, 2.0])
    monkeypatch.setattr(module.os, "write", real)
    writer.append([1, 3.0])
    writer.close()
    journal = read_journal(tmp_path / "j")
    assert journal.values.tolist() == [[0, 1.0], [1, 3.0]]
    assert journal.torn == 0


def test_one_write_per_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path / "j", ["step", "loss"])
    real, calls = os.write, []

    def counting(fd: int, data: bytes) -> int:
        calls.append(len(data))
        return real(fd, data)

    monkeypatch.setattr(module.os, "write", counting)
    for i in range(5):
        writer.append([i, 0.0])
    assert calls == [24] * 5


def test_a_journal_is_known_to_be_written_until_its_writer_is_gone(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    writer = JournalWriter(tmp_path / "j", ["step"])
    assert is_written(tmp_path / "j")
    writer.close()
    assert not is_written(tmp_path / "j")
    script = (
        "import os, sys; from pathlib import Path; from trainwatch_hooks.journal import JournalWriter\n"
        "JournalWriter(Path(sys.argv[1]), ['step']); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "killed")], check=False)
    assert (tmp_path / "killed").exists()
    assert not is_written(tmp_path / "killed")
    assert not is_written(tmp_path / "none")

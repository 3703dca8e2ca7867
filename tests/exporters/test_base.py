from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.errors import OutputExists, TrainwatchError
from trainwatch.exporters.base import mark, new_folder


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "out", force=False) as folder:
        (folder / "half").write_text("x")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_force_replaces_an_export_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for force in (False, True):
        with new_folder(target, force=force) as folder:
            (folder / f"a{force}").write_text("x")
            mark(folder)
    assert (target / "aTrue").exists()
    assert not (target / "aFalse").exists()
    with pytest.raises(OutputExists, match="--force"), new_folder(target, force=False):
        pass
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    with pytest.raises(OutputExists, match="not written by trainwatch"), new_folder(mine, force=True):
        pass
    assert (mine / "thesis.tex").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "out"]


def test_where_it_cannot_write_it_says_so() -> None:
    with pytest.raises(TrainwatchError, match="cannot be written"), new_folder(Path("/proc/nope/x"), force=False):
        pass

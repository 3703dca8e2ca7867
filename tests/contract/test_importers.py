"""What holds for every importer, also for the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.registry import modules
from trainwatch.runs import Run

ALL = modules("trainwatch.importers")
SAMPLES = Path(__file__).parents[2] / "sample_runs"


@pytest.mark.parametrize("id", ALL)
def test_sniffing_never_raises_and_refuses_what_is_foreign(id: str, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "text").write_text("hello, world\n1, 2\n")
    (tmp_path / "empty").write_bytes(b"")
    for path in (tmp_path, tmp_path / "nowhere", *tmp_path.iterdir()):
        assert ALL[id].sniff(path) == 0


@pytest.mark.parametrize("id", ALL)
def test_loading_what_is_foreign_raises_unreadable(id: str, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 10)
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "binary"):
        with pytest.raises(UnreadableRun):
            ALL[id].load(path)


@pytest.mark.parametrize("sample", sorted(p.name for p in SAMPLES.iterdir() if (p / "args.yaml").exists()))
def test_every_sample_is_read_by_the_surest_one(sample: str) -> None:
    sure = {id: m.sniff(SAMPLES / sample) for id, m in ALL.items()}
    best = max(sure, key=lambda id: sure[id])
    run = ALL[best].load(SAMPLES / sample)
    assert isinstance(run, Run)
    assert run.source == best

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trainwatch.cli import run
from trainwatch.commands.report import default_target

SAMPLES = Path(__file__).parents[2] / "sample_runs"


def test_the_page_goes_into_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLES / "killed", tmp_path / "exp", ignore=shutil.ignore_patterns("report.html"))
    assert run(["report", str(tmp_path / "exp")]) == 0
    page = tmp_path / "exp" / "trainwatch" / "report.html"
    assert page.read_text().startswith("<!doctype html>")
    out = capsys.readouterr().out
    assert "▲ Crashed" in out
    assert "type next: yolo train resume" in out
    assert str(page) in out
    assert run(["report", str(tmp_path / "exp")]) == 0, "its own page is renewed"


def test_beside_a_foreign_log(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "unwatched", tmp_path / "exp")
    assert run(["report", str(tmp_path / "exp" / "results.csv")]) == 0
    assert (tmp_path / "exp" / "trainwatch-report.html").exists()


def test_another_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "page.html"
    target.write_text("mine")
    assert run(["report", str(SAMPLES / "killed"), "-o", str(target)]) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert run(["report", str(SAMPLES / "killed"), "-o", str(target), "--force"]) == 0


def test_a_read_only_run_gets_its_page_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from trainwatch.commands import report

    monkeypatch.setattr(report.os, "access", lambda path, mode: False)
    assert default_target(tmp_path / "exp3", "trainwatch") == Path("trainwatch-report-exp3.html")

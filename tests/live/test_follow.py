from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from trainwatch.live import Follower, follow
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder

SAMPLES = Path(__file__).parents[2] / "sample_runs"


def test_it_waits_for_a_run_that_has_not_begun(tmp_path: Path) -> None:
    follower = Follower(str(tmp_path / "exp"), 0.1)
    follower.read_once()
    assert follower.frame.state == "waiting"
    assert "not there yet" in follower.frame.message
    (tmp_path / "exp").mkdir()
    follower.read_once()
    assert follower.frame.state == "waiting"
    with Recorder(tmp_path / "exp", capture_crashes=False, report=False, planned_epochs=2) as rec:
        rec.step(epoch=0, losses={"a": 1.0})
        follower.read_once()
        assert follower.frame.state == "running"
    follower.read_once()
    assert follower.frame.state == "ended"


def test_torn_rows_and_files_that_vanish_are_borne(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SAMPLES / "killed", tmp_path / "exp")
    journal = next((tmp_path / "exp" / "trainwatch" / "steps").glob("*.journal"))
    journal.write_bytes(journal.read_bytes()[:-7])
    with (tmp_path / "exp" / "trainwatch" / "events" / "rank0.jsonl").open("a") as file:
        file.write('{"kind": "che')
    follower = Follower(str(tmp_path / "exp"), 0.1)
    follower.read_once()
    seen = follower.frame
    assert seen.step > 0

    def gone(path: str) -> None:
        raise FileNotFoundError(2, "gone", path)

    monkeypatch.setattr(follow, "read_run", gone)
    follower.read_once()
    assert follower.frame.step == seen.step, "the last picture stays"
    assert "FileNotFoundError" in follower.frame.message
    monkeypatch.setattr(follow, "read_run", read_run)
    follower.read_once()
    assert follower.frame.message == seen.message


def test_a_slow_disk_does_not_hold_up_the_reader_of_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(path: str) -> object:
        entered.set()
        release.wait(20)
        return read_run(path)

    monkeypatch.setattr(follow, "read_run", slow)
    follower = Follower(str(SAMPLES / "killed"), 0.1)
    follower.start()
    assert entered.wait(10)
    began = time.monotonic()
    assert follower.frame.state == "waiting"
    assert time.monotonic() - began < 0.5
    release.set()
    assert follower.done.wait(60)
    assert follower.frame.state == "ended"
    assert follower.analysis is not None


def test_the_last_judgement_is_of_the_whole_run(tmp_path: Path) -> None:
    follower = Follower(str(tmp_path / "exp"), 0.1)
    with Recorder(tmp_path / "exp", capture_crashes=False, report=False) as rec:
        rec.step(epoch=0, losses={"a": 1.0})
        follower.read_once()
        for _ in range(50):
            rec.step(epoch=0, losses={"a": 1.0})
    follower.read_once()
    assert follower.analysis is not None
    assert follower.analysis.run.steps == 51


def test_what_was_judged_before_the_first_step_does_not_stand_beside_steps(tmp_path: Path) -> None:
    follower = Follower(str(tmp_path / "exp"), 0.1)
    with Recorder(tmp_path / "exp", capture_crashes=False, report=False, planned_epochs=9) as rec:
        follower.read_once()
        assert follower.frame.headline == "no step has ended yet"
        follower._judge_at = time.monotonic() + 1e6  # judging took long
        for _ in range(5):
            rec.step(epoch=0, losses={"a": 1.0})
        follower.read_once()
        assert follower.frame.step == 5
        assert follower.frame.headline == "nothing wrong so far"
        assert follower.frame.panels, "its curves are there at once"

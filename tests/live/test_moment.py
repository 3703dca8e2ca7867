from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
from synthetic import make_run

from trainwatch.analysis import Config, analyse
from trainwatch.live import take_frame
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"


def test_a_creeping_run_has_a_forecast() -> None:
    run = read_run(SAMPLES / "host_memory_creep")
    frame = take_frame("x", run, analyse(run))
    assert frame.state == "ended"
    assert "more per epoch: the limit is reached in epoch" in frame.memory
    assert any(w.id == "host-memory-creep" and w.severity == "critical" for w in frame.warned)


def test_a_flat_one_says_so() -> None:
    run = read_run(SAMPLES / "gradient_explosion_cured")
    assert "no steady growth found" in take_frame("x", run, analyse(run)).memory


def test_what_stabilisers_did_is_told() -> None:
    run = read_run(SAMPLES / "stabilised")
    assert take_frame("x", run, analyse(run)).events


def test_a_foreign_log_runs_as_long_as_it_is_written(tmp_path: Path) -> None:
    text = (SAMPLES / "unwatched" / "results.csv").read_text().splitlines()
    shutil.copy(SAMPLES / "unwatched" / "args.yaml", tmp_path)
    log = tmp_path / "results.csv"
    log.write_text("\n".join(text[:20]) + "\n")
    run = read_run(tmp_path)
    now = log.stat().st_mtime
    assert take_frame("x", run, analyse(run), now_s=now + 5).state == "running"
    os.utime(log, (now - 9000, now - 9000))
    os.utime(tmp_path / "args.yaml", (now - 9000, now - 9000))
    assert take_frame("x", run, analyse(run), now_s=now + 5).state == "ended"


def test_without_steps_and_memory() -> None:
    run = make_run(epochs={"fitness": [0.1, 0.2]}, source="keras-csv")
    frame = take_frame("x", run, analyse(run, Config(now_s=0.0)), now_s=0.0)
    assert frame.memory == ""
    assert frame.remaining_s is None


def test_a_running_run_says_no_old_numbers() -> None:
    run = make_run({"loss": np.ones(8), "time_s": 1e9 + np.arange(8)}, steps_per_epoch=4, planned_epochs=600)
    frame = take_frame("x", run, analyse(run, Config(now_s=1e9 + 9)), now_s=1e9 + 9)
    assert (frame.state, frame.headline) == ("running", "nothing wrong so far")
    assert not [p for p in frame.panels if p.id == "loss_raw"]

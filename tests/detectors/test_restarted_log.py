from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.detectors.restarted_log import RestartedLog
from trainwatch.runs.starts import starts


def log(*parts: range, source: str = "ultralytics-csv") -> object:
    epoch = np.concatenate([np.array(p) for p in parts])
    attempt = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    score = np.arange(len(epoch), dtype=float)
    return make_run(epochs={"epoch": epoch, "attempt": attempt, "fitness": score}, source=source, trainer="ultralytics")


def test_two_trainings_in_one_file() -> None:
    run = log(range(35), range(35))
    (finding,) = RestartedLog().detect(run)
    assert finding.severity == "info"
    assert finding.measured.value == 2
    assert finding.detail == {"rows": [35, 35], "fresh": True}
    assert "only the last one is judged" in finding.summary


def test_a_shorter_second_training_hides_the_first_wholly() -> None:
    run = log(range(35), range(20))
    assert RestartedLog().detect(run)
    assert run.epoch_series("fitness").values.tolist() == [float(i) for i in range(35, 55)]


def test_a_resume_that_went_back_keeps_what_it_went_on_from() -> None:
    run = log(range(30), range(25, 40))
    (finding,) = RestartedLog().detect(run)
    assert "epochs before epoch 26" in finding.summary
    assert run.epoch_series("fitness").epoch.tolist() == list(range(40))
    assert run.epoch_series("fitness").values[25] == 30.0
    assert [(s.first_epoch, s.last_epoch, s.rows) for s in starts(run)] == [(0, 29, 30), (25, 39, 15)]


def test_one_start_and_gaps_are_quiet_and_our_own_record_is_not_asked() -> None:
    assert RestartedLog().detect(log(range(35))) == []
    assert RestartedLog().detect(log(range(0, 60, 5))) == []
    assert RestartedLog().missing(log(range(3), range(3), source="trainwatch")) is not None
    assert starts(make_run()) == ()

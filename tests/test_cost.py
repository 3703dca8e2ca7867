from __future__ import annotations

import time

import numpy as np
import pytest
from synthetic import make_finding, make_run

from trainwatch.cost import cost_of, duration, worked_s


def test_time_after_the_onset() -> None:
    run = make_run({"time_s": 1000.0 + 10.0 * np.arange(100)})
    assert cost_of(run, make_finding(epoch=7, step=75)) == (
        "2 of 10 epochs (4 min of 16 min 30 s, 24 %) were wasted: they came after the fault began."
    )
    creep = cost_of(run, make_finding("memory-creep", epoch=7, step=75))
    assert creep.endswith("were trained with this fault."), "a leak spoils no epoch"


def test_a_sleeping_machine_is_not_work() -> None:
    times = 10.0 * np.arange(100)
    times[50:] += 1e6
    assert worked_s(make_run({"time_s": times})) == 980.0


def test_at_the_very_end_nothing_was_lost() -> None:
    run = make_run({"time_s": 10.0 * np.arange(1000)})
    assert cost_of(run, make_finding(epoch=99, step=999)).startswith("It came at the very end, after 2 h 46 min")
    cut = make_run({"time_s": 10.0 * np.arange(1000)}, planned_epochs=200)
    assert "epochs are missing, and the unfinished one is lost" in cost_of(cut, make_finding(epoch=99, step=999))


def test_between_two_epochs_no_unfinished_one_is_lost() -> None:
    saved = [{"kind": "checkpoint", "source": "ultralytics", "epoch": 99}]
    steps = {"time_s": 10.0 * np.arange(1000), "grad_norm": np.ones(1000)}
    whole = make_run(steps, planned_epochs=200, events=saved)
    assert whole.epochs_done == 100
    assert cost_of(whole, make_finding(epoch=99, step=999)).endswith("100 epochs are missing.")
    begun = make_run(steps, planned_epochs=200, events=[*saved, {"kind": "oom", "epoch": 100}])
    assert cost_of(begun, make_finding(epoch=99, step=999)).endswith("and the unfinished one is lost.")


def test_a_fault_that_began_just_now_did_not_end_what_still_runs_or_was_stopped_by_hand() -> None:
    steps, late = {"time_s": 10.0 * np.arange(1000)}, make_finding(epoch=99, step=999)
    events = [{"kind": "start", "time_s": 0.0}, {"kind": "end", "time_s": 1e4, "data": {"reason": "signal"}}]
    assert cost_of(make_run(steps, planned_epochs=200, events=events), late).startswith("It came at the very end")
    running = make_run({"time_s": time.time() - 1e4 + steps["time_s"]}, planned_epochs=200)
    assert cost_of(running, late).startswith("Hardly anything yet")
    one_short = make_run(steps, planned_epochs=100)
    assert "one epoch is missing" in cost_of(one_short, late)


def test_epoch_logs_and_logs_without_a_clock() -> None:
    run = make_run(epochs={"time_s": 60.0 * np.arange(100), "fitness": np.ones(100)})
    assert cost_of(run, make_finding(epoch=50, step=None)).startswith("49 of 100 epochs (49 min of 1 h 39 min")
    assert "no clock" in cost_of(make_run(epochs={"fitness": np.ones(3)}), make_finding(epoch=1))
    assert cost_of(run, None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5.25, "5.25 s"),
        (59.97, "1 min"),
        (90, "1 min 30 s"),
        (7200, "2 h"),
        (7259, "2 h 1 min"),
        (47.99 * 3600, "47 h 59 min"),
        (5 * 86400, "5 d"),
        (50 * 3600, "2 d 2 h"),
        (0, "0 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text

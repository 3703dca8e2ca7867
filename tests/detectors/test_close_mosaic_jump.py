from __future__ import annotations

import re

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.base import Detector
from trainwatch.detectors.close_mosaic_jump import CloseMosaicJump
from trainwatch.registry import members


def jumped(
    score: float = 1.15, val: float = 0.6, train: float = 1.3, n: int = 100, at: int = 90, speed: float = 10
) -> dict:
    columns = curves(n, speed=speed)
    for name in columns:
        if name.startswith(("val/", "train/")):
            columns[name][at:] *= val if name.startswith("val/") else train
    columns[SCORE][at:] *= score
    return columns


def detect(columns: dict, close: int = 10, **more: object) -> list:
    return CloseMosaicJump().detect(epoch_log(columns, args={"close_mosaic": close}, **more))


def test_the_jump_is_measured() -> None:
    (finding,) = detect(jumped())
    assert finding.severity == "info"
    assert finding.onset.epoch == 90
    assert "(medians of up to 8 epochs on either side)" in finding.summary
    assert finding.detail["steps"]["fitness"] == pytest.approx(0.15, abs=0.02)
    assert finding.detail["steps"]["val/box_loss"] == pytest.approx(-0.4, abs=0.03)


@pytest.mark.parametrize(
    ("score", "val", "train"), [(1.15, 0.6, 0.7), (1.15, 0.6, 1.5), (0.9, 1.3, 0.6), (1.3, 0.4, 4.0)]
)
def test_no_other_check_takes_it_for_a_fault(score: float, val: float, train: float) -> None:
    run = epoch_log(jumped(score, val, train), args={"close_mosaic": 10})
    every = members("trainwatch.detectors", Detector)
    told = {f.id for d in every.values() if d.missing(run) is None for f in d.detect(run) if f.severity != "info"}
    assert told == set()


def test_an_event_tells_the_epoch_as_well() -> None:
    run = epoch_log(jumped(at=70), events=[{"kind": "mosaic_closed", "epoch": 70}])
    assert CloseMosaicJump().detect(run)[0].onset.epoch == 70


def test_small_steps_other_epochs_and_steep_curves_are_quiet() -> None:
    assert detect(jumped(1.02, 0.97)) == []
    assert detect(jumped(at=60)) == [], "not where mosaic was closed"
    assert detect(jumped(), close=0) == []
    assert detect(curves(15, speed=3), close=10) == [], "in the steep start"
    assert detect(curves(100, speed=2)) == []


def test_a_steep_fall_that_levels_off_is_no_jump() -> None:
    columns = curves(100, speed=10)
    for name in columns:
        if name.startswith("val/"):
            columns[name][82:] = np.r_[np.linspace(5.0, 3.4, 8), np.linspace(3.3, 2.6, 10)]
    assert detect(columns) == []


def test_what_is_measured_is_what_is_said() -> None:
    (finding,) = detect(jumped(score=1.5, val=1.0))
    after, expected = (float(w) for w in re.findall(r"fitness is ([\d.]+) where ([\d.]+)", finding.summary)[0])
    assert finding.measured.value == pytest.approx(after / expected - 1, abs=0.02)
    assert "That is how it should be" in finding.summary


def test_a_score_that_falls_there_is_not_said_to_be_as_it_should() -> None:
    (finding,) = detect(jumped(score=0.8))
    assert "close_mosaic=0 keeps mosaic on to the end" in finding.summary
    assert finding.detail["score_falls"]

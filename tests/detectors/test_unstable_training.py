from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.analysis import analyse
from trainwatch.detectors.unstable_training import UnstableTraining


def detect(columns: dict, **more: object) -> list:
    return UnstableTraining().detect(epoch_log(columns, **more))


@pytest.mark.parametrize(("noise", "severity"), [(0.075, "info"), (0.15, "warning")])
@pytest.mark.parametrize("seed", range(3))
def test_a_swinging_score(noise: float, severity: str, seed: int) -> None:
    (finding,) = detect(curves(120, seed, noise=noise))
    assert finding.severity == severity
    assert finding.measured.value == pytest.approx(noise, rel=0.4)


def test_three_collapses() -> None:
    columns = curves(200)
    columns[SCORE][[60, 100, 101, 150]] *= 0.2
    (finding,) = detect(columns)
    assert finding.severity == "warning"
    assert finding.onset.epoch == 60
    assert finding.detail["collapses"] == 3


def test_a_start_that_is_lost_again_while_the_loss_swings() -> None:
    rng = np.random.default_rng(0)
    columns = curves(33)
    columns[SCORE] = np.r_[np.geomspace(1e-4, 0.03, 20), np.full(6, 3e-4), np.geomspace(1e-3, 0.09, 7)]
    columns["val/cls_loss"] = 3 * np.exp(rng.normal(0, 0.25, 33))
    (finding,) = detect(columns, planned=300)
    assert finding.severity == "info"
    assert finding.onset.epoch == 20


@pytest.mark.parametrize("seed", range(5))
def test_a_sound_validation_has_noise_too(seed: int) -> None:
    assert detect(curves(150, seed, noise=0.025)) == []


def test_what_settles_and_what_is_short_is_quiet() -> None:
    columns = curves(200)
    columns[SCORE][:80] *= 1 + np.random.default_rng(0).normal(0, 0.15, 80)
    assert detect(columns) == []
    assert detect(curves(15, noise=0.2)) == []


def test_the_close_of_mosaic_is_no_swing() -> None:
    columns = curves(60)
    columns[SCORE][50:] *= 1.3
    assert detect(columns, args={"close_mosaic": 10}) == []


def test_a_score_that_died_has_no_share_of_its_level() -> None:
    columns = curves(60)
    columns[SCORE][40:] = 0.0
    assert analyse(epoch_log(columns)).checks.could_not_run == ()

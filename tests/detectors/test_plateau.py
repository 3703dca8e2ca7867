from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log
from synthetic import make_run

from trainwatch.detectors.plateau import Plateau


def saturating(n: int = 200, knee: float = 15.0, noise: float = 0.01, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.5 * (1 - np.exp(-np.arange(n) / knee)) + rng.normal(0, noise, n)


def detect(fitness: np.ndarray, lr: np.ndarray | None = None, planned: int | None = None, **epochs: np.ndarray) -> list:
    lr = np.full(len(fitness), 0.01) if lr is None else lr
    run = make_run(epochs={"fitness": fitness, "lr/pg0": lr, **epochs}, planned_epochs=planned or len(fitness))
    return Plateau().detect(run)


@pytest.mark.parametrize("seed", range(5))
def test_stall_with_the_rate_still_high(seed: int) -> None:
    (finding,) = detect(saturating(seed=seed), planned=600)
    assert finding.severity == "warning"
    assert 30 <= finding.onset.epoch <= 90
    assert finding.detail["flat_epochs"] == 199 - finding.onset.epoch


def test_converged_by_schedule_is_information() -> None:
    lr = 0.01 * (1 + np.cos(np.pi * np.arange(200) / 200)) / 2 + 1e-5
    (finding,) = detect(saturating(), lr=lr)
    assert finding.severity == "info"
    assert finding.detail["converged"]


@pytest.mark.parametrize("seed", range(5))
def test_steady_improvement_is_quiet(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert detect(np.linspace(0.1, 0.5, 300) + rng.normal(0, 0.01, 300)) == []


def test_slow_but_real_improvement_is_quiet() -> None:
    rng = np.random.default_rng(0)
    assert detect(0.4 + np.linspace(0, 0.08, 400) + rng.normal(0, 0.004, 400)) == []


def test_training_loss_tells_overfitting_from_standstill() -> None:
    falling = np.linspace(3.0, 1.0, 200)
    (by_heart,) = detect(saturating(), planned=600, **{"train/box_loss": falling})
    assert by_heart.detail["training_loss_falls"] is True
    (stuck,) = detect(saturating(), planned=600, **{"train/box_loss": np.full(200, 2.0)})
    assert stuck.detail["training_loss_falls"] is False


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.zeros(200), "nothing is learnt"),
        (np.r_[np.linspace(0.1, 0.4, 20), np.full(180, 0.4)], "frozen: repeats exactly"),
        (saturating(15), "too short"),
    ],
)
def test_what_is_no_plateau(values: np.ndarray, why: str) -> None:
    assert detect(values) == [], why


def test_epochs_that_were_not_validated_are_no_zeros() -> None:
    values = [float(v) if i % 5 == 0 else None for i, v in enumerate(np.linspace(0.1, 0.5, 200))]
    assert Plateau().detect(make_run(epochs={"fitness": values}, planned_epochs=200)) == []


def test_a_validation_loss_serves_where_there_is_no_score() -> None:
    loss = 1.0 + np.exp(-np.arange(200) / 15) + np.random.default_rng(0).normal(0, 0.003, 200)
    (finding,) = Plateau().detect(make_run(epochs={"val/loss": loss}, planned_epochs=1000))
    assert 30 <= finding.onset.epoch <= 110


def test_slow_but_certain_progress_is_none() -> None:
    rng = np.random.default_rng(0)
    score = np.r_[np.linspace(0, 0.4, 50), np.linspace(0.4, 0.43, 150)] + rng.normal(0, 0.004, 200)
    assert detect(score, planned=600) == []


def test_a_swinging_start_does_not_make_the_rest_look_flat() -> None:
    rng = np.random.default_rng(0)
    score = np.linspace(0.2, 0.5, 200) + rng.normal(0, 1, 200) * np.linspace(0.08, 0.002, 200)
    assert detect(score, planned=600) == []


def test_a_brief_one_and_one_that_patience_ended_are_information() -> None:
    rng = np.random.default_rng(0)
    score = np.r_[np.linspace(0.1, 0.5, 155), np.full(45, 0.5)] + rng.normal(0, 0.003, 200)
    (finding,) = detect(score, planned=600)
    assert finding.severity == "info"
    score = saturating()
    score[149] = 0.6
    run = make_run(
        epochs={"fitness": score, "lr/pg0": np.full(200, 0.01)}, planned_epochs=600, args={"patience": 50},
        source="ultralytics-csv",
    )  # fmt: skip
    (finding,) = Plateau().detect(run)
    assert finding.severity == "info"


def test_the_close_of_mosaic_ends_it() -> None:
    rng = np.random.default_rng(0)
    score = np.r_[np.full(80, 0.5), np.full(10, 0.6)] + rng.normal(0, 0.003, 90)
    lr = np.linspace(0.01, 0.005, 90)
    run = make_run(epochs={"fitness": score, "lr/pg0": lr}, planned_epochs=90, args={"close_mosaic": 10})
    assert Plateau().detect(run) == []


def test_falling_from_the_first_epoch_on_is_none() -> None:
    assert detect(np.linspace(0.6, 0.4, 60), planned=600) == []


def test_a_coarse_score_that_repeats_while_the_validation_loss_moves_is_flat_and_not_frozen() -> None:
    columns = curves(80)
    columns[SCORE] = np.r_[np.linspace(0.01, 0.3, 20), np.full(60, 0.3)]
    columns["lr/pg0"] = np.full(80, 0.01)
    (finding,) = Plateau().detect(epoch_log(columns, planned=100))
    assert finding.onset.epoch <= 22
    for name in [n for n in columns if n.startswith("val/")]:
        columns[name] = np.r_[columns[name][:20], np.full(60, columns[name][20])]
    assert Plateau().detect(epoch_log(columns, planned=100)) == [], "nothing is measured any more"


@pytest.mark.parametrize("seed", range(3))
def test_noise_that_would_hide_slow_progress_is_no_warning(seed: int) -> None:
    (clear,) = detect(saturating(60, knee=5, noise=0.004, seed=seed), planned=600)
    (hidden,) = detect(saturating(60, knee=5, noise=0.06, seed=seed), planned=600)
    assert clear.severity == "warning"
    assert hidden.severity == "info"
    assert "would hide slow progress" in hidden.summary


def test_the_last_fifth_decides_whether_it_goes_on() -> None:
    rng = np.random.default_rng(0)
    rise = np.r_[np.linspace(0.1, 0.9, 100), np.linspace(0.9, 0.93, 100)] + rng.normal(0, 0.002, 200)
    assert detect(rise, planned=200) == [], "1.2 % of the level in the last fifth"
    stand = np.r_[np.linspace(0.1, 0.9, 100), np.linspace(0.9, 0.91, 100)] + rng.normal(0, 0.002, 200)
    assert detect(stand, planned=200), "0.4 %"


def test_a_fine_tuning_that_stands_still_from_its_first_epoch() -> None:
    rng = np.random.default_rng(0)
    (finding,) = detect(0.6 + rng.normal(0, 0.004, 13), planned=100)
    assert finding.onset.epoch <= 1


def test_an_early_peak_does_not_hide_a_rise() -> None:
    rise = np.linspace(0.2, 0.5, 60) + np.random.default_rng(0).normal(0, 0.01, 60)
    rise[5:14] = 0.52
    assert detect(rise, planned=100) == []


def test_the_end_of_a_dip_is_no_gain() -> None:
    score = 0.5 + np.random.default_rng(0).normal(0, 0.002, 100)
    score[:15] = np.linspace(0.1, 0.5, 15)
    score[20:79] -= 0.008
    score[78] = 0.508
    (finding,) = detect(score, planned=300)
    assert finding.onset.epoch <= 20


def test_a_short_log_that_swings_is_none() -> None:
    assert detect(0.3 + np.random.default_rng(0).normal(0, 0.03, 13), planned=350) == []


def test_nothing_left_to_gain_is_information() -> None:
    score = np.minimum(saturating(noise=0) / 0.5, 1) * 0.99 + np.random.default_rng(0).normal(0, 1e-3, 200)
    (finding,) = detect(score, planned=600)
    assert finding.severity == "info"
    assert "of at most 1" in finding.title

from __future__ import annotations

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.loss_explosion import LossExplosion


def test_per_step_onset_component_and_severity() -> None:
    box, cls = lognormal(300, 0.2, 2.0), lognormal(300, 0.2, 3.0, seed=1)
    cls[200:] *= 50
    (finding,) = LossExplosion().detect(make_run({"loss": box + cls, "loss/box_loss": box, "loss/cls_loss": cls}))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert finding.onset.step == 200
    assert finding.series == "loss/cls_loss"
    assert finding.detail["also"] == ["loss"]
    assert not finding.detail["returned"]


def test_it_may_come_back() -> None:
    loss = lognormal(300, 0.2, 3.0)
    loss[100:112] *= 8
    (finding,) = LossExplosion().detect(make_run({"loss": loss}))
    assert finding.severity == "warning"
    assert finding.detail["returned"]


def test_a_changed_gain_is_no_explosion() -> None:
    gain = np.r_[np.full(150, 0.5), np.full(150, 5.0)]
    loss = lognormal(300, 0.2, 2.0)
    run = make_run({"loss/cls_loss": loss * gain, "gain/cls_loss": gain})
    assert LossExplosion().detect(run) == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("sigma", [0.25, 0.5])
def test_noise_is_quiet(seed: int, sigma: float) -> None:
    assert LossExplosion().detect(make_run({"loss": lognormal(20_000, sigma, seed=seed, decay=2)})) == []


def epochs(values: np.ndarray, **meta: object) -> list[object]:
    return list(LossExplosion().detect(make_run(epochs={"train/box_loss": values}, source="ultralytics-csv", **meta)))


def test_per_epoch() -> None:
    values = np.linspace(3.0, 2.0, 60)
    values[40:] = 25.0
    (finding,) = epochs(values)
    assert finding.onset.epoch == 40
    assert finding.onset.step is None
    assert finding.severity == "critical"


def test_one_epoch_of_three_times_is_a_spike_not_an_explosion() -> None:
    values = np.linspace(3.0, 2.0, 60)
    values[40] *= 4
    assert epochs(values) == []


def test_the_jump_at_close_mosaic_is_expected() -> None:
    values = np.r_[np.linspace(3.0, 2.0, 50), np.full(2, 9.0), np.full(8, 2.1)]
    assert epochs(values, args={"close_mosaic": 10, "epochs": 60}, planned_epochs=60) == []
    assert len(epochs(values, args={"close_mosaic": 0, "epochs": 60}, planned_epochs=60)) == 1


def test_components_that_are_zero_by_design_are_quiet() -> None:
    values = np.zeros(60)
    values[50:] = 1e-4
    assert epochs(values) == []


def test_not_applicable_without_a_loss() -> None:
    assert "training loss" in (LossExplosion().missing(make_run(epochs={"fitness": [0.1]})) or "")


def test_a_new_level_after_the_close_of_mosaic_is_none_and_a_later_explosion_is_one() -> None:
    loss = np.r_[np.full(40, 1.0), np.full(20, 4.0)]
    run = {"planned_epochs": 60, "args": {"close_mosaic": 20}}
    assert LossExplosion().detect(make_run(epochs={"train/box_loss": loss}, **run)) == []
    loss[50:] = 100.0
    (finding,) = LossExplosion().detect(make_run(epochs={"train/box_loss": loss}, **run))
    assert finding.onset.epoch == 50


def test_a_loss_that_explodes_in_the_first_steps_has_no_past_but_its_first_value() -> None:
    loss = lognormal(300, 0.2, 2.0)
    loss[3:] *= np.r_[np.geomspace(1e5, 50, 60), np.full(237, 50.0)]
    (finding,) = LossExplosion().detect(make_run({"loss": loss}))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert finding.onset.step == 3


def test_one_wild_batch_or_a_rise_of_three_at_the_start_is_no_explosion() -> None:
    loss = lognormal(300, 0.2, 2.0)
    loss[4] *= 1e4
    assert LossExplosion().detect(make_run({"loss": loss})) == []
    loss = lognormal(300, 0.2, 6.0)
    loss[0] = 2.0
    assert LossExplosion().detect(make_run({"loss": loss})) == []


def test_spikes_that_stand_alone_and_return_are_a_warning_unless_the_gradients_jump_with_them() -> None:
    loss = lognormal(1000, 0.2, 3.0)
    spikes = [600, 615, 630]
    loss[spikes] *= 1e5
    (finding,) = LossExplosion().detect(make_run({"loss": loss}))
    assert finding.severity == "warning"
    norm = lognormal(1000, 0.2, 5.0)
    norm[spikes] *= 1e3
    assert LossExplosion().detect(make_run({"loss": loss, "grad_norm": norm}))[0].severity == "critical"
    loss[616:650] *= 20
    assert LossExplosion().detect(make_run({"loss": loss}))[0].severity == "critical", "they do not stand alone"


@pytest.mark.parametrize("seed", range(10))
def test_one_batch_in_twenty_of_another_kind_is_no_explosion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    odd = rng.random(600) < 0.05
    loss = np.geomspace(1.0, 0.3, 600) * np.exp(rng.normal(0, 0.3, 600)) + np.where(odd, 3.0, 0.0)
    norm = lognormal(600, 0.3, 1.0, seed) * np.where(odd, 8.0, 1.0)
    assert LossExplosion().detect(make_run({"loss": loss, "grad_norm": norm})) == []
    loss[500:] *= 20
    (finding,) = LossExplosion().detect(make_run({"loss": loss, "grad_norm": norm}))
    assert 450 <= finding.onset.step <= 501


def test_updates_that_grow_before_it_are_told() -> None:
    loss = lognormal(300, 0.1, 3.0)
    loss[205:] *= 50
    ratio: list[float | None] = [(1e-3 if s < 190 else 5e-3) if s % 10 == 0 else None for s in range(300)]
    (finding,) = LossExplosion().detect(make_run({"loss": loss, "update_ratio": ratio}))
    assert finding.detail["update_precursor_steps"] == 15
    assert "5 times as far as usual" in finding.summary
    (without,) = LossExplosion().detect(make_run({"loss": loss}))
    assert without.detail["update_precursor_steps"] is None
    assert without.onset == finding.onset, "it decides nothing"


def test_a_loss_that_rises_slowly_until_all_is_lost() -> None:
    fall = lognormal(200, 0.3, 1.0) * np.geomspace(1.0, 0.03, 200)
    rise = lognormal(280, 0.5, 1.0) * np.geomspace(0.1, 4.0, 280)
    loss, epoch = np.concatenate([fall, rise]), np.arange(480) // 16
    (finding,) = LossExplosion().detect(make_run({"loss": loss, "epoch": epoch}))
    assert finding.severity == "critical"
    assert 12 <= finding.onset.epoch <= 15
    calm = np.concatenate([fall, np.full(280, 0.03) * lognormal(280, 0.5, 1.0)])
    assert LossExplosion().detect(make_run({"loss": calm, "epoch": epoch})) == []

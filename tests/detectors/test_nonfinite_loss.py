from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.nonfinite_loss import NonfiniteLoss


def test_persistent_names_the_first_component() -> None:
    box, cls = lognormal(200, 0.1, 2.0), lognormal(200, 0.1, 3.0)
    cls[150:], box[151:] = np.inf, np.nan
    (finding,) = NonfiniteLoss().detect(make_run({"loss": box + cls, "loss/box_loss": box, "loss/cls_loss": cls}))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert finding.onset.step == 150
    assert finding.detail["components"] == ["cls_loss"]
    assert finding.end is None
    assert "infinite" in finding.title


def test_transient_is_told_from_persistent() -> None:
    loss = lognormal(200, 0.1)
    loss[50] = np.nan
    (one,) = NonfiniteLoss().detect(make_run({"loss": loss}))
    assert one.severity == "info"
    loss[[60, 70, 80]] = np.nan
    (some,) = NonfiniteLoss().detect(make_run({"loss": loss}))
    assert some.severity == "warning"
    assert some.end is not None
    assert some.end.step == 80


def test_giving_up_after_recoveries_is_critical() -> None:
    loss = lognormal(40, 0.1)
    loss[[20, 24, 28]] = np.nan
    events = [{"kind": "nan_recovery", "epoch": 2}] * 3 + [
        {"kind": "exception", "message": "RuntimeError: NaN persisted"}
    ]
    (finding,) = NonfiniteLoss().detect(make_run({"loss": loss}, events=events))
    assert finding.severity == "critical"
    assert "3 times" in finding.summary


def test_a_precursor_is_counted_in_optimizer_steps() -> None:
    loss, norm = lognormal(200, 0.1), lognormal(200, 0.2)
    loss[150:] = np.nan
    norm[144:150] *= 100
    norm[150:] = np.nan
    (finding,) = NonfiniteLoss().detect(make_run({"loss": loss, "grad_norm": norm}))
    assert finding.detail["precursor_steps"] == 6
    norm[:150] = lognormal(150, 0.2)
    (finding,) = NonfiniteLoss().detect(make_run({"loss": loss, "grad_norm": norm}))
    assert finding.detail["precursor_steps"] is None


def test_epoch_logs() -> None:
    values = [2.0, 1.9, math.nan, math.nan]
    (finding,) = NonfiniteLoss().detect(make_run(epochs={"train/box_loss": values}, source="ultralytics-csv"))
    assert finding.onset is not None
    assert (finding.onset.epoch, finding.onset.step) == (2, None)


def test_a_nan_in_validation_or_a_value_that_was_not_measured_is_not_this() -> None:
    run = make_run(epochs={"train/box_loss": [1.0, None, 2.0], "val/box_loss": [math.nan] * 3})
    assert NonfiniteLoss().detect(run) == []


def test_one_epoch_of_nan_that_spoils_the_validated_average_is_persistent() -> None:
    train, val = np.ones(30), np.ones(30)
    train[4] = np.nan
    val[4:] = np.nan
    (finding,) = NonfiniteLoss().detect(make_run(epochs={"train/box_loss": train, "val/box_loss": val}))
    assert finding.severity == "critical"
    assert finding.detail["persistent"]
    assert "averaged weights" in finding.summary
    val[20:] = 1.0
    (finding,) = NonfiniteLoss().detect(make_run(epochs={"train/box_loss": train, "val/box_loss": val}))
    assert finding.severity == "info"


def test_steps_that_rescue_skipped_are_information() -> None:
    loss = np.ones(200)
    loss[[100, 101, 102, 103]] = np.nan
    skips = [
        {"kind": "intervention", "source": "stabiliser/rescue", "step": last - 1, "epoch": 10,
         "data": {"action": "skip", "batch": last % 10, "batches": [last % 10 - 1, last % 10]}}
        for last in (101, 103)
    ]  # fmt: skip
    run = make_run({"loss": loss, "loss/box_loss": loss}, events=skips)
    (found,) = NonfiniteLoss().detect(run)
    assert found.severity == "info"
    assert found.title == "Training loss is NaN in 4 steps, rescued"
    assert "It left out 2 optimizer steps, because each gathers 2 of these steps (micro-batches)." in found.summary
    (half,) = NonfiniteLoss().detect(make_run({"loss": loss, "loss/box_loss": loss}, events=skips[:1]))
    assert half.severity == "warning"
    lasting = np.where(np.arange(200) >= 100, np.nan, 1.0)
    (dead,) = NonfiniteLoss().detect(make_run({"loss": lasting}, events=skips))
    assert dead.severity == "critical"


def traced(step: int, place: str = "module", name: str = "model.4.cv1") -> dict[str, object]:
    data = {
        "at_step": step, "place": place, "name": name, "detail": f"the output of {name} (Conv2d) is not finite, its input is",
        "images": ["a/1.jpg", "a/2.jpg", "a/3.jpg", "a/4.jpg"], "image_count": 16,
    }  # fmt: skip
    return {"kind": "nonfinite", "step": step - 1, "data": data}


def test_module_kind_and_images_of_the_trace_are_named() -> None:
    loss = lognormal(200, 0.1)
    loss[150:] = np.nan
    (finding,) = NonfiniteLoss().detect(make_run({"loss": loss}, events=[traced(149), traced(150, "weight")]))
    assert "model.4.cv1 (Conv2d)" in finding.summary
    assert "a/1.jpg, a/2.jpg, a/3.jpg and 13 more" in finding.summary
    assert finding.detail["origin"]["place"] == "module"
    (without,) = NonfiniteLoss().detect(make_run({"loss": loss}, events=[traced(20)]))
    assert without.detail["origin"] is None, "another incident, long before"


def test_updates_that_grow_before_it_are_told() -> None:
    loss = lognormal(200, 0.1)
    loss[155:] = np.nan
    ratio: list[float | None] = [(1e-3 if s < 140 else 4e-3) if s % 10 == 0 else None for s in range(200)]
    (finding,) = NonfiniteLoss().detect(make_run({"loss": loss, "update_ratio": ratio}))
    assert finding.detail["update_precursor_steps"] == 15
    assert "4 times as far as usual" in finding.summary


@pytest.mark.parametrize(("bad", "same"), [([(2, 3), (2, 3)], [2, 3]), ([(2, 3), (3,)], [3]), ([(1,), (2,)], [])])
def test_batches_that_fail_in_every_attempt_are_named(bad: list[tuple[int, ...]], same: list[int]) -> None:
    loss = np.array([1.0] * 4 + [np.nan if i in failed else 1.0 for failed in bad for i in range(4)])
    columns = {
        "loss": loss,
        "epoch": np.array([0] * 4 + [1] * 8),
        "batch": np.tile(np.arange(4), 3),
        "attempt": np.array([0] * 8 + [1] * 4),
    }
    (finding,) = NonfiniteLoss().detect(make_run(columns))
    assert finding.detail["same_batches"] == same
    assert ("All 2 attempts failed at batch" in finding.summary) is bool(same)

from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log
from synthetic import make_run

from trainwatch.detectors._curves import (
    CURVES,
    after_warmup,
    collapses,
    has_score,
    losses,
    lr_ratio,
    never_measured,
    pairs,
    read_score,
    told_measured,
    total,
    without_objects,
)
from trainwatch.detectors.base import View


def view(**epochs: object) -> View:
    return View(make_run(epochs={k.replace("__", "/"): v for k, v in epochs.items()}), CURVES)


def test_the_score_is_fitness_then_a_metric_then_the_validation_loss() -> None:
    one, nothing = np.ones(3), [None] * 3
    assert read_score(view(fitness=one, metrics__f1=one)).series.name == "fitness"
    assert read_score(view(fitness=nothing, metrics__f1=one)).series.name == "metrics/f1"
    assert read_score(view(metrics__precision=one, metrics__val_acc=one)).series.name == "metrics/val_acc"
    loss = read_score(view(metrics__lr=one, val__a=one, val__b=2 * one))
    assert (loss.sign, loss.series.values.tolist()) == (-1, [3.0] * 3)
    assert read_score(view(metrics__lr=one)) is None
    turned = read_score(view(fitness=-one, val__a=2 * one))
    assert (turned.sign, turned.series.values.tolist()) == (-1, (2 * one).tolist()), (
        "a fitness below zero is a loss with its sign turned"
    )
    assert read_score(view(fitness=-one)).series.values.tolist() == one.tolist()
    assert read_score(view(fitness=np.full(3, np.nan))) is None


def test_a_fitness_of_boxes_and_masks_can_reach_two() -> None:
    run = make_run(epochs={"fitness": np.ones(3), "metrics/mAP50-95(B)": np.ones(3), "metrics/mAP50-95(M)": np.ones(3)})
    assert read_score(View(run, CURVES)).full == 2.0
    assert has_score(run)
    assert not has_score(make_run(epochs={"train/loss": np.ones(3)}))


def test_a_total_that_is_logged_is_not_added_to_its_parts() -> None:
    v = view(val__loss=np.ones(3), val__box_loss=np.ones(3), train__a=np.ones(3), train__b=np.ones(3))
    assert [s.name for s in losses(v, "val")] == ["val/loss"]
    assert len(losses(v, "train")) == 2
    assert total(losses(v, "train"), "train/*").values.tolist() == [2.0] * 3
    assert total([], "x") is None


def test_components_are_paired_by_name_else_by_total() -> None:
    named = view(train__box_loss=np.ones(3), val__box_loss=np.ones(3), val__other=np.ones(3))
    assert [(t.name, v.name) for t, v in pairs(named)] == [("train/box_loss", "val/box_loss")]
    assert len(pairs(view(train__loss=np.ones(3), val__eval_loss=np.ones(3)))) == 1
    assert [v.name for _, v in pairs(view(train__loss=np.ones(3), val__a=np.ones(3), val__b=np.ones(3)))] == ["val/*"]
    assert pairs(view(train__loss=np.ones(3))) == []


def test_rates_and_warm_up() -> None:
    v = View(epoch_log(curves()), CURVES)
    assert lr_ratio(v) == pytest.approx(0.0199, abs=1e-3)
    assert after_warmup(v) == 3
    assert lr_ratio(view(fitness=np.ones(3))) is None


@pytest.mark.parametrize(
    ("args", "told"), [({"val": False}, False), ({"val": True}, True), ({"noval": True}, False), ({}, None)]
)
def test_whether_the_arguments_tell_that_it_validated(args: dict, told: bool | None) -> None:
    assert told_measured(make_run(args=args)) is told


def test_zeros_that_mean_not_measured() -> None:
    columns = curves(10)
    for name in columns:
        if name.startswith(("val/", "metrics/")):
            columns[name][:-1] = 0.0
    assert never_measured(View(epoch_log(columns, args={"val": None}), CURVES))
    assert not never_measured(View(epoch_log(columns, args={"val": True}), CURVES))
    columns["val/cls_loss"][3] = 1.0
    assert not never_measured(View(epoch_log(columns, args={"val": None}), CURVES))


def test_a_box_loss_of_zero_beside_one_that_is_not() -> None:
    assert without_objects(view(train__box_loss=np.zeros(3), train__cls_loss=np.ones(3)), "train") is not None
    assert without_objects(view(train__box_loss=np.zeros(3), train__cls_loss=np.zeros(3)), "train") is None
    assert without_objects(view(train__cls_loss=np.ones(3)), "train") is None


def test_collapses_leave_warm_up_and_changes_of_regime_out() -> None:
    columns = curves()
    columns[SCORE][[1, 50, 91]] *= 0.1
    v = View(epoch_log(columns, args={"close_mosaic": 10}), CURVES)
    kept, found = collapses(v, read_score(v), 0.4, 0.05, (10, 0.1))
    assert [int(kept.epoch[d.first]) for d in found] == [50]


def test_losses_and_rates_per_step_serve_where_there_are_none_per_epoch() -> None:
    steps = {"loss": np.arange(30.0), "lr/pg0": np.linspace(1, 0, 30)}
    v = View(make_run(steps, {"val/loss": np.ones(3)}), CURVES)
    (loss,) = losses(v, "train")
    assert (loss.name, loss.epoch.tolist(), loss.values.tolist()) == ("train/loss", [0, 1, 2], [4.5, 14.5, 24.5])
    assert lr_ratio(v) == 0.0
    assert len(pairs(v)) == 1
    both = View(make_run(steps, {"train/box_loss": np.ones(3)}), CURVES)
    assert [s.name for s in losses(both, "train")] == ["train/box_loss"]
    assert losses(v, "train")[0] is loss, "computed once"

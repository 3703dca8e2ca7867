from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_finding, make_run

from trainwatch import evidence
from trainwatch.evidence import build_panels
from trainwatch.reports import charts
from trainwatch.result import Quantity


def panels(findings=(), **run):
    return {p.id: p for p in build_panels(make_run(**run), findings)}


STEPS = {
    "loss": np.ones(40), "loss/a": np.ones(40), "loss/zero": np.zeros(40), "grad_norm": np.full(40, 320.0),
    "batch_size": np.full(40, 16), "accumulate": np.full(40, 2), "lr/pg0": np.ones(40), "rss_bytes": np.full(40, 5 << 30),
}  # fmt: skip


def test_order_follows_the_finding() -> None:
    run = make_run(STEPS)
    assert build_panels(run, [])[0].id == "loss"
    assert build_panels(run, [make_finding("out-of-memory", "critical")])[0].id == "host_memory"
    first = build_panels(run, [make_finding("gradient-explosion", "critical")])
    assert [p.id for p in first if p.evidence] == ["grad_norm", "loss", "lr"]


def test_the_norm_is_shown_per_sample() -> None:
    assert panels(steps=STEPS)["grad_norm"].curves[0].mid[0] == 10.0


def test_zero_components_and_absent_columns_are_not_drawn() -> None:
    found = panels(steps=STEPS)
    assert [c.name for c in found["loss_components"].curves] == ["a"]
    assert "vram" not in found


def test_marks_stand_on_the_panels_own_axis() -> None:
    events = [
        {"kind": "nan_recovery", "step": 25, "epoch": 2},
        {"kind": "checkpoint", "step": 9, "epoch": 0, "data": {"best": True}},
    ]
    found = panels(
        [make_finding("loss-explosion", "critical", epoch=3, step=31)],
        steps=STEPS,
        epochs={"fitness": np.ones(4)},
        events=events,
    )
    assert {(m.kind, m.x) for m in found["loss"].marks} == {
        ("onset", 31.0),
        ("nan_recovery", 25.0),
        ("checkpoint", 9.0),
    }
    assert {(m.kind, m.x) for m in found["score"].marks} == {("onset", 3.0), ("nan_recovery", 2.0), ("checkpoint", 0.0)}


def test_a_log_whose_epochs_are_in_no_order_still_has_its_marks() -> None:
    """Found by fuzzing: an epoch was looked for by halves and found behind the last row."""
    steps = {"loss": np.linspace(2, 1, 6), "epoch": np.array([0, 5, 3, 1, 2, 1])}
    found = panels([make_finding("loss-explosion", "critical", epoch=4, step=None)], steps=steps)
    assert {(m.kind, m.x) for m in found["loss"].marks} == {("onset", 1.0)}


def test_epoch_logs_have_panels_too() -> None:
    found = panels(
        epochs={"train/box": np.ones(5), "val/box": np.ones(5), "metrics/mAP50-95(B)": np.ones(5), "lr/pg0": np.ones(5)}
    )
    assert {"train_loss", "val_loss", "metrics", "lr", "score"} <= set(found)
    assert all(p.x_unit == "epoch" for p in found.values())


def test_an_empty_run_has_none() -> None:
    assert build_panels(make_run(), []) == ()


def test_a_change_of_the_gain_is_no_change_of_the_curve() -> None:
    gain = np.repeat([1.0, 4.0], 20)
    found = panels(steps={**STEPS, "loss/a": 3.0 * gain, "gain/a": gain})["loss_components"]
    assert found.title == "Loss components, gain divided out"
    assert set(found.curves[0].mid) == {3.0}


def test_without_gains_components_are_shown_as_recorded() -> None:
    assert panels(steps=STEPS)["loss_components"].title == "Loss components"
    zero = panels(steps={**STEPS, "gain/a": np.zeros(40)})["loss_components"]
    assert set(zero.curves[0].mid) == {1.0}


def test_groups_with_one_learning_rate_are_one_curve() -> None:
    lr = {"lr/pg0": np.ones(40), "lr/pg1": np.ones(40), "lr/pg2": np.arange(40.0)}
    assert [c.name for c in panels(steps={**STEPS, **lr})["lr"].curves] == ["pg0, pg1", "pg2"]


def test_a_long_run_is_shown_value_by_value_around_the_onset() -> None:
    loss = np.ones(20_000)
    loss[12_345] = 87.0
    run = make_run({"loss": loss})
    found = build_panels(run, [make_finding("loss-explosion", "critical", epoch=1234, step=12_345)])
    assert [p.id for p in found if p.evidence] == ["loss", "loss_close"]
    close = found[1].curves[0]
    assert close.points_per_bucket == 1
    assert close.mid[close.x.index(12_345.0)] == 87.0
    assert [m.x for m in found[1].marks] == [12_345.0]


def test_a_short_run_and_a_run_without_findings_have_no_close_up() -> None:
    assert not [p for p in build_panels(make_run(STEPS), [make_finding("loss-explosion")]) if p.id.endswith("_close")]
    assert not [p for p in build_panels(make_run({"loss": np.ones(20_000)}), []) if p.id.endswith("_close")]


def test_a_finding_of_another_check_is_shown_by_its_series() -> None:
    found = build_panels(make_run(STEPS), [make_finding("from-a-plugin", series="rss_bytes")])
    assert found[0].id == "host_memory"


def test_epochs_begun_anew_are_marked() -> None:
    attempt = np.repeat([0, 0, 1, 0], 10)
    marks = panels(steps={**STEPS, "attempt": attempt})["loss"].marks
    assert [(m.kind, m.label, m.x) for m in marks] == [("attempt", "attempt 2 of the epoch", 20.0)]


def test_an_early_end_is_marked_and_a_planned_one_is_not() -> None:
    def kinds(reason: str) -> list[str]:
        events = [{"kind": "end", "step": 39, "epoch": 3, "data": {"reason": reason}}]
        return [m.label for m in panels(steps=STEPS, events=events)["loss"].marks]

    assert kinds("early-stop") == ["early stop"]
    assert kinds("completed") == []


def test_a_mark_says_what_its_event_calls_it_and_many_are_thinned() -> None:
    events = [{"kind": "stage", "step": 5, "epoch": 0, "data": {"label": "loss stage 2"}}]
    assert [m.label for m in panels(steps=STEPS, events=events)["loss"].marks] == ["loss stage 2"]
    events = [{"kind": "intervention", "step": i, "epoch": i // 10} for i in range(40)]
    assert len(panels(steps=STEPS, events=events)["loss"].marks) <= 24


def test_a_bias_rate_that_starts_high_does_not_flatten_the_others() -> None:
    rates = {"lr/pg0": np.linspace(1e-4, 1e-3, 40), "lr/pg2": np.linspace(0.1, 1e-3, 40)}
    assert panels(steps={**STEPS, **rates})["lr"].log
    assert not panels(steps={**STEPS, "lr/pg0": np.linspace(5e-3, 1e-2, 40)})["lr"].log


def test_many_checkpoints_are_thinned_and_the_last_best_stays() -> None:
    events = [{"kind": "checkpoint", "step": i, "epoch": i // 10, "data": {"best": True}} for i in range(40)]
    marks = [m.x for m in panels(steps=STEPS, events=events)["loss"].marks]
    assert len(marks) <= 12
    assert marks[-1] == 39.0


def test_a_caption_says_how_many_values_a_drawn_point_stands_for() -> None:
    """The numbers of evidence and charts must agree, or a chart joins buckets that the caption does not count."""
    assert evidence.DRAWN == evidence.CLOSE_UP_STEPS == charts.BUCKETS
    assert evidence.BUCKETS % evidence.DRAWN == 0
    made = panels(steps={"loss": np.ones(3000)})["loss"]
    assert charts.coarser(made.curves[0], charts.BUCKETS).points_per_bucket == 12
    assert made.caption.startswith("Each point stands for 12 values")


def test_every_check_of_epoch_curves_names_panels_that_exist() -> None:
    run = make_run(
        STEPS,
        {k: np.ones(4) for k in ("fitness", "metrics/mAP50-95(B)", "train/box_loss", "val/box_loss", "lr/pg0")},
    )
    known = {p.id for p in build_panels(run, [])} | {
        "vram",
        "image_size",
        "throughput",
        "instances",
        "layers",
        "update_ratio",
        "average",
        "amp_scale",
    }
    assert {panel for row in evidence.EVIDENCE.values() for panel in row} <= known
    overfitting = build_panels(run, [make_finding("overfitting", epoch=2)])
    assert [p.id for p in overfitting if p.evidence] == ["val_loss", "train_loss", "score"]


def test_augmentation_is_drawn_where_it_changes() -> None:
    epochs = {"epoch": [0, 1, 2], "augment/mosaic": [0.8, 0.8, 0.0], "augment/degrees": [0.0, 0.0, 0.0]}
    assert [c.name for c in panels(epochs=epochs)["augmentation"].curves] == ["mosaic"]
    assert "augmentation" not in panels(epochs={**epochs, "augment/mosaic": [0.8] * 3})


def test_a_creeping_memory_is_continued_to_its_limit_or_to_the_planned_end() -> None:
    steps = {"epoch": np.repeat(np.arange(10), 4), "rss_bytes": 1e9 + 1e7 * np.arange(40)}
    slope = {"slope_low_bytes_per_epoch": 3.5e7, "slope_high_bytes_per_epoch": 4.5e7}

    def forecast(planned: int, **detail: float) -> evidence.Forecast | None:
        creep = make_finding(
            "host-memory-creep", series="rss_bytes", measured=Quantity(4e7, "bytes/epoch"), detail={**slope, **detail}
        )
        made = make_run(steps, {"fitness": np.ones(10)}, planned_epochs=planned)
        return {p.id: p for p in build_panels(made, [creep])}["host_memory"].forecast

    to_end = forecast(100)
    assert to_end is not None
    assert to_end.x_end == 39 + 90 * 4
    assert to_end.mid == pytest.approx(1e9 + 39e7 + 90 * 4e7)
    assert to_end.low < to_end.mid < to_end.high
    to_limit = forecast(100, forecast_epoch=30.0)
    assert to_limit is not None
    assert to_limit.x_end == 39 + 20 * 4
    assert forecast(10) is None, "it is over"


def test_components_are_shown_as_logged_too_where_a_gain_is_divided_out() -> None:
    found = panels(steps={**STEPS, "gain/a": np.full(40, 7.5)})
    assert found["loss_components"].curves[0].mid[0] == pytest.approx(1 / 7.5, rel=1e-5)
    assert found["loss_raw"].curves[0].mid[0] == 1.0
    assert "loss_raw" not in panels(steps=STEPS)


def test_a_best_checkpoint_of_a_score_of_nothing_is_not_drawn() -> None:
    events = [{"kind": "checkpoint", "epoch": e, "step": None, "data": {"best": True}} for e in (0, 3)]
    run = make_run(epochs={"fitness": np.array([0.0, 0.0, 0.1, 0.2, 0.2]), "train/loss": np.ones(5)}, events=events)
    marks = {m.x for p in build_panels(run, []) for m in p.marks if m.kind == "checkpoint"}
    assert marks == {3.0}

from __future__ import annotations

import numpy as np
from synthetic import make_finding, make_run

from trainwatch.evidence import build_panels


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


def test_epoch_logs_have_panels_too() -> None:
    found = panels(
        epochs={"train/box": np.ones(5), "val/box": np.ones(5), "metrics/mAP50-95(B)": np.ones(5), "lr/pg0": np.ones(5)}
    )
    assert {"train_loss", "val_loss", "metrics", "lr", "score"} <= set(found)
    assert all(p.x_unit == "epoch" for p in found.values())


def test_an_empty_run_has_none() -> None:
    assert build_panels(make_run(), []) == ()

from __future__ import annotations

from synthetic import make_finding

from trainwatch.advice.warm_restart import WarmRestart
from trainwatch.result import Context

PLATEAU = [make_finding("plateau", detail={"training_loss_falls": False, "flat_epochs": 200, "best_epoch": 99})]


def test_a_new_run_from_the_best_weights_at_half_the_rate() -> None:
    args = {
        "model": "yolo12s.yaml",
        "lr0": 0.01,
        "optimizer": "SGD",
        "cos_lr": False,
        "warmup_epochs": 3.0,
        "epochs": 600,
    }
    context = Context(args=args, requested=args, planned_epochs=600, epochs_done=300, run_dir="runs/exp3")
    found = WarmRestart().advise(PLATEAU, context)
    assert found is not None
    assert {c.arg: c.new for c in found.changes} == {
        "model": "runs/exp3/weights/best.pt", "lr0": 0.005, "cos_lr": True, "warmup_epochs": 1.0, "epochs": 300,
    }  # fmt: skip
    assert "epoch 100" in found.why


def test_overfitting_makes_it_less_likely_to_help() -> None:
    context = Context(args={"lr0": 0.01}, planned_epochs=100, epochs_done=100)
    by_heart = WarmRestart().advise([make_finding("plateau", detail={"training_loss_falls": True})], context)
    stuck = WarmRestart().advise(PLATEAU, context)
    assert by_heart is not None
    assert stuck is not None
    assert by_heart.confidence < stuck.confidence


def test_converged_is_no_reason() -> None:
    context = Context(args={"lr0": 0.01}, planned_epochs=100, epochs_done=100)
    assert WarmRestart().advise([make_finding("plateau", "info")], context) is None

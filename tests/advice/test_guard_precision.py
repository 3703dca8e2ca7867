from __future__ import annotations

from synthetic import make_finding

from trainwatch.advice.guard_precision import GuardPrecision
from trainwatch.result import Context

NAN = make_finding("nonfinite-loss", "critical", detail={"component": "cls_loss"})


def test_half_precision_is_switched_off_and_healthy_weights_are_taken() -> None:
    context = Context(
        args={"amp": True, "device": "0", "model": "yolo12n.yaml"}, resume_from="weights/last.pt", run_dir="r"
    )
    found = GuardPrecision().advise([NAN], context)
    assert found is not None
    assert {c.arg: c.new for c in found.changes} == {"amp": False, "model": "r/weights/last.pt"}


def test_on_a_cpu_there_was_none() -> None:
    found = GuardPrecision().advise([NAN], Context(args={"amp": True, "device": "cpu"}))
    assert found is not None
    assert found.changes == ()
    assert "step 30" in found.steps[0]


def test_an_explosion_explains_it_better() -> None:
    assert GuardPrecision().advise([make_finding("loss-explosion", "critical"), NAN], Context(args={})) is None
    assert GuardPrecision().advise([make_finding("nonfinite-loss", "warning")], Context(args={})) is None


def test_a_collapsed_scaler_is_answered() -> None:
    from synthetic import make_finding

    from trainwatch.advice.guard_precision import GuardPrecision
    from trainwatch.result import Context

    finding = make_finding("amp-scale-collapse", detail={"skipped_steps": 30, "steps": 200, "lowest_scale": 0.5})
    found = GuardPrecision().advise([finding], Context(args={"amp": True, "device": "0"}))
    assert found is not None
    assert [(c.arg, c.new) for c in found.changes] == [("amp", False)]
    assert "30 of 200" in found.why

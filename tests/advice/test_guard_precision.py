from __future__ import annotations

from typing import Any

from synthetic import make_finding

from trainwatch.advice.guard_precision import GuardPrecision
from trainwatch.result import Context, Finding

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


def traced_to(place: str, **more: Any) -> Finding:
    origin = {
        "place": place, "name": "img[3]", "about": "1 of 16 entries of img are not finite", "step": 30,
        "images": ["a/7.jpg"], "image_count": 1, **more,
    }  # fmt: skip
    return make_finding("nonfinite-loss", "critical", detail={"component": "box_loss", "origin": origin})


def test_an_input_that_is_not_finite_is_no_matter_of_precision() -> None:
    context = Context(args={"amp": True, "device": "0", "model": "m.yaml"}, resume_from="weights/last.pt", run_dir="r")
    found = GuardPrecision().advise([traced_to("input")], context)
    assert found is not None
    assert [c.arg for c in found.changes] == ["model"]
    assert "a/7.jpg" in found.steps[0]
    assert "step 30" in found.why
    assert found.confidence > 0.55


def test_the_place_of_the_trace_is_where_to_look() -> None:
    context = Context(args={"amp": True, "device": "0"})
    steps = {}
    for place in ("module", "gradient", "weight", "loss term", "unknown"):
        found = GuardPrecision().advise([traced_to(place, name="model.4", images=["x.jpg"], image_count=4)], context)
        assert found is not None
        assert [c.arg for c in found.changes] == ["amp"]
        steps[place] = found.steps[0]
    assert "model.4" in steps["module"]
    assert "model.4" in steps["gradient"]
    assert "labels" in steps["loss term"]
    assert "before step 30" in steps["weight"]
    assert "x.jpg and 3 more" in steps["unknown"]

from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import make_run

from trainwatch.signals.origin import origin_near


def event(step: int, place: str = "module", **more: Any) -> dict[str, Any]:
    data = {
        "at_step": step, "place": place, "name": "model.2", "detail": "the output of model.2 (Conv) is not finite, its input is",
        "images": [f"img/{i}.jpg" for i in range(5)], "image_count": 16,
    }  # fmt: skip
    return {"kind": "nonfinite", "data": {**data, **more}}


def run_with(*events: dict[str, Any]) -> Any:
    return make_run({"loss": np.ones(50)}, events=events)


def test_the_first_trace_near_a_step_counts() -> None:
    found = origin_near(run_with(event(2), event(31, "weight"), event(30), event(39)), 31, 8)
    assert found is not None
    assert (found.place, found.step) == ("module", 30)
    assert found.images == ("img/0.jpg", "img/1.jpg", "img/2.jpg")
    assert found.sentence() == (
        "It began in the module model.2 (step 30): the output of model.2 (Conv) is not finite, its input is; images of that "
        "batch: img/0.jpg, img/1.jpg, img/2.jpg and 13 more."
    )
    assert found.detail()["image_count"] == 16
    assert origin_near(run_with(event(2), event(60)), 31, 8) is None


def test_what_is_not_known_is_said() -> None:
    found = origin_near(
        run_with(event(5, "unknown", detail="seen after the optimizer had moved", images=[], image_count=0)), 5, 8
    )
    assert found is not None
    assert found.sentence() == "Where it began is not known (seen after the optimizer had moved)."


def test_events_of_the_average_and_damaged_ones_are_passed_over() -> None:
    broken = [
        event(5, "average"), {"kind": "nonfinite"}, {"kind": "nonfinite", "data": [1]}, event(5, at_step="x"),
    ]  # fmt: skip
    assert origin_near(run_with(*broken), 5, 8) is None
    odd = origin_near(run_with(event(5, images="a", image_count="b", name=None, detail=None, place=None)), 5, 8)
    assert odd is not None
    assert (odd.place, odd.images, odd.image_count) == ("unknown", (), 0)
    assert odd.sentence() == "Where it began is not known."

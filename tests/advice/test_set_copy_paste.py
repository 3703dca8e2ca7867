from __future__ import annotations

import pytest
from synthetic import make_finding

from trainwatch.advice.set_copy_paste import SetCopyPaste
from trainwatch.result import Context, Recommendation

PLATEAU = [make_finding("plateau", detail={"training_loss_falls": True})]


def advise(polygons: bool | None, scale: str | None = "n", **args: object) -> Recommendation | None:
    context = Context(
        args={"mosaic": 1.0, "copy_paste": 0.0, "mixup": 0.0, **args}, labels_have_polygons=polygons, model_scale=scale
    )
    return SetCopyPaste().advise(PLATEAU, context)


@pytest.mark.parametrize(("scale", "value"), [("n", 0.1), ("s", 0.15), ("m", 0.4), ("l", 0.5), ("x", 0.6), (None, 0.1)])
def test_by_scale(scale: str | None, value: float) -> None:
    found = advise(True, scale)
    assert found is not None
    assert {c.arg: c.new for c in found.changes} == {"copy_paste": value}
    assert ("0.2 at most" in found.why) == (value > 0.2), "both sources are named where they differ"


def test_on_boxes_it_says_that_it_is_inert_and_offers_what_works() -> None:
    found = advise(False)
    assert found is not None
    assert {c.arg for c in found.changes} == {"mixup"}
    assert "silently does nothing" in found.why


def test_unknown_labels_say_how_to_look() -> None:
    found = advise(None)
    assert found is not None
    assert "label file" in found.steps[0]


def test_mosaic_that_was_off_comes_back() -> None:
    found = advise(True, mosaic=0.0)
    assert found is not None
    assert {c.arg: c.new for c in found.changes} == {"copy_paste": 0.1, "mosaic": 0.8}


def test_more_than_that_is_left_alone() -> None:
    assert advise(True, copy_paste=0.3) is None


def test_a_training_loss_that_stands_still_needs_something_else() -> None:
    stuck = [make_finding("plateau", detail={"training_loss_falls": False})]
    assert SetCopyPaste().advise(stuck, Context(args={}, labels_have_polygons=True)) is None

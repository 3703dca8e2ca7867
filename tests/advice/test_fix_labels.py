from __future__ import annotations

from advising import advise, new

from trainwatch.advice.fix_labels import FixLabels

A = FixLabels()


def test_steps_and_no_argument() -> None:
    found = advise(A, "missing-labels", data="coco.yaml", context={"train_images": 128})
    assert new(found) == {}
    assert found is not None
    assert any("coco.yaml" in s for s in found.steps)
    assert "128 training images" in found.why


def test_labels_that_only_the_validation_lacks_are_looked_for_there() -> None:
    found = advise(A, "missing-labels", data="coco.yaml", detail={"training": False, "validation": True})
    assert found is not None
    assert "path of val in coco.yaml" in found.steps[0]
    assert not any("train_batch0" in s for s in found.steps)
    both = advise(A, "missing-labels", detail={"training": True, "validation": True})
    assert both is not None
    assert "train_batch0" in both.steps[0]


def test_a_loop_of_ones_own_has_no_such_files() -> None:
    assert advise(A, "missing-labels", "no-learning", context={"trainer": "loop"}) is None
    assert advise(A, "missing-labels", context={"trainer": "yolov5"}) is not None


def test_too_early_to_tell() -> None:
    assert advise(A, "no-learning", detail={"too_early": True}) is None
    assert advise(A, "no-learning", detail={"too_early": False}) is not None
    assert advise(A, "overfitting") is None


def test_labels_are_not_the_suspect_where_no_weight_moves() -> None:
    assert advise(A, "no-learning", detail={"weights_still": True}) is None


def test_a_run_that_drew_no_batch_is_told_how_to_have_one_drawn() -> None:
    found = advise(A, "no-learning", plots=False, detail={"best": 0.008})
    assert found is not None
    assert found.steps[0].startswith("plots=False drew no picture of a batch. Train one epoch with plots=True")
    assert "the score passes 0.008 within ten epochs" in found.expected

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


def test_too_early_to_tell() -> None:
    assert advise(A, "no-learning", detail={"too_early": True}) is None
    assert advise(A, "no-learning", detail={"too_early": False}) is not None
    assert advise(A, "overfitting") is None

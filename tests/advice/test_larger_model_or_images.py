from __future__ import annotations

import pytest
from advising import advise, new

from trainwatch.advice.larger_model_or_images import LargerModelOrImages

A = LargerModelOrImages()


@pytest.mark.parametrize(
    ("model", "larger"),
    [("yolo12n.yaml", "yolo12s.yaml"), ("yolov8m-seg.pt", "yolov8l-seg.pt"), ("yolo11l.pt", "yolo11x.pt")],
)
def test_the_next_scale(model: str, larger: str) -> None:
    assert new(advise(A, "plateau", model=model, imgsz=640)) == {"model": larger}


@pytest.mark.parametrize(("imgsz", "larger"), [(640, 800), (320, 416), (1200, 1280)])
def test_larger_images_where_the_model_cannot_grow(imgsz: int, larger: int) -> None:
    assert new(advise(A, "plateau", model="yolo12x.yaml", imgsz=imgsz)) == {"imgsz": larger}
    assert new(advise(A, "plateau", model="runs/a/best.pt", imgsz=imgsz)) == {"imgsz": larger}


@pytest.mark.parametrize("beside", ["out-of-memory", "near-memory-limit", "memory-creep", "overfitting"])
def test_not_where_memory_is_short_or_it_overfits(beside: str) -> None:
    assert advise(A, "plateau", beside, model="yolo12n.yaml") is None


def test_not_where_it_learns_by_heart_or_is_the_largest() -> None:
    assert advise(A, "plateau", detail={"training_loss_falls": True}, model="yolo12n.yaml") is None
    assert advise(A, "plateau", model="yolo12x.yaml", imgsz=1280) is None

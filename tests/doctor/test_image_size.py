from __future__ import annotations

from situations import judge, situation, states

ID = "image-size"


def test_large_images_in_half_precision() -> None:
    (line,) = judge(ID, situation(imgsz=1280))
    assert line.state == "warn"
    assert dict(line.arguments) == {"imgsz": 1024}
    assert states(ID, situation(imgsz=1280, amp=False)) == ["ok"]
    assert states(ID, situation(imgsz=1280, device="cpu")) == ["ok"]


def test_no_multiple_of_the_stride() -> None:
    (line,) = judge(ID, situation(imgsz=650))
    assert line.state == "warn"
    assert dict(line.arguments) == {"imgsz": 672}


def test_usual_sizes() -> None:
    assert states(ID, situation(imgsz=640)) == ["ok"]
    assert states(ID, situation(imgsz=1024)) == ["ok"]

from __future__ import annotations

from situations import A100, GIB, data, judge, machine, situation, split, states

ID = "image-cache"
# 640 by 480 pixels: 921600 bytes an image, 5500 images: 4.72 GiB


def test_one_rank_fits_eight_do_not() -> None:
    here = {"memory_limit_bytes": 32 * GIB, "memory_available_bytes": 31 * GIB}
    assert states(ID, situation(on=machine(A100, **here), cache="ram")) == ["ok"]
    (line,) = judge(ID, situation(on=machine(*[A100] * 8, **here), cache=True, device="0,1,2,3,4,5,6,7"))
    assert line.state == "bad"
    assert "4.72 GiB of images per rank, 37.8 GiB for 8 ranks" in line.found
    assert dict(line.arguments) == {"cache": "disk"}


def test_a_container_limits_it() -> None:
    assert states(ID, situation(on=machine(A100, memory_limit_bytes=4 * GIB), cache="ram")) == ["bad"]


def test_the_trainer_would_refuse() -> None:
    tight = machine(A100, memory_limit_bytes=16 * GIB, memory_available_bytes=8 * GIB)
    assert states(ID, situation(on=tight, cache="ram")) == ["warn"]


def test_images_are_kept_at_imgsz() -> None:
    large = data(split(sizes=((6400, 4800),)), split("val", 500, sizes=((6400, 4800),)))
    assert judge(ID, situation(of=large, cache="ram")) == judge(ID, situation(cache="ram"))


def test_not_asked_for_and_unknown() -> None:
    assert states(ID, situation()) == []
    assert states(ID, situation(cache="disk")) == []
    assert states(ID, situation(of=None, cache="ram")) == ["unknown"]

from __future__ import annotations

from dataclasses import replace

from situations import data, judge, situation, split, states

ID = "label-files"


def test_no_labels_beside_the_images() -> None:
    bare = data(split(missing=5000, objects=0, box_files=0))
    lines = judge(ID, situation(of=bare))
    assert [line.state for line in lines] == ["bad", "ok"]
    assert "not one labelled object" in lines[0].found


def test_many_backgrounds() -> None:
    (line, _) = judge(ID, situation(of=data(split(missing=1000, empty=600))))
    assert line.state == "warn"
    assert "1000 without a label file, 600 with an empty one, of 5000 train images" in line.found
    assert states(ID, situation(of=data(split(missing=100)))) == ["ok", "ok"]


def test_paths_that_do_not_exist() -> None:
    gone = split("val", 0, absent=("/d/images/val",), objects=0)
    assert states(ID, situation(of=data(val=gone))) == ["ok", "bad"]
    assert states(ID, situation(of=data(val=gone, downloads=True))) == ["ok", "unknown"]
    assert states(ID, situation(of=data(split(images=0, objects=0)))) == ["bad", "ok"]


def test_no_validation_set() -> None:
    assert states(ID, situation(of=replace(data(), val=None))) == ["bad"]


def test_says_what_was_read() -> None:
    (line, _) = judge(ID, situation(of=data(split(images=400_000, read=200_000))))
    assert "of 200000 train images looked at (400000 in all)" in line.found


def test_could_not_tell() -> None:
    assert states(ID, situation(of=None)) == ["unknown"]
    assert states(ID, situation(of=data(not_read="classification"))) == ["unknown"]

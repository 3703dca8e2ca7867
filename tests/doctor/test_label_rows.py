from __future__ import annotations

from situations import data, judge, polygons, situation, split, states

from trainwatch.doctor._situation import Fault, Model

ID = "label-rows"


def test_class_ids_beyond_the_names_are_always_bad() -> None:
    (line,) = judge(ID, situation(of=data(split(faults=(Fault("class ids beyond 0-2", 1, "/d/images/train/3.jpg"),)))))
    assert line.state == "bad"
    assert "1 of 5000 train images: class ids beyond 0-2, e.g. /d/images/train/3.jpg" in line.found
    assert line.commands == ("rm /d/labels/train.cache  # after correcting them",)


def test_the_share_decides() -> None:
    for images, state in ((51, "bad"), (50, "warn")):
        assert states(ID, situation(of=data(split(faults=(Fault("negative values", images, "x"),))))) == [state]


def test_segment_needs_polygons() -> None:
    seg = Model("yolo12n-seg.yaml", True, "n", None, "segment")
    assert states(ID, situation(model=seg)) == ["bad", "bad"]
    both = data(polygons(), split("val", 500, box_files=0, polygon_files=500))
    assert states(ID, situation(model=seg, of=both)) == ["ok"]


def test_repeated_lines_and_unreadable_images() -> None:
    assert states(ID, situation(of=data(split(repeated=3)))) == ["warn"]
    assert states(ID, situation(of=data(split(unreadable=2)))) == ["bad"]


def test_quiet() -> None:
    (line,) = judge(ID, situation())
    assert line.state == "ok"
    assert "5500 label files" in line.found
    assert states(ID, situation(of=None)) == []

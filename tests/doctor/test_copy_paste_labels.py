from __future__ import annotations

import pytest
from situations import data, judge, polygons, situation, split, states

from trainwatch.doctor._situation import Model

ID = "copy-paste-labels"


def test_boxes_make_it_inert() -> None:
    (line,) = judge(ID, situation(copy_paste=0.1))
    assert line.state == "bad"
    assert "all 5000 label files hold boxes" in line.found
    assert dict(line.arguments) == {"copy_paste": 0.0, "mixup": 0.1}
    assert states(ID, situation()) == ["ok"]


def test_mixed_labels_lose_their_polygons() -> None:
    mixed = data(split(box_files=10, polygon_files=4990))
    assert states(ID, situation(of=mixed, copy_paste=0.1)) == ["bad"]
    assert states(ID, situation(of=mixed)) == ["warn"]


@pytest.mark.parametrize(
    ("scale", "authors", "advised"), [("n", 0.1, 0.1), ("s", 0.15, 0.15), ("m", 0.4, 0.2), ("x", 0.6, 0.2)]
)
def test_the_authors_value_and_the_cap_are_both_said(scale: str, authors: float, advised: float) -> None:
    model = Model(f"yolo12{scale}.yaml", True, scale)
    (line,) = judge(ID, situation(of=data(polygons()), model=model))
    assert line.state == "warn"
    assert f"scale {scale} with {authors:g}" in line.found
    assert "caps it at 0.2" in line.found
    assert dict(line.arguments) == {"copy_paste": advised}
    assert states(ID, situation(of=data(polygons()), model=model, copy_paste=advised)) == ["ok"]
    assert states(ID, situation(of=data(polygons()), model=model, copy_paste=authors)) == ["ok"]


def test_more_than_both() -> None:
    assert states(ID, situation(of=data(polygons()), copy_paste=0.3)) == ["warn"]


def test_other_families_are_not_told_to() -> None:
    assert states(ID, situation(of=data(polygons()), model=Model("yolo11n.yaml", False, "n"))) == ["ok"]


def test_could_not_tell() -> None:
    assert states(ID, situation(of=None, copy_paste=0.1)) == ["unknown"]
    assert states(ID, situation(of=None)) == []

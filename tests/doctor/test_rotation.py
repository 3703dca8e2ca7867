from __future__ import annotations

from situations import data, judge, polygons, situation, states

from trainwatch.doctor._situation import Model

ID = "rotation"


def test_rotated_boxes() -> None:
    (line,) = judge(ID, situation(degrees=10))
    assert line.state == "warn"
    assert dict(line.arguments) == {"degrees": 0.0}
    assert states(ID, situation(degrees=5)) == ["ok"]


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(degrees=10, of=data(polygons()))) == ["ok"]
    assert states(ID, situation(degrees=90, model=Model("yolo12n-obb.yaml", True, "n", None, "obb"))) == []

from __future__ import annotations

from situations import data, judge, situation, split, states

ID = "split-overlap"


def test_shared_images() -> None:
    (line,) = judge(ID, situation(of=data(shared=100, shared_example="/d/images/val/3.jpg")))
    assert line.state == "bad"
    assert "100 of 500 validation images" in line.found
    assert "/d/images/val/3.jpg" in line.found
    assert states(ID, situation(of=data(shared=3))) == ["warn"]


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(of=None)) == []
    assert states(ID, situation(of=data(val=split("val", 0)))) == []

from __future__ import annotations

from situations import data, judge, situation, split, states

ID = "validation-size"


def test_small() -> None:
    assert states(ID, situation(of=data(val=split("val", 49)))) == ["warn"]
    assert states(ID, situation(of=data(val=split("val", 50)))) == ["ok"]


def test_off() -> None:
    (line,) = judge(ID, situation(val=False))
    assert line.state == "warn"
    assert dict(line.arguments) == {"val": True}


def test_no_data() -> None:
    assert states(ID, situation(of=None)) == []

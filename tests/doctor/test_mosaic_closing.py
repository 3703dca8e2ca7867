from __future__ import annotations

from situations import judge, situation, states

ID = "mosaic-closing"


def test_closed_from_the_start() -> None:
    (line,) = judge(ID, situation(epochs=10, close_mosaic=10))
    assert line.state == "bad"
    assert states(ID, situation(epochs=10, **line.arguments)) == ["ok"]
    assert states(ID, situation(epochs=1, close_mosaic=10, mosaic=1.0)) == ["bad"]


def test_most_of_the_training() -> None:
    assert states(ID, situation(epochs=100, close_mosaic=60)) == ["warn"]


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(close_mosaic=0)) == ["ok"]
    assert states(ID, situation(epochs=5, mosaic=0)) == []

from __future__ import annotations

from situations import judge, situation, states

ID = "patience-length"


def test_too_little() -> None:
    (line,) = judge(ID, situation(patience=30))
    assert line.state == "warn"
    assert dict(line.arguments) == {"patience": 100}
    assert states(ID, situation(epochs=100, patience=9)) == ["warn"]


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(patience=0)) == ["ok"]
    assert states(ID, situation(epochs=100, patience=20)) == ["ok"]

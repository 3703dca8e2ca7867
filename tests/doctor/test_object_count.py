from __future__ import annotations

from situations import A100, data, judge, machine, situation, split, states, without

ID = "object-count"
DENSE = data(split(most_objects=450))


def test_more_than_max_det() -> None:
    old = machine(A100, versions=without(ultralytics="8.4.100"))
    (line,) = judge(ID, situation(on=old, of=DENSE))
    assert line.state == "warn"
    assert dict(line.arguments) == {"max_det": 450}
    assert states(ID, situation(of=DENSE)) == ["ok"], "the current version raises it by itself"
    assert states(ID, situation(of=DENSE, max_det=300)) == ["warn"], "but not where it was given"


def test_the_assigners_memory() -> None:
    (line,) = judge(ID, situation(of=data(split(most_objects=2093)), batch=32))
    assert line.state == "warn"
    assert line.arguments["batch"] == 16
    assert line.arguments["nbs"] == 64


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(of=None)) == []

from __future__ import annotations

from situations import A100, judge, machine, situation, states

ID = "batch-search"


def test_refused_with_several_devices() -> None:
    (line,) = judge(ID, situation(on=machine(A100, A100), device="0,1", batch=-1))
    assert line.state == "bad"
    assert dict(line.arguments) == {"batch": 32}


def test_depends_on_the_minute() -> None:
    assert states(ID, situation(batch=-1)) == ["warn"]
    (line,) = judge(ID, situation(batch=0.9))
    assert line.state == "warn"
    assert "validation" in line.why
    assert "validation" not in judge(ID, situation(batch=0.5))[0].why


def test_cpu_and_fixed() -> None:
    assert states(ID, situation(batch=-1, device="cpu")) == ["warn"]
    assert states(ID, situation()) == []

from __future__ import annotations

from situations import judge, situation, states

from trainwatch.doctor._situation import Model

ID = "attention-stability"


def test_no_warm_up() -> None:
    (line,) = judge(ID, situation(warmup_epochs=0))
    assert line.state == "warn"
    assert dict(line.arguments) == {"warmup_epochs": 10.0}
    assert states(ID, situation(warmup_epochs=1)) == ["warn"]
    assert dict(judge(ID, situation(warmup_epochs=0, epochs=3))[0].arguments) == {"warmup_epochs": 2}


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(epochs=50, warmup_epochs=1)) == ["ok"]
    assert states(ID, situation(warmup_epochs=0, model=Model("yolo11n.yaml", False, "n"))) == []

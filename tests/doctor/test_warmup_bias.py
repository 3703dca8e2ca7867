from __future__ import annotations

from situations import judge, situation, states

ID = "warmup-bias"


def test_the_constant_of_sgd_with_adam() -> None:
    (line,) = judge(ID, situation(optimizer="AdamW", lr0=0.001))
    assert line.state == "warn"
    assert dict(line.arguments) == {"warmup_bias_lr": 0.0}
    assert "100 times" in line.found


def test_quiet() -> None:
    assert states(ID, situation(optimizer="AdamW", lr0=0.001, warmup_bias_lr=0.0)) == ["ok"]
    assert states(ID, situation(optimizer="SGD")) == []
    assert states(ID, situation(optimizer="auto")) == []
    assert states(ID, situation(optimizer="AdamW", warmup_epochs=0)) == []

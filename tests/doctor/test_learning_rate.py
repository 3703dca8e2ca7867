from __future__ import annotations

import pytest
from situations import judge, situation, states

ID = "learning-rate"


@pytest.mark.parametrize(
    ("batch", "nbs", "lr0", "state"),
    [(32, 32, 0.005, "ok"), (128, 128, 0.02, "ok"), (16, 64, 0.01, "ok"), (16, 64, 0.03, "warn"), (16, 64, 0.1, "bad"),
     (16, 64, 0.001, "warn")],
)  # fmt: skip
def test_sgd(batch: int, nbs: int, lr0: float, state: str) -> None:
    assert states(ID, situation(batch=batch, nbs=nbs, lr0=lr0)) == [state]


def test_adamw_with_the_default_of_sgd() -> None:
    (line,) = judge(ID, situation(optimizer="AdamW", lr0=...))
    assert line.state == "bad"
    assert dict(line.arguments) == {"lr0": 0.001}
    assert states(ID, situation(optimizer="AdamW", lr0=0.001)) == ["ok"]
    assert "sqrt" in line.found, "it says which rule"


def test_auto_sets_its_own() -> None:
    assert states(ID, situation(optimizer="auto")) == []


def test_zero() -> None:
    assert states(ID, situation(lr0=0)) == ["bad"]

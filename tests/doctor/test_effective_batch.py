from __future__ import annotations

import pytest
from situations import A100, T4, judge, machine, situation, states

ID = "effective-batch"


@pytest.mark.parametrize(
    ("batch", "nbs", "effective", "state"),
    [(16, 64, 64, "ok"), (64, 256, 256, "ok"), (256, 64, 256, "warn"), (24, 64, 72, "warn"), (48, 64, 48, "warn"), (1, 64, 64, "ok")],
)  # fmt: skip
def test_images_per_step(batch: int, nbs: int, effective: int, state: str) -> None:
    (line,) = judge(ID, situation(T4, batch=batch, nbs=nbs))
    assert line.state == state
    assert f"= {effective} images per optimizer step" in line.found
    assert dict(line.arguments) == ({"nbs": effective} if state == "warn" else {})


def test_what_it_asks_for_is_good() -> None:
    (line,) = judge(ID, situation(batch=24))
    assert states(ID, situation(batch=24, **line.arguments)) == ["ok"]


def test_a_batch_that_cannot_be_divided() -> None:
    eight = machine(*[A100] * 8)
    (line,) = judge(ID, situation(on=eight, device="0,1,2,3,4,5,6,7", batch=20))
    assert line.state == "bad"
    assert line.arguments["batch"] % 8 == 0
    assert states(ID, situation(on=eight, device=list(range(8)), batch=64)) == ["ok"]


def test_a_batch_that_is_looked_for() -> None:
    assert states(ID, situation(batch=-1)) == []
    assert states(ID, situation(batch=0.7)) == []

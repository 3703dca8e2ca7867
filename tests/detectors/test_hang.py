from __future__ import annotations

from typing import Any

import pytest

from trainwatch.detectors.hang import Hang
from trainwatch.runs import Run

STACKS = 'MainThread:\n  File "/a/train.py", line 9, in <module>\n    x\n  File "/a/loader.py", line 7, in wait\n    y\n\nT:\n  File "z"'


def hang(over: bool = False, rank: int = 0, **data: Any) -> dict[str, Any]:
    kept = {"over": True} if over else {"quiet_s": 400.0, "limit_s": 300.0, "stacks": STACKS}
    return {"kind": "hang", "time_s": 1.0, "step": 5, "epoch": 1, "rank": rank, "data": kept | data}


@pytest.mark.parametrize(("events", "severity"), [([hang()], "critical"), ([hang(), hang(over=True)], "warning")])
def test_a_silence(events: list[dict[str, Any]], severity: str) -> None:
    (finding,) = Hang().detect(Run("x", "trainwatch", events=events))
    assert finding.severity == severity
    assert "400 s, waiting in wait (loader.py, line 7)" in finding.summary
    assert finding.onset is not None
    assert finding.onset.step == 5


def test_each_rank_and_odd_data() -> None:
    found = Hang().detect(Run("x", "trainwatch", events=[hang(), hang(rank=3, quiet_s="x", stacks=None)]))
    assert [f.detail["rank"] for f in found] == [0, 3]


def test_quiet_without() -> None:
    assert Hang().detect(Run("x", "trainwatch")) == []
    assert Hang().detect(Run("x", "trainwatch", events=[hang(over=True)])) == []
    assert Hang().missing(Run("x", "keras-csv")) is not None

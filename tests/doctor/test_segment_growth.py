from __future__ import annotations

import pytest
from situations import A100, judge, machine, situation, states, without

ID = "segment-growth"


@pytest.mark.parametrize("args", [{"multi_scale": 0.5}, {"rect": True}])
def test_changing_shapes(args: dict) -> None:
    (line,) = judge(ID, situation(**args))
    assert line.state == "warn"
    assert line.commands == ("export PYTORCH_ALLOC_CONF=expandable_segments:True",)
    for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"):
        there = machine(A100, environment={name: "max_split_size_mb:64, expandable_segments:True"})
        assert states(ID, situation(on=there, **args)) == ["ok"]


def test_older_torch_knows_the_older_name() -> None:
    old = machine(A100, versions=without(torch="2.3.0"))
    (line,) = judge(ID, situation(on=old, multi_scale=0.5))
    assert "PYTORCH_CUDA_ALLOC_CONF" in line.commands[0]


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(multi_scale=0.5, device="cpu")) == []
    assert states(ID, situation(on=machine(A100, system="Windows"), multi_scale=0.5)) == []
    assert states(ID, situation(on=machine(A100, A100), device="0,1", rect=True)) == ["ok"], "rect is off with several"

from __future__ import annotations

import pytest
from situations import A100, judge, machine, situation, states

ID = "dead-environment"


@pytest.mark.parametrize(
    ("name", "value"), [("FLASH_ATTENTION_V2", "1"), ("TORCH_CUDA_ARCH_LIST", "8.0"), ("CUDA_LAUNCH_BLOCKING", "1")]
)
def test_set_for_nothing(name: str, value: str) -> None:
    (line,) = judge(ID, situation(on=machine(A100, environment={name: value})))
    assert line.state == "warn"
    assert line.commands == (f"unset {name}",)


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(
        ID, situation(on=machine(A100, environment={"CUDA_LAUNCH_BLOCKING": "0", "CUDA_VISIBLE_DEVICES": "0"}))
    ) == ["ok"]

from __future__ import annotations

from dataclasses import replace

import pytest
from situations import A100, H100, T4, V100, judge, machine, situation, states, without

from trainwatch.doctor._situation import Gpu, Model

ID = "attention-kernel"


@pytest.mark.parametrize("gpu", [T4, V100])
def test_before_ampere_flash_attention_is_out(gpu: Gpu) -> None:
    (line,) = judge(ID, situation(gpu))
    assert line.state == "ok"
    assert gpu.sm in line.found
    assert "head dimension 32" in line.found
    (line,) = judge(ID, situation(on=machine(gpu, versions=without(**{"flash-attn": "2.8.0"}))))
    assert line.state == "warn"
    assert line.commands == ("pip uninstall flash-attn",)


@pytest.mark.parametrize("gpu", [A100, H100])
def test_from_ampere_on_it_runs(gpu: Gpu) -> None:
    (line,) = judge(ID, situation(on=machine(gpu, versions=without(**{"flash-attn": "2.8.0"}))))
    assert line.state == "ok"
    assert "can run flash-attn" in line.found


def test_a_wheel_that_does_not_learn() -> None:
    flash = without(**{"flash-attn": "2.7.4.post1"})
    assert states(ID, situation(on=machine(A100, versions=flash, system="Windows"))) == ["bad"]
    assert states(ID, situation(on=machine(A100, versions=flash))) == ["ok"]


def test_one_old_card_among_others_counts() -> None:
    mixed = machine(A100, T4, versions=without(**{"flash-attn": "2.8.0"}))
    assert states(ID, situation(on=mixed, device="0,1")) == ["warn"]
    assert states(ID, situation(on=mixed, device="0")) == ["ok"], "the card that does not train does not count"


def test_could_not_tell_and_does_not_apply() -> None:
    assert states(ID, situation(on=machine(gpus=None, gpu_note="nvidia-smi is not on the PATH"))) == ["unknown"]
    assert states(ID, situation(replace(A100, capability=None))) == ["unknown"]
    assert states(ID, situation(model=Model("yolo11n.yaml", False, "n"))) == []
    assert states(ID, situation(device="cpu")) == ["ok"]

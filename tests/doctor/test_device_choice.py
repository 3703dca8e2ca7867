from __future__ import annotations

from dataclasses import replace

from situations import A100, GIB, judge, machine, situation, states

ID = "device-choice"


def test_a_device_that_is_not_there() -> None:
    (line,) = judge(ID, situation(on=machine(A100, A100), device="0,1,2,3"))
    assert line.state == "bad"
    assert dict(line.arguments) == {"device": "0,1"}
    (line,) = judge(ID, situation(on=machine(), device=0))
    assert line.state == "bad"
    assert dict(line.arguments) == {"device": "cpu"}


def test_torch_without_cuda_beside_a_gpu() -> None:
    assert states(ID, situation(on=machine(A100, torch_cuda=""))) == ["bad"]


def test_no_gpu() -> None:
    assert states(ID, situation(on=machine(gpu_note="no NVIDIA driver found"), device=...)) == ["warn"]
    assert states(ID, situation(on=machine(system="Darwin"), device=...)) == ["ok"]


def test_a_gpu_that_is_taken() -> None:
    (line,) = judge(ID, situation(replace(A100, free_bytes=40 * GIB)))
    assert line.state == "warn"
    assert "40 GiB of 80 GiB" in line.found


def test_good_and_unknown() -> None:
    (line,) = judge(ID, situation())
    assert line.state == "ok"
    assert "sm_80, 80 GiB" in line.found
    assert states(ID, situation(device="cpu")) == ["ok"]
    assert states(ID, situation(on=machine(gpus=None, gpu_note="nvidia-smi failed"))) == ["unknown"]

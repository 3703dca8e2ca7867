from __future__ import annotations

import pytest
from situations import A100, GTX1660, T4, judge, machine, situation, states

from trainwatch.doctor._situation import Gpu

ID = "half-precision"


def test_a_card_of_the_list() -> None:
    (line,) = judge(ID, situation(GTX1660))
    assert line.state == "bad"
    assert dict(line.arguments) == {"amp": False}
    assert states(ID, situation(GTX1660, amp=False)) == ["ok"]


@pytest.mark.parametrize("name", ["Quadro T1000", "NVIDIA T400 4GB", "Tesla K40m", "NVIDIA GeForce GTX 1650"])
def test_the_trainers_own_list(name: str) -> None:
    assert states(ID, situation(Gpu(name, 4 << 30, None, (7, 5)))) == ["bad"]


def test_the_list_is_the_installed_trainers() -> None:
    from pathlib import Path

    from trainwatch.doctor._installed import package_folder
    from trainwatch.doctor.half_precision import HalfPrecision

    folder = package_folder("ultralytics")
    if folder is None:
        pytest.skip("Ultralytics is not installed")
    assert HalfPrecision().names in (Path(folder) / "utils" / "checks.py").read_text()


def test_no_net_without_the_scaler() -> None:
    assert states(ID, situation(amp=False)) == ["warn"]
    assert states(ID, situation(amp=True)) == ["ok"]


def test_bfloat16_needs_ampere() -> None:
    assert states(ID, situation(T4, amp="bf16")) == ["bad"]
    assert states(ID, situation(A100, amp="bf16")) == ["ok"]


def test_cpu_and_unknown() -> None:
    assert states(ID, situation(device="cpu")) == []
    assert states(ID, situation(on=machine(gpus=None))) == ["unknown"]

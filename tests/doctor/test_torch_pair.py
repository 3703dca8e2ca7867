from __future__ import annotations

import pytest
from situations import A100, judge, machine, situation, states, without

ID = "torch-pair"


@pytest.mark.parametrize(
    ("torch", "vision", "state"),
    [("2.14.1", "0.29.1", "ok"), ("2.2.0+cu121", "0.17.0+cu121", "ok"), ("2.14.1", "0.28.0", "bad"), ("2.5.1", "0.21.0", "bad"),
     ("1.13.1", "0.14.1", "unknown")],
)  # fmt: skip
def test_pairs(torch: str, vision: str, state: str) -> None:
    here = machine(A100, versions=without(torch=torch, torchvision=vision))
    assert states(ID, situation(on=here)) == [state]


def test_what_to_type() -> None:
    (line,) = judge(ID, situation(on=machine(A100, versions=without(torchvision="0.28.0"))))
    assert line.commands == ('pip install "torch==2.14.*" "torchvision==0.29.*"',)


def test_missing() -> None:
    (line,) = judge(ID, situation(on=machine(A100, versions=without("torch", "torchvision"))))
    assert line.state == "unknown"
    assert "torch and torchvision" in line.found


def test_the_installed_pair_is_good() -> None:
    from trainwatch.doctor._machine import versions

    pytest.importorskip("torchvision")
    assert states(ID, situation(on=machine(A100, versions=versions()))) == ["ok"]

"""What holds for every check before a training, also for the next one."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest
from situations import A100, GTX1660, T4, V100, data, machine, situation

from trainwatch.commands.explain import FOLDERS
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import STATES, Check
from trainwatch.registry import members, modules

ROOT = Path(__file__).parents[2]
ALL = members("trainwatch.doctor", Check)
SECTIONS = ("What it does:", "Why it matters:", "How it decides:", "What to do:", "References:")

CASES = {
    "sound": situation,
    "nothing known": Situation,
    "no data": lambda: situation(of=None),
    "T4": lambda: situation(T4),
    "GTX 1660": lambda: situation(GTX1660),
    "V100": lambda: situation(V100),
    "8 GPUs": lambda: situation(on=machine(*[A100] * 8), device="0,1,2,3,4,5,6,7", batch=64),
    "docker": lambda: situation(on=machine(A100, shm_free_bytes=64 << 20, in_container=True)),
    "no labels": lambda: situation(of=data(not_read="classification")),
    "odd values": lambda: situation(
        epochs="x", batch="y", imgsz=None, device="", copy_paste="a", optimizer=None, amp=None
    ),
    "zeroes": lambda: situation(epochs=0, batch=0, imgsz=0, nbs=0, workers=0, lr0=0, max_det=0),
}


@pytest.mark.parametrize("id", ALL)
def test_documented_in_fixed_sections(id: str) -> None:
    text = sys.modules[type(ALL[id]).__module__].__doc__ or ""
    at = [text.find(f"\n{section}\n") for section in SECTIONS]
    assert -1 not in at, f"sections missing: {[s for s, i in zip(SECTIONS, at, strict=True) if i < 0]}"
    assert at == sorted(at)
    assert ALL[id].title


@pytest.mark.parametrize("id", ALL)
def test_has_a_test_of_its_own(id: str) -> None:
    assert (ROOT / "tests" / "doctor" / f"test_{id.replace('-', '_')}.py").is_file()


@pytest.mark.parametrize("id", ALL)
def test_thresholds_are_documented_fields(id: str) -> None:
    check = ALL[id]
    assert check.id == id
    with pytest.raises(dataclasses.FrozenInstanceError):
        check.anything = 1  # type: ignore[attr-defined]
    text = (type(check).__doc__ or "") + (sys.modules[type(check).__module__].__doc__ or "")
    assert all(re.search(rf"\b{name}\b", text) for name in check.thresholds())


@pytest.mark.parametrize("id", ALL)
@pytest.mark.parametrize("case", CASES)
def test_judges_anything_and_the_same_twice(id: str, case: str) -> None:
    first, second = (members("trainwatch.doctor", Check)[id].judge(CASES[case]()) for _ in range(2))
    assert first == second
    for line in first:
        assert line.check == id
        assert line.state in STATES
        assert line.found
        assert "\n" not in line.found + line.why
        if line.state in ("bad", "warn"):
            assert line.why.endswith(".")
        if line.state == "ok":
            assert not line.arguments
            assert not line.commands


def test_no_id_stands_for_two_things() -> None:
    ids = [id for folder in FOLDERS for id in modules(folder)]
    assert len(ids) == len(set(ids))
    # Ids that the architecture keeps for findings.
    assert not set(ALL) & {
        "copy-paste-inert",
        "lr-overridden",
        "missing-labels",
        "near-memory-limit",
        "dataloader-bound",
    }

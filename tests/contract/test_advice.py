"""What holds for every piece of advice, also for the next one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trainwatch.advice.base import Advice
from trainwatch.detectors.base import Detector
from trainwatch.registry import members
from trainwatch.result import Context

ALL = members("trainwatch.advice", Advice)
SECTIONS = ("What it changes:", "Why it works:", "When it is given:", "What to expect:", "References:")


@pytest.mark.parametrize("id", ALL)
def test_documented_tested_and_answering_checks_that_exist(id: str) -> None:
    text = sys.modules[type(ALL[id]).__module__].__doc__ or ""
    at = [text.find(f"\n{section}\n") for section in SECTIONS]
    assert -1 not in at
    assert at == sorted(at)
    assert (Path(__file__).parents[1] / "advice" / f"test_{id.replace('-', '_')}.py").is_file()
    assert ALL[id].title
    assert set(ALL[id].answers) <= set(members("trainwatch.detectors", Detector))


@pytest.mark.parametrize("id", ALL)
def test_silent_without_findings(id: str) -> None:
    assert ALL[id].advise([], Context()) is None

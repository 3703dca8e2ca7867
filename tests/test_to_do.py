"""No fault without a way out: every check, alone, in a run of any trainer."""

from __future__ import annotations

import re
import sys

import pytest
from synthetic import make_finding

from trainwatch.advice.base import Advice
from trainwatch.detectors.base import Detector
from trainwatch.registry import members
from trainwatch.result import Context, Verdict
from trainwatch.to_do import LOOP, to_do

ALL = members("trainwatch.detectors", Detector)
ULTRALYTICS = re.compile(
    r"\b(lr0|lrf|nbs|close_mosaic|patience=|copy_paste|multi_scale|imgsz|best\.pt|last\.pt|val=True|optimizer=)"
)


def documentation(id: str) -> str:
    return sys.modules[type(ALL[id]).__module__].__doc__ or ""


@pytest.mark.parametrize("severity", ["critical", "warning"])
@pytest.mark.parametrize("trainer", ["ultralytics", "loop", "lightning"])
@pytest.mark.parametrize("id", ALL)
def test_every_fault_has_something_to_do(id: str, trainer: str, severity: str) -> None:
    finding = make_finding(id, severity)
    given = [a.advise([finding], Context(trainer=trainer)) for a in members("trainwatch.advice", Advice).values()]
    said = to_do(id, documentation(id), trainer)
    assert any(r is not None and id in r.answers for r in given) or len(said) > 20
    if trainer != "ultralytics":
        assert not ULTRALYTICS.search(said), said
    assert "``" not in said
    assert "\n" not in said


def test_the_documentation_is_taken_where_nothing_else_is_said() -> None:
    text = "Title.\n\nWhat to do:\n    Raise ``lr0``\n    now.\n\nKnown false alarms:\n    None.\n"
    assert to_do("some-check", text, "ultralytics") == "Raise `lr0` now."
    assert to_do("some-check", text, "loop") == "Raise `lr0` now."
    assert to_do("some-check", "", "loop") == ""
    assert set(LOOP) <= set(ALL)


def test_a_verdict_on_a_loop_says_what_to_do() -> None:
    from trainwatch.next_step import next_step
    from trainwatch.runs import Run

    for id in ALL:
        undone = {id: to_do(id, documentation(id), "loop")}
        verdict = Verdict("degraded", "Degraded", id, 0.8)
        assert next_step(Run("a", "trainwatch"), "completed", verdict, [], [], Context(trainer="loop"), undone)

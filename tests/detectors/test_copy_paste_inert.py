from __future__ import annotations

from typing import Any

import pytest
from synthetic import make_run

from trainwatch.detectors.copy_paste_inert import CopyPasteInert
from trainwatch.runs import Run


def run(value: Any = 0.3, polygons: Any = False, task: str = "detect") -> Run:
    return make_run(args={"copy_paste": value, "task": task}, dataset={"has_polygons": polygons, "train_images": 128})


def test_boxes_are_told() -> None:
    (finding,) = CopyPasteInert().detect(run())
    assert finding.severity == "info"
    assert "128 training images" in finding.summary
    assert finding.detail["copy_paste"] == 0.3


@pytest.mark.parametrize("quiet", [run(0.0), run(polygons=True), run(task="segment"), run(None), run(float("nan"))])
def test_quiet_where_it_acts_or_is_off(quiet: Run) -> None:
    assert CopyPasteInert().detect(quiet) == []


def test_unknown_labels_are_not_judged() -> None:
    assert CopyPasteInert().missing(run(polygons=None)) is not None
    assert CopyPasteInert().missing(make_run()) is not None
    assert CopyPasteInert().missing(run()) is None

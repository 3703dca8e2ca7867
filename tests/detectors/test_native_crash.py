from __future__ import annotations

from typing import Any

import pyarrow as pa

from trainwatch.detectors.native_crash import NativeCrash
from trainwatch.runs import Run

FAULT = (
    'Fatal Python error: Bus error\n\nCurrent thread 0x7f (most recent call first):\n  File "loss.py", line 3 in f\n'
)


def run_of(*events: dict[str, Any], fault: str = FAULT) -> Run:
    steps = pa.table({"step": [0, 1], "epoch": [0, 4], "time_s": [1.0, 2.0]})
    beat = {"host": "there", "pid": 7, "time_s": 3.0, "fault": fault}
    start = {"kind": "start", "time_s": 0.5, "data": {}}
    return Run("x", "trainwatch", steps=steps, events=[start, *events], meta={"signs": {"0": beat}})


def test_the_fault_and_the_line_are_named() -> None:
    (finding,) = NativeCrash().detect(run_of())
    assert finding.severity == "critical"
    assert finding.title == "Native code crashed in epoch 4, step 1"
    assert finding.summary == 'Bus error in native code, "loss.py", line 3 in f.'
    assert finding.confidence > 0.9


def test_quiet_on_other_ends() -> None:
    assert NativeCrash().detect(run_of(fault="")) == []
    assert NativeCrash().detect(run_of({"kind": "end", "time_s": 4.0, "data": {"reason": "completed"}})) == []
    assert NativeCrash().missing(Run("x", "keras-csv")) is not None

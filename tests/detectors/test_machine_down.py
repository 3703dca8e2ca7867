from __future__ import annotations

import pyarrow as pa

from trainwatch.detectors.machine_down import MachineDown
from trainwatch.runs import Run


def run_of(gap_s: float) -> Run:
    steps = pa.table({"step": [0, 1], "epoch": [0, 4], "time_s": [1.0, 2.0]})
    now = {"host": "h", "boot_id": "b", "booted_s": 3.0 + gap_s}
    beat = {"host": "h", "boot_id": "a", "pid": 7, "time_s": 3.0, "now": now}
    return Run(
        "x",
        "trainwatch",
        steps=steps,
        events=[{"kind": "start", "time_s": 0.5, "data": {}}],
        meta={"signs": {"0": beat}},
    )


def test_a_restart_soon_after_the_last_sign_of_life() -> None:
    (finding,) = MachineDown().detect(run_of(45.0))
    assert finding.title == "The machine went down in epoch 4, step 1"
    assert "up again 45 s after the last sign of life" in finding.summary
    assert finding.severity == "critical"


def test_a_restart_much_later_proves_nothing() -> None:
    assert MachineDown().detect(run_of(5000.0)) == []
    assert MachineDown().missing(Run("x", "keras-csv")) is not None

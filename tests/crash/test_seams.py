"""A run that is killed and started again several times is one history, with its seams named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from trainwatch.runs import how_it_ended, read_run

PART = """
import os, sys, time
from trainwatch_hooks import Recorder
part = int(sys.argv[2])
rec = Recorder(sys.argv[1], report=False, planned_epochs=6)
for i in range(5):
    rec.step(epoch=part, loss=1.0)
if part == 5:
    rec.close()
    sys.exit(0)
print("ready", flush=True)
time.sleep(60)
"""


def test_five_kills_are_one_history(tmp_path: Path) -> None:
    for part in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", PART, str(tmp_path / "run"), str(part)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        if part < 5:
            assert process.stdout.readline() == "ready\n"
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    run = read_run(tmp_path / "run")
    assert run.steps["step"].tolist() == list(range(30))
    assert run.steps["epoch"].tolist() == [e for e in range(6) for _ in range(5)]
    assert how_it_ended(run).kind == "completed"
    seams = [n for n in run.notes if "vanished" in n]
    assert len(seams) == 5
    assert all("SIGKILL" in n for n in seams)

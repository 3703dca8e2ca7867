"""SIGKILL at random moments: every step whose ``step()`` had returned is in the Run.

The victim writes the number of each finished step to a pipe after ``step()`` returned; what the pipe holds at the end is
what must be there. ``TRAINWATCH_KILLS`` sets the number of kills (the bench of the issue uses 1000).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwatch.runs import how_it_ended, read_run

LOOP = """
import os, sys
from trainwatch_hooks import Recorder
rec = Recorder(sys.argv[1], rows_per_segment=50, fsync_seconds=0.01)
i = 0
while True:
    rec.step(epoch=i // 100, losses={"a": 1.0, "b": float("nan") if i % 7 == 0 else 2.0}, grad_norm=3.0, lr=0.1)
    os.write(1, b"%d\\n" % i)
    i += 1
"""

YOLO = """
import os, sys
from pathlib import Path
from ultralytics import YOLO
from trainwatch_hooks import watch
steps = 0
def done(trainer):
    global steps
    os.write(3, b"%d\\n" % steps)
    steps += 1
model = watch(YOLO("yolo12n.yaml"))
model.add_callback("on_train_batch_end", done)  # after ours: called when ours has returned
model.train(data=sys.argv[2], epochs=200, imgsz=64, batch=16, device="cpu", plots=False, workers=0,
            project=str(Path(sys.argv[1]).parent), name=Path(sys.argv[1]).name)
"""


def confirmed(output: bytes) -> int:
    """Steps that had returned: whole lines of the pipe."""
    return output.count(b"\n")


@pytest.mark.parametrize("seed", range(int(os.environ.get("TRAINWATCH_KILLS", "12"))))
def test_a_fast_loop_across_rotations(tmp_path: Path, seed: int) -> None:
    victim = subprocess.Popen([sys.executable, "-c", LOOP, str(tmp_path / "exp")], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    first = victim.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 0.4))
    assert how_it_ended(read_run(tmp_path / "exp")).kind == "running", "readable while it is written"
    victim.kill()
    rest, _ = victim.communicate()
    steps = confirmed(first + rest)
    run = read_run(tmp_path / "exp")
    recorded = run.steps["step"].tolist()
    assert recorded == list(range(len(recorded))), "nothing lost or doubled in the middle"
    assert steps <= len(recorded) <= steps + 1
    assert how_it_ended(run).kind == "killed"


@pytest.mark.training
@pytest.mark.parametrize("seed", range(int(os.environ.get("TRAINWATCH_YOLO_KILLS", "2"))))
def test_a_yolo_training(tmp_path: Path, shapes: Path, seed: int) -> None:
    read_end, write_end = os.pipe()
    victim = subprocess.Popen(
        [
            "bash",
            "-c",
            f'exec 3>&{write_end}; exec "$@"',
            "-",
            sys.executable,
            "-c",
            YOLO,
            str(tmp_path / "exp"),
            str(shapes),
        ],
        pass_fds=(write_end,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        first = pipe.readline()
        time.sleep(random.Random(seed).uniform(0.0, 4.0))
        victim.kill()
        steps = confirmed(first + pipe.read())
    victim.wait()
    assert steps > 0, "the training must have begun"
    run = read_run(tmp_path / "exp")
    recorded = run.steps["step"].tolist()
    assert recorded == list(range(len(recorded)))
    assert steps <= len(recorded) <= steps + 1
    assert how_it_ended(run).kind == "killed"

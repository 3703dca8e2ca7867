from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwatch.cli import run

SAMPLES = Path(__file__).parents[2] / "sample_runs"

LOOP = """
import sys, time
from trainwatch_hooks import Recorder
time.sleep(2)
with Recorder(sys.argv[1], planned_epochs=20, report=False) as rec:
    for epoch in range(20):
        for i in range(10):
            time.sleep(0.05)
            rec.step(epoch=epoch, losses={"a": 5.0 / (1 + epoch)}, grad_norm=1.0, lr=0.01)
        rec.epoch_end(epoch=epoch, metrics={"mAP50-95": 0.1 * epoch}, fitness=0.1 * epoch)
"""


def test_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", str(SAMPLES / "killed"), "--once"]) == 1
    out = capsys.readouterr().out
    assert "killed · ended" in out
    assert "12 of 60 epochs" in out
    assert run(["live", str(SAMPLES / "unwatched"), "--once"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["live"],
        ["live", "/nowhere", "--once"],
        ["live", "x", "--interval", "0"],
        ["live", "x", "--once", "--notify", "nonsense"],
    ],
)
def test_bad_input_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "nonsense" not in err, "the URL of --notify is a secret"


def test_it_follows_a_recorder_in_another_process_to_its_end(tmp_path: Path) -> None:
    target = tmp_path / "exp"
    live = subprocess.Popen(
        [sys.executable, "-m", "trainwatch", "live", str(target), "--interval", "0.2"],
        stdout=subprocess.PIPE,
        text=True,
    )
    training = subprocess.run([sys.executable, "-c", LOOP, str(target)], check=True, timeout=120)
    out, _ = live.communicate(timeout=120)
    assert training.returncode == 0
    lines = out.splitlines()
    assert lines[0].startswith("waiting:"), "it had not begun"
    assert any(line.startswith("running · epoch") and "left at most" in line for line in lines)
    assert any(line.startswith("ended · epoch 20/20 · 200 steps") for line in lines)
    assert "6 of 6 epochs" in out or "Checks" in out or "passed" in out, "the verdict comes last"
    assert live.returncode == 0


def test_on_a_terminal_it_draws_and_leaves_the_verdict_behind(tmp_path: Path) -> None:
    target = tmp_path / "exp"
    training = subprocess.Popen([sys.executable, "-c", LOOP, str(target)])
    leader, follower = pty.openpty()
    environ = {**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    live = subprocess.Popen(
        [sys.executable, "-m", "trainwatch", "live", str(target), "--interval", "0.2"],
        stdout=follower, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ,
    )  # fmt: skip
    os.close(follower)
    seen, began = b"", time.monotonic()
    while time.monotonic() - began < 120:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    assert live.wait(timeout=60) == 0
    assert training.wait(timeout=60) == 0
    text = seen.decode(errors="replace")
    assert "\x1b[?1049h" in text, "the other screen"
    assert "left at most" in text
    after = text.rsplit("\x1b[?1049l", 1)[1]
    assert "passed" in after

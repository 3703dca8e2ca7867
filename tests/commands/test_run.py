"""``trainwatch run``: the exit code passes, signals pass, and what was seen is in the record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwatch.cli import run
from trainwatch.commands.run import _stderr_since
from trainwatch.runs import how_it_ended, read_run

VICTIM = """
import os, sys, time
from trainwatch_hooks import Recorder
rec = Recorder(sys.argv[1], report=False)
rec.step(loss=1.0)
print("from C", file=open(2, "w", closefd=False), flush=True)
{end}
"""


def start(tmp_path: Path, end: str, *more: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", VICTIM.format(end=end), str(tmp_path / "exp"), *more]
    with open(tmp_path / "log", "wb") as log:
        return subprocess.Popen([sys.executable, "-m", "trainwatch", "run", "--", *words], stderr=log, cwd=tmp_path)


def witness(tmp_path: Path) -> dict[str, object]:
    lines = (tmp_path / "exp" / "trainwatch" / "witness.jsonl").read_text().splitlines()
    assert len(lines) == 1
    found: dict[str, object] = json.loads(lines[0])
    return found


@pytest.mark.parametrize(
    ("end", "code", "seen"), [("rec.close()", 0, 0), ("os._exit(3)", 3, 3), ("os.kill(os.getpid(), 9)", 137, -9)]
)
def test_what_was_seen_is_in_the_record_and_the_code_passes(end: str, code: int, seen: int, tmp_path: Path) -> None:
    assert start(tmp_path, end, "--api-key", "hunter2hunter2").wait() == code
    found = witness(tmp_path)
    assert found["code"] == seen
    assert found["recorders"] == [found["pid"]]
    assert "from C" in str(found["stderr"]), "stderr went to a file: what C code wrote is there, too"
    assert "hunter2" not in json.dumps(found)
    said = (tmp_path / "log").read_text()
    assert ("why: trainwatch analyze" in said) == (code != 0)


def test_a_signal_reaches_the_training(tmp_path: Path) -> None:
    wrapper = start(tmp_path, "time.sleep(60)")
    events = tmp_path / "exp" / "trainwatch" / "heartbeat-rank0.json"
    while not events.exists():
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(wrapper.pid, signal.SIGTERM)
    assert wrapper.wait() == 128 + 15
    assert how_it_ended(read_run(tmp_path / "exp")).kind == "signal"
    assert witness(tmp_path)["code"] == -15


def test_without_a_record_nothing_is_written_and_nothing_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trainwatch", "run", sys.executable, "-c", "import sys; sys.exit(5)"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (5, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [([], "a command is missing"), (["--", "/no/such/program"], "/no/such/program: cannot be started")],
)
def test_wrong_words(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", *words]) == 2
    assert says in capsys.readouterr().err


def test_a_tail_that_is_not_there_is_empty() -> None:
    assert _stderr_since(None) == ""

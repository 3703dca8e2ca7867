"""Signals are recorded and passed on; the process ends, or goes on, as it would have without us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainwatch.runs import how_it_ended, read_run

DEFAULTS = (
    "for name in ('SIGHUP', 'SIGQUIT', 'SIGTERM', 'SIGXCPU'): signal.signal(getattr(signal, name), signal.SIG_DFL)\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)"
)
"""Undo what the shell of the test run ignores: nohup ignores SIGHUP, a job in the background SIGINT and SIGQUIT."""

HEAD = (
    "import os, signal, sys, time\n"
    + DEFAULTS
    + "\n{before}\nfrom trainwatch_hooks import Recorder\nrec = Recorder(sys.argv[1], report=False)\nrec.step(loss=1.0)\n"
)


def end(tmp_path: Path, after: str, before: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HEAD.format(before=before) + after, str(tmp_path)],
        capture_output=True, text=True, check=False, env={**os.environ, **env},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU"])
def test_a_signal_that_ends_is_recorded_and_ends(name: str, tmp_path: Path) -> None:
    done = end(tmp_path, f"print('said', file=sys.stderr)\nos.kill(os.getpid(), signal.{name}); time.sleep(9)")
    assert done.returncode == -getattr(signal, name)
    run = read_run(tmp_path)
    assert how_it_ended(run).kind == "signal"
    (event,) = run.events_of("signal")
    assert event["data"]["signal"] == name
    assert "MainThread" in event["data"]["stacks"]
    assert "said" in event["data"]["stderr"]


def test_ctrl_c_stays_a_keyboard_interrupt_and_is_told_once(tmp_path: Path) -> None:
    done = end(tmp_path, "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
    assert "KeyboardInterrupt" in done.stderr
    run = read_run(tmp_path)
    assert len(run.events_of("signal")) == 1
    assert how_it_ended(run).kind == "signal"


def test_a_training_that_outlives_ctrl_c_completes(tmp_path: Path) -> None:
    after = (
        "try:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\nexcept KeyboardInterrupt:\n    pass\nrec.close()"
    )
    assert end(tmp_path, after).returncode == 0
    run = read_run(tmp_path)
    assert how_it_ended(run).kind == "completed"
    assert len(run.events_of("signal")) == 1


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    done = end(
        tmp_path, "os.kill(os.getpid(), signal.SIGHUP); rec.close()", "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    )
    assert done.returncode == 0
    assert not read_run(tmp_path).events_of("signal")


@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGUSR1, lambda n, f: print('mine'))"])
def test_usr1_dumps_and_goes_on(before: str, tmp_path: Path) -> None:
    done = end(tmp_path, "os.kill(os.getpid(), signal.SIGUSR1)\nrec.step(loss=2.0)\nrec.close()", before)
    assert done.returncode == 0
    assert done.stdout.strip() == ("mine" if before else ""), "the training's own handler runs, too"
    run = read_run(tmp_path)
    assert len(run.steps) == 2
    (event,) = run.events_of("dump")
    assert "MainThread" in event["data"]["stacks"]
    assert "most recent call first" in (tmp_path / "trainwatch" / "stacks-rank0.log").read_text()
    assert how_it_ended(run).kind == "completed"


def test_usr1_is_left_to_the_scheduler(tmp_path: Path) -> None:
    done = end(tmp_path, "print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL)", SLURM_JOB_ID="1")
    assert done.stdout.strip() == "True"


def test_a_second_training_of_the_process_has_the_fault_log(tmp_path: Path) -> None:
    after = (
        "rec.close()\nsecond = Recorder(sys.argv[1] + '/second', report=False)\nsecond.step(loss=1.0)\n"
        "import ctypes; ctypes.string_at(0)"
    )
    assert end(tmp_path, after).returncode == -signal.SIGSEGV
    assert how_it_ended(read_run(tmp_path / "second")).kind == "native-crash"
    assert how_it_ended(read_run(tmp_path)).kind == "completed"


def test_a_faulthandler_of_the_users_own_stays(tmp_path: Path) -> None:
    done = end(tmp_path, "import ctypes; ctypes.string_at(0)", "import faulthandler; faulthandler.enable()")
    assert "Segmentation fault" in done.stderr
    assert not (tmp_path / "trainwatch" / "faulthandler-rank0.log").exists()


def test_a_forked_worker_does_not_speak_for_the_training(tmp_path: Path) -> None:
    after = (
        "pid = os.fork()\nif pid == 0:\n    time.sleep(60)\ntime.sleep(0.1)\nos.kill(pid, signal.SIGTERM)\n"
        "print(os.waitpid(pid, 0)[1])\nrec.close()"
    )
    assert end(tmp_path, after).stdout.strip() == "15"
    assert not read_run(tmp_path).events_of("signal")


def test_a_forked_worker_does_not_sign_for_the_training(tmp_path: Path) -> None:
    """Ctrl-C reaches the loader's workers, too; they know only the step at which they were made."""
    after = (
        "pid = os.fork()\nif pid == 0:\n    time.sleep(60)\ntime.sleep(0.1)\nfor i in range(5): rec.step(loss=1.0)\n"
        "rec.close()\nos.kill(pid, signal.SIGTERM)\nos.waitpid(pid, 0)"
    )
    assert end(tmp_path, after).returncode == 0
    beat = json.loads((tmp_path / "trainwatch" / "heartbeat-rank0.json").read_text())
    assert (beat["ended"], beat["step"]) == ("completed", 5)


def test_a_first_training_in_a_thread_does_not_deafen_the_next(tmp_path: Path) -> None:
    before = (
        "import threading\nfrom trainwatch_hooks import Recorder\n"
        "t = threading.Thread(target=lambda: Recorder(sys.argv[1] + '/first', report=False).close()); t.start(); t.join()"
    )
    done = end(tmp_path, "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", before)
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert how_it_ended(read_run(tmp_path)).kind == "signal"


def test_an_exception_carries_the_tail_of_stderr(tmp_path: Path) -> None:
    end(tmp_path, "print('just before', file=sys.stderr)\nraise ValueError('x')")
    event = how_it_ended(read_run(tmp_path)).event
    assert event is not None
    assert "just before" in event["data"]["stderr"]


def test_a_script_that_never_closes_loses_nothing_and_says_nothing(tmp_path: Path) -> None:
    done = end(tmp_path, "for i in range(99): rec.step(loss=1.0)\n")
    assert done.returncode == 0
    assert done.stderr == ""
    assert read_run(tmp_path).step_rows == 100

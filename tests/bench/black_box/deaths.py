"""Six ways to die and two ways not to tell, each tried really, and what the record says of them afterwards.

    python tests/bench/black_box/deaths.py [--tries 50] [--write]

A victim records a loop and dies. An out-of-memory killer and a power cut cannot be had on a machine that others use: for
the one the victim counts kills in a control group of its own making and is then killed; for the other it is killed and its
heartbeat is given another boot id and the time one minute before this boot. Everything else is real. Ways that end in
``, witnessed`` ran under ``trainwatch run``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent

VICTIM = """
import ctypes, os, sys, time
from pathlib import Path
from trainwatch_hooks import Recorder, environment
folder, way = sys.argv[1:]
if way.startswith("oom-killer"):
    group = Path(folder).parent / "group"
    group.mkdir(exist_ok=True)
    (group / "memory.events").write_text("oom_kill 0\\n")
    environment.memory_cgroup = lambda: group
rec = Recorder(folder, report=False, planned_epochs=2)
for i in range(20):
    rec.step(epoch=0, loss=1.0)
if way == "segfault":
    ctypes.string_at(0)
if way == "abort":
    os.abort()
if way == "exception":
    raise ValueError("on purpose")
if way == "exit":
    os._exit(3)
if way == "clean end":
    rec.step(epoch=1, loss=1.0)
    rec.close()
    sys.exit(0)
print("ready", flush=True)
while True:
    time.sleep(0.01)
    rec.step(epoch=0, loss=1.0)
"""

WAYS = {
    "segfault": {"native-crash"},
    "segfault, witnessed": {"native-crash"},
    "abort": {"native-crash"},
    "SIGKILL": {"sigkill"},
    "SIGKILL, witnessed": {"sigkill"},
    "oom-killer": {"oom-killer"},
    "power cut": {"machine-down"},
    "exception": {"exception"},
    "SIGTERM": {"signal"},
    "clean end": {"completed"},
    "exit, witnessed": {"exit"},
    "killed, restarted an hour later": {"unknown"},
}
"""Way to die -> right answers. A confident answer of another kind is wrong; "unknown" is never wrong, but not right."""

CONFIDENT = 0.5


def die(folder: Path, way: str) -> None:
    """Let a victim record into ``folder`` and die."""
    kind = way.removesuffix(", witnessed")
    command = [sys.executable, "-c", VICTIM, str(folder), kind]
    if kind != way:
        command = [sys.executable, "-m", "trainwatch", "run", "--", *command]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert victim.stdout is not None
    if kind in ("SIGKILL", "oom-killer", "power cut", "SIGTERM") or kind.startswith("killed"):
        assert victim.stdout.readline() == "ready\n"
        time.sleep(0.05)
        beat = json.loads((folder / "trainwatch" / "heartbeat-rank0.json").read_text())
        if kind == "oom-killer":
            (folder.parent / "group" / "memory.events").write_text("oom_kill 1\n")
        os.kill(beat["pid"], signal.SIGTERM if kind == "SIGTERM" else signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    if kind == "power cut":
        reboot(folder, gap_s=60.0)
    if kind.startswith("killed"):
        reboot(folder, gap_s=3600.0)


def reboot(folder: Path, gap_s: float) -> None:
    """Make the record look as if it had been written before this boot, ``gap_s`` seconds before it."""
    from trainwatch_hooks import environment

    booted = environment.booted_s()
    assert booted is not None
    path = folder / "trainwatch" / "heartbeat-rank0.json"
    beat = json.loads(path.read_text()) | {"boot_id": "an earlier boot", "time_s": booted - gap_s}
    path.write_text(json.dumps(beat))
    meta = json.loads((folder / "trainwatch" / "run.json").read_text())
    meta["process"]["boot_id"] = "an earlier boot"
    (folder / "trainwatch" / "run.json").write_text(json.dumps(meta))


def told(folder: Path) -> tuple[str, float]:
    """Return the cause that the record gives, and with what confidence."""
    from trainwatch.runs import how_it_ended, read_run

    ending = how_it_ended(read_run(folder))
    if ending.death is not None:
        return ending.death.cause, ending.death.confidence
    return ending.kind, 1.0


def main() -> None:
    """Try them in turn; print the table, with --write renew it in README.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    answers: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    right = wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        for i in range(options.tries):
            way = list(WAYS)[i % len(WAYS)]
            folder = Path(temporary) / str(i) / "run"
            folder.parent.mkdir()
            die(folder, way)
            cause, confidence = told(folder)
            answers[way][cause] += 1
            right += cause in WAYS[way]
            wrong += cause not in WAYS[way] and cause != "unknown" and confidence >= CONFIDENT
    lines = ["| way to die | tries | told as |", "|---|---|---|"]
    lines += [
        f"| {way} | {sum(c.values())} | {', '.join(f'{a} ({n})' for a, n in c.most_common())} |"
        for way, c in answers.items()
        if c
    ]
    lines += ["", f"Right: {right} of {options.tries}. Confident and wrong: {wrong}."]
    print("\n".join(lines))
    if options.write:
        sys.path.insert(0, str(HERE))
        from _page import write

        write("deaths", lines)


if __name__ == "__main__":
    main()

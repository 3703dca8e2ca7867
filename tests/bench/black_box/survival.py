"""What survives: SIGKILL at random moments, at every call of a rotation, and disks that refuse.

    python tests/bench/black_box/survival.py [--kills 1000] [--trainings 50] [--write]

Trainings of YOLO12n are killed within their first epochs. A fast loop rotates every 50 rows and tells each finished step through a pipe; what the pipe holds must be on record. Kills
at a call are made by a layer over the ``os`` functions (``file_faults.py``), a write half done. Disks that refuse: a real tmpfs
of 64 KiB where one may be mounted, the fault layer else.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "sample_runs")]

from file_faults import Calls, failing, intercepted, kill
from shapes import make_dataset

LOOP = """
import pyarrow.parquet
from trainwatch_hooks import Recorder

def victim(folder, told):
    rec = Recorder(folder, rows_per_segment=50, fsync_seconds=0.01)
    i = 0
    while True:
        rec.step(epoch=i // 100, losses={"a": 1.0, "b": 2.0}, grad_norm=3.0, lr=0.1)
        os.write(told, b"%d\\n" % i)
        i += 1
"""

YOLO = """
import torch, ultralytics
from trainwatch_hooks import watch
torch.set_num_threads(1)
step = 0

def victim(folder, told):
    model = watch(ultralytics.YOLO("yolo12n.yaml"), report=False)

    def tell(trainer):
        global step
        os.write(told, b"%d\\n" % step)
        step += 1

    model.add_callback("on_train_batch_end", tell)
    model.train(
        data=DATA, epochs=1000, imgsz=32, batch=2, device="cpu", workers=0, plots=False, verbose=False, exist_ok=True,
        project=os.path.dirname(folder), name=os.path.basename(folder),
    )
"""

NURSERY = """
import os, sys
{victim}
for line in sys.stdin:
    folder, pipe = line.split()
    pid = os.fork()
    if pid == 0:
        os.dup2(2, 1)
        victim(folder, os.open(pipe, os.O_WRONLY))
    print(pid, flush=True)
    os.waitpid(pid, 0)
"""
"""Forks one victim after the other, so that a thousand do not each import everything."""

ROWS = 10
PER_SEGMENT = 4


@contextmanager
def nursery(victim: str) -> Iterator[subprocess.Popen[str]]:
    """Run the process that forks victims.

    Args:
        victim: Python text that defines ``victim(folder, told)``.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY.format(victim=victim)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate()


def random_kill(folder: Path, seed: int, victims: subprocess.Popen[str], within_s: float = 0.3) -> tuple[int, int, int]:
    """Kill a victim within so many seconds after its first step; return the steps it had finished, those missing, and those doubled or damaged."""
    from trainwatch.runs import read_run

    assert victims.stdin is not None
    assert victims.stdout is not None
    pipe = folder.with_name(f"{folder.name}.pipe")
    os.mkfifo(pipe)
    victims.stdin.write(f"{folder} {pipe}\n")
    victims.stdin.flush()
    pid = int(victims.stdout.readline())
    with open(pipe, "rb") as told:
        first = told.readline()
        time.sleep(random.Random(seed).uniform(0.0, within_s))
        os.kill(pid, signal.SIGKILL)
        done = (first + told.read()).count(b"\n")
    pipe.unlink()
    recorded = read_run(folder).steps["step"].tolist()
    missing = len(set(range(done)) - set(recorded))
    return done, missing, len(recorded) - len(set(recorded)) + (recorded != sorted(recorded))


def kills(folder: Path, count: int, victim: str, within_s: float = 0.3) -> tuple[int, int, int]:
    """Kill so many victims; return the steps they had finished, those missing, and how many records were not whole."""
    done = missing = corrupt = 0
    with nursery(victim) as victims:
        for seed in range(count):
            a, b, c = random_kill(folder / "exp", seed, victims, within_s)
            done, missing, corrupt = done + a, missing + b, corrupt + (c > 0)
            shutil.rmtree(folder / "exp")
    return done, missing, corrupt


def rotate(folder: Path, act: Any = None, at: int = -1, every: bool = False, told: int | None = None) -> int:
    """Append ``ROWS`` rows over two rotations and close, all in one thread; return the calls made.

    Args:
        folder: The run's folder, there already.
        act: What happens at a call; None: nothing.
        at: Which call.
        every: At all later calls, too.
        told: Descriptor that each finished row is told to.
    """
    from trainwatch_hooks.guard import Guard
    from trainwatch_hooks.store import StepStore

    real_write = os.write
    with intercepted(Calls(act or (lambda name, args: None), at, every), folder) as calls:
        store = StepStore(folder / "trainwatch" / "steps", 0, PER_SEGMENT, 3600.0, Guard())
        store._thread = _NoThread()  # type: ignore[assignment]
        for i in range(ROWS):
            store.append({"step": float(i), "epoch": 0.0, "attempt": 0.0, "rank": 0.0, "time_s": float(i), "loss": 1.0})
            if told is not None:
                real_write(told, b".")
            if i % PER_SEGMENT == 0:
                store._background()
        store.close()
    return calls.count


class _NoThread:
    """Stands for the writer's thread: the rotation runs where it can be counted."""

    def join(self, timeout: float | None = None) -> None:
        """Nothing to wait for."""


def kill_at_call(folder: Path, at: int) -> tuple[int, list[int]]:
    """Kill a rotation at its ``at``-th call; return the rows it had finished and those on record."""
    folder.mkdir()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read_end)
            rotate(folder, kill, at, told=write_end)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        done = len(pipe.read())
    os.waitpid(pid, 0)
    return done, rows_of(folder)


def rows_of(folder: Path) -> list[int]:
    """Return the steps on record as a reader finds them."""
    from trainwatch.runs.record import read_steps

    columns = read_steps(folder / "trainwatch" / "steps", [])
    return [int(s) for s in columns.values("step")] if columns.num_rows else []


@contextmanager
def small_disk(limit: str = "size=64k") -> Iterator[Path | None]:
    """Mount a tmpfs with a limit; None where that is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="trainwatch-small-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", limit, "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode
    try:
        yield None if mounted else folder
    finally:
        if not mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def train(folder: Path | None, trouble: str = "", steps: int = 3000) -> tuple[list[float], int, str]:
    """Train a small net, recorded into ``folder`` or bare; return its weights, steps dropped, how it ended.

    Args:
        folder: The run's folder.
        trouble: ``deleted``, ``read-only``, ``clock``, ``EIO``, ``ENOSPC`` or nothing, from a third of the steps on.
        steps: How many.
    """
    import torch

    from trainwatch_hooks import Recorder

    torch.manual_seed(0)
    model = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(1)
    recorder = Recorder(folder, rows_per_segment=steps // 6, report=False) if folder is not None else None
    stop: Any = None
    real_time = time.time
    for i in range(steps):
        if i == steps // 3 and folder is not None:
            if trouble == "deleted":
                shutil.rmtree(folder)
            elif trouble == "read-only":
                stop = intercepted(Calls(failing(30), 0, True), folder)
            elif trouble in ("EIO", "ENOSPC"):
                stop = intercepted(Calls(failing({"EIO": 5, "ENOSPC": 28}[trouble]), 0, True), folder)
            elif trouble == "clock":
                time.time = lambda: real_time() + (-86_400.0 if i % 2 else 3600.0)  # noqa: B023
            if stop is not None:
                stop.__enter__()
        x = torch.randn(16, 8, generator=generator)
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if recorder is not None:
            recorder.step(epoch=i * 3 // steps, losses={"mse": loss}, lr=0.01)
    if stop is not None:
        stop.__exit__(None, None, None)
    dropped = 0
    try:
        if recorder is not None:
            recorder.close()
            dropped = recorder.dropped
    finally:
        time.time = real_time
    weights = [float(v) for p in model.parameters() for v in p.detach().reshape(-1)]
    return weights, dropped, "finished"


def main() -> None:
    """Do all of it; print the table, with --write renew it in README.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--trainings", type=int, default=50)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        fast = kills(Path(temporary), options.kills, LOOP)
        data = make_dataset(Path(temporary) / "shapes", train=8, val=4, size=32)
        yolo = kills(Path(temporary), options.trainings, f"DATA = {str(data)!r}\n{YOLO}", within_s=4.0)
        here = Path(temporary) / "rotation"
        here.mkdir()
        calls = rotate(here)
        lost = doubled = 0
        for at in range(calls):
            finished, rows = kill_at_call(Path(temporary) / f"at{at}", at)
            lost += len(set(range(finished)) - set(rows))
            doubled += len(rows) - len(set(rows))
        bare, _, _ = train(None)
        lines = [
            "| what | result |",
            "|---|---|",
            f"| SIGKILLs at random moments of a fast loop | {options.kills} ({fast[0]} steps finished) |",
            f"| finished steps missing, reads that were not whole | {fast[1]}, {fast[2]} |",
            f"| SIGKILLs at random moments of trainings of YOLO12n | {options.trainings} ({yolo[0]} steps finished) |",
            f"| finished steps missing, reads that were not whole | {yolo[1]}, {yolo[2]} |",
            f"| SIGKILLs at each of the {calls} calls of two rotations: steps lost, doubled | {lost}, {doubled} |",
        ]
        for trouble in ("deleted", "read-only", "EIO", "ENOSPC", "clock"):
            weights, dropped, ended = train(Path(temporary) / trouble, trouble)
            same = "the same" if weights == bare else "OTHER"
            lines.append(
                f"| {trouble} from step 1000 of 3000: training, weights, rows dropped | {ended}, {same}, {dropped} |"
            )
        for what, limit in (("64 KiB", "size=64k"), ("14 files and folders", "nr_inodes=14")):
            with small_disk(limit) as disk:
                if disk is not None:
                    weights, dropped, ended = train(disk / "run")
                    same = "the same" if weights == bare else "OTHER"
                    lines.append(
                        f"| a real disk with room for {what}: training, weights, rows dropped | {ended}, {same}, {dropped} |"
                    )
    print("\n".join(lines))
    if options.write:
        from _page import write

        write("survival", lines)


if __name__ == "__main__":
    main()

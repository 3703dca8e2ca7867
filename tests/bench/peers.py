"""The recorder beside what people use today: cost of a step, bytes on disk, steps that survive a SIGKILL.

    pip install -e ".[test,bench]"
    python tests/bench/peers.py [--only NAME ...] [--write]

Every logger records the same per step, as its documentation says: the loss, two components, the learning rate and the
gradient norm of a net with two layers (a step of about a millisecond). Reading the tensors is part of it.

cost      Blocks of steps with and without the logger, taken in turn in one process of its own per logger. Each block gives
          a mean, so that writing once in a hundred steps counts; the median difference of neighbours is the cost in
          microseconds, their median ratio what the step is slowed down.
bytes     Size of the folder after 5000 steps and a clean end, per step.
survival  The process is killed with SIGKILL after a given number of steps, at full speed and at 10 ms a step; the rows that
          can be read back are counted against the steps that it had finished (a byte per step in a pipe).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from _tables import renew

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks")]
PAGE = ROOT / "tests" / "bench" / "README.md"

Log = Callable[[int, Mapping[str, Any]], None]
"""Records one step: its number, and 0-d tensors or floats by name."""

BLOCK, BLOCKS, WARM = 60, 30, 10
DISK_STEPS = 5000
KILL_AT = 180
SLOW_S = 0.01


def trainwatch(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """Our recorder, in a plain loop."""
    from trainwatch_hooks import Recorder

    recorder = Recorder(folder)

    def log(step: int, row: Mapping[str, Any]) -> None:
        recorder.step(
            loss=row["loss"], losses={"cls": row["cls"], "box": row["box"]}, grad_norm=row["grad_norm"], lr=row["lr"],
        )  # fmt: skip

    return log, recorder.close, "trainwatch-toolkit"


def jsonl(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """A file of JSON lines, line-buffered: what a careful person writes by hand."""
    file = open(folder / "log.jsonl", "w", buffering=1)  # noqa: SIM115 (closed by the caller)
    return (lambda step, row: print(json.dumps({"step": step, **floats(row)}), file=file)), file.close, ""


def tensorboard(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """SummaryWriter.add_scalar for each value."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(step: int, row: Mapping[str, Any]) -> None:
        for name, value in floats(row).items():
            writer.add_scalar(name, value, step)

    return log, writer.close, "tensorboard"


def wandb(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """run.log in offline mode, as defined by its quick start."""
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(folder)}
    import wandb as library

    run = library.init(project="bench", dir=str(folder))
    return (lambda step, row: run.log(floats(row), step=step)), run.finish, "wandb"


def mlflow(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """mlflow.log_metrics into a local SQLite store, its default."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow as library

    library.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    library.start_run()
    return (lambda step, row: library.log_metrics(floats(row), step=step)), library.end_run, "mlflow"


def trackio(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """trackio.log, local."""
    os.environ |= {"TRACKIO_DIR": str(folder), "HF_HUB_OFFLINE": "1"}
    import trackio as library

    library.init(project="bench", embed=False)
    return (lambda step, row: library.log(floats(row), step=step)), library.finish, "trackio"


def pytscope(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """Profiler.log inside begin_step and end_step; it writes every 200 steps."""
    from pytscope import Profiler

    profiler = Profiler(str(folder), warmup=0)
    profiler.start()

    def log(step: int, row: Mapping[str, Any]) -> None:
        profiler.begin_step()
        profiler.log(**floats(row))
        profiler.end_step()

    return log, profiler.finish, "pytscope"


def lightning(folder: Path) -> tuple[Log, Callable[[], Any], str]:
    """CSVLogger, as a Trainer feeds it with log_every_n_steps=1; it writes every 100 steps."""
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(str(folder))
    return (lambda step, row: logger.log_metrics(dict(row), step=step)), logger.save, "lightning"


LOGGERS = {f.__name__: f for f in (trainwatch, jsonl, tensorboard, wandb, mlflow, trackio, pytscope, lightning)}


def floats(row: Mapping[str, Any]) -> dict[str, float]:
    """Read the tensors, as every peer's documentation does."""
    return {k: float(v) for k, v in row.items()}


def read_back(name: str, folder: Path) -> int | None:
    """Return how many different steps can be read from what a logger left; None if the reader cannot tell."""
    if name in ("jsonl", "pytscope"):
        file = next(folder.rglob("*.jsonl"), None)
        return sum(line.endswith("}") for line in file.read_text().split("\n")) if file else 0
    if name == "lightning":
        file = next(folder.rglob("metrics.csv"), None)
        return file.read_text().count("\n") - 1 if file else 0
    if name in ("trainwatch", "tensorboard", "wandb"):
        from trainwatch.errors import TrainwatchError
        from trainwatch.runs import read_run

        target = next(iter(folder.glob("wandb/offline-run-*")), folder) if name == "wandb" else folder
        try:
            run = read_run(target)
        except TrainwatchError:
            return 0
        return max(len(run.step_series("loss")), len(run.epoch_series("train/loss")), run.step_rows)
    if name == "mlflow":
        return _rows(folder / "mlflow.db", "select count(distinct step) from metrics")
    found = [_rows(p, "select count(distinct step) from metrics") or 0 for p in folder.rglob("*.db")]
    return max(found, default=0)


def _rows(database: Path, query: str) -> int | None:
    import sqlite3

    if not database.exists():
        return 0
    try:
        with sqlite3.connect(database) as connection:
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error:
        return None


class Net:
    """Two layers, a batch of 64, clipped: a step of about a millisecond."""

    def __init__(self) -> None:
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.torch = torch
        self.model = torch.nn.Sequential(torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.x, self.y = torch.randn(64, 256), torch.randint(0, 10, (64,))

    def step(self) -> dict[str, Any]:
        """Train one step and return what is to be recorded."""
        torch = self.torch
        out = self.model(self.x)
        cls, box = torch.nn.functional.cross_entropy(out, self.y), out.square().mean()
        loss = cls + 0.1 * box
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        return {"loss": loss.detach(), "cls": cls.detach(), "box": box.detach(), "grad_norm": norm, "lr": 0.01}


def cost(name: str, folder: Path) -> dict[str, float]:
    """Measure blocks with and without, in turn."""
    net = Net()
    log, close, _ = LOGGERS[name](folder)
    step = 0
    means: dict[bool, list[float]] = {True: [], False: []}
    for block in range(WARM + 2 * BLOCKS):
        on, seconds = block % 2 == 0, []
        for _ in range(BLOCK):
            started = time.perf_counter()
            row = net.step()
            if on:
                log(step, row)
                step += 1
            seconds.append(time.perf_counter() - started)
        if block >= WARM:
            means[on].append(statistics.fmean(seconds))
    close()
    pairs = [(a - b, a / b) for a, b in zip(means[True], means[False], strict=True)]
    return {
        "cost_us": 1e6 * statistics.median(d for d, _ in pairs),
        "ratio": statistics.median(r for _, r in pairs),
        "bare_us": 1e6 * statistics.median(means[False]),
    }


def disk(name: str, folder: Path) -> dict[str, float]:
    """Record many steps, end cleanly, weigh the folder."""
    log, close, _ = LOGGERS[name](folder)
    steps = DISK_STEPS if name not in ("mlflow", "trackio") else DISK_STEPS // 10
    for step in range(steps):
        value = math.sin(step) + 2.0
        log(step, {"loss": value, "cls": value / 3, "box": value / 7, "grad_norm": value * 11, "lr": 0.01})
    close()
    return {"bytes_per_step": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / steps}


def dying(name: str, folder: Path, slow: bool, told: int) -> None:
    """Record for ever; write a byte per finished step to a file descriptor. The parent kills."""
    log, _, _ = LOGGERS[name](folder)
    for step in range(10**9):
        value = math.sin(step) + 2.0
        log(step, {"loss": value, "cls": value / 3, "box": value / 7, "grad_norm": value * 11, "lr": 0.01})
        os.write(told, b".")
        if slow:
            time.sleep(SLOW_S)


def survival(name: str, folder: Path, slow: bool) -> tuple[int, int | None]:
    """Kill a recording process; return steps finished and steps read back."""
    read, write = os.pipe()
    command = [sys.executable, __file__, "--child", "dying", name, str(folder), str(int(slow)), str(write)]
    process = subprocess.Popen(
        command, pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(write)
    done = 0
    while done < KILL_AT:
        got = os.read(read, min(64, KILL_AT - done))
        if not got:
            break
        done += len(got)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while got := os.read(read, 65536):
        done += len(got)
    os.close(read)
    time.sleep(1.0)  # what a helper process of the logger's own writes later counts for it
    return done, read_back(name, folder)


def child(what: str, name: str, folder: str, *more: str) -> None:
    """Run one measurement in this process."""
    if what == "dying":
        dying(name, Path(folder), more[0] == "1", int(more[1]))
    else:
        print("RESULT " + json.dumps({"cost": cost, "disk": disk}[what](name, Path(folder))))


def measured(what: str, name: str) -> dict[str, float] | None:
    """Run one measurement in a process of its own; None if the logger is not there or fails."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--child", what, name, folder],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT ")), None)
    if line is None:
        print(f"{name}: {(done.stderr.strip().splitlines() or ['no result'])[-1]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    return found


def row(name: str) -> str | None:
    """Measure one logger; return its line of the table."""
    spent, weight = measured("cost", name), measured("disk", name)
    if spent is None or weight is None:
        return None
    kept = []
    for slow in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            done, back = survival(name, Path(folder), slow)
        kept.append(f"{'?' if back is None else min(back, done)} of {done}")
    package = {"trainwatch": "trainwatch-toolkit", "jsonl": ""}.get(name, name)
    try:
        label = f"{name} {version(package)}" if package else f"{name} (line-buffered)"
    except PackageNotFoundError:
        label = name
    return f"| {label} | {spent['cost_us']:+.0f} us | {spent['ratio']:.3f} | {weight['bytes_per_step']:.0f} | {kept[0]} | {kept[1]} |"


def main() -> None:
    """Measure all, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(LOGGERS), default=list(LOGGERS))
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(*chosen.child)
        return
    lines = [
        "| logger | cost per step | step with / without | bytes per step | after SIGKILL, full speed | after SIGKILL, 10 ms a step |",
        "|---|---|---|---|---|---|",
    ]
    for name in chosen.only:
        made = row(name)
        if made is not None:
            print(made, flush=True)
            lines.append(made)
    if chosen.write:
        renew(PAGE, "peers", "\n".join(lines))


if __name__ == "__main__":
    main()

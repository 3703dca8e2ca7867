"""What watching costs: YOLO12n's step time, watched against bare, interleaved step by step in one training.

    python tests/bench/step_time.py [--trainings 5] [--write]

Whole trainings one after the other differ by some 4 % on a shared machine, which buries the effect. So the hook is taken
off and put on again from step to step: its callbacks and its two taps on the trainer. A step is the time from the end of
one to the end of the next (data, forward, backward, optimizer, callbacks, ours included). Each training gives one ratio of
medians; the median over the trainings counts.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _tables import renew

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "sample_runs"))

WARM_STEPS = 8


class Alternator:
    """Takes the hook off a trainer for every second step."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.count = 0
        self.last = 0.0
        self.seconds: dict[bool, list[float]] = {True: [], False: []}

    def start(self, trainer: Any) -> None:
        """Remember the trainer with and without the hook."""
        self.tapped = {n: vars(trainer)[n] for n in ("optimizer_step", "preprocess_batch")}
        self.events = ("on_train_batch_start", "on_train_batch_end")
        self.callbacks = {True: {e: list(trainer.callbacks[e]) for e in self.events}}
        self.callbacks[False] = {
            e: [c for c in self.callbacks[True][e] if "UltralyticsHook" not in repr(c)] for e in self.events
        }
        self.put(trainer, self.watched)

    @property
    def watched(self) -> bool:
        """Whether the step that runs now is a watched one."""
        return (self.count + self.first) % 2 == 0

    def put(self, trainer: Any, watched: bool) -> None:
        """Put the hook on or take it off."""
        for name, method in self.tapped.items():
            setattr(trainer, name, method if watched else method.__wrapped__)
        for event in self.events:
            trainer.callbacks[event] = self.callbacks[watched][event]

    def end(self, trainer: Any) -> None:
        """Take the time, switch over."""
        now = time.perf_counter()
        if self.last and self.count > WARM_STEPS:
            self.seconds[self.watched].append(now - self.last)
        self.count += 1
        self.put(trainer, self.watched)
        self.last = time.perf_counter()

    def begin_epoch(self, trainer: Any) -> None:
        """Leave out what lies between epochs."""
        self.last = 0.0


def train(data: Path, folder: Path, first: int) -> Alternator:
    """Train once; return the seconds of watched and of bare steps."""
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    alternator = Alternator(first)
    model = watch(YOLO("yolo12n.yaml"), report=False)
    model.add_callback("on_train_start", alternator.start)
    model.add_callback("on_train_epoch_start", alternator.begin_epoch)
    model.add_callback("on_train_batch_end", alternator.end)
    model.train(
        data=str(data), epochs=6, imgsz=96, batch=16, nbs=16, optimizer="SGD", device="cpu", workers=0, plots=False, val=False,
        save=False, verbose=False, project=str(folder), name="train", seed=first,
    )  # fmt: skip
    return alternator


def journal_row_us(columns: int = 50, rows: int = 20_000) -> float:
    """Return the median cost of one journal row in microseconds."""
    from trainwatch_hooks.journal import JournalWriter

    with tempfile.TemporaryDirectory() as folder:
        writer = JournalWriter(Path(folder) / "j", [f"c{i}" for i in range(columns)])
        row, costs = [1.0] * columns, []
        for _ in range(rows):
            start = time.perf_counter()
            writer.append(row)
            costs.append(time.perf_counter() - start)
        writer.close()
    return 1e6 * statistics.median(costs)


def record_us(rows: int = 20_000) -> float:
    """Return the median cost of one ``Recorder.step()`` with four scalars in microseconds."""
    from trainwatch_hooks import Recorder

    with tempfile.TemporaryDirectory() as folder, Recorder(folder, capture_crashes=False) as recorder:
        costs = []
        for i in range(rows):
            start = time.perf_counter()
            recorder.step(epoch=i // 1000, losses={"box": 1.0, "cls": 2.0}, grad_norm=3.0, lr=0.01)
            costs.append(time.perf_counter() - start)
    return 1e6 * statistics.median(costs)


def clip_ms(rounds: int = 60) -> tuple[float, float]:
    """Return the median cost of the stock clip and of ours on yolo12n's gradients, interleaved, in milliseconds."""
    import torch
    from ultralytics.nn.tasks import DetectionModel

    from trainwatch_hooks.probes.grad_norm import GradNorm

    model = DetectionModel("yolo12n.yaml", verbose=False)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    norms = GradNorm(model.named_parameters())
    costs: dict[str, list[float]] = {"stock": [], "ours": []}
    for i in range(rounds):
        for name in ("stock", "ours") if i % 2 else ("ours", "stock"):
            start = time.perf_counter()
            if name == "stock":
                torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)
            else:
                norms.clip(10.0)
            costs[name].append(time.perf_counter() - start)
    return 1e3 * statistics.median(costs["stock"]), 1e3 * statistics.median(costs["ours"])


def update_ms(rounds: int = 60) -> float:
    """Return the median cost of one measurement of yolo12n's update-to-weight ratio in milliseconds."""
    import torch
    from ultralytics.nn.tasks import DetectionModel

    from trainwatch_hooks.probes.update_ratio import UpdateRatio

    model = DetectionModel("yolo12n.yaml", verbose=False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-6)
    ratio = UpdateRatio(optimizer, every=1)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    costs = []
    for _ in range(rounds):
        start = time.perf_counter()
        ratio.before()
        between = time.perf_counter()
        optimizer.step()
        resumed = time.perf_counter()
        ratio.after()
        ratio.take()
        costs.append(time.perf_counter() - resumed + between - start)
    return 1e3 * statistics.median(costs)


def main() -> None:
    """Measure and print; with --write also renew the table in README.md."""
    from shapes import make_dataset
    from ultralytics.utils import LOGGER

    from trainwatch_hooks.probes.update_ratio import EVERY

    parser = argparse.ArgumentParser()
    parser.add_argument("--trainings", type=int, default=5)
    parser.add_argument("--images", type=int, default=384)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    LOGGER.setLevel(logging.ERROR)
    rows: list[tuple[float, float]] = []
    steps = 0
    with tempfile.TemporaryDirectory() as temporary:
        data = make_dataset(Path(temporary) / "data", train=options.images, val=8, size=96)
        for i in range(options.trainings):
            found = train(data, Path(temporary) / str(i), i).seconds
            bare, watched = (statistics.median(found[k]) for k in (False, True))
            steps += len(found[True])
            rows.append((bare, watched))
            print(f"training {i}: bare {1e3 * bare:.2f} ms, watched {1e3 * watched:.2f} ms, ratio {watched / bare:.4f}")
    ratios = [w / b for b, w in rows]
    stock, ours = clip_ms()
    bare_ms = 1e3 * statistics.median(b for b, _ in rows)
    update = update_ms()
    lines = [
        "| what | measured |",
        "|---|---|",
        f"| yolo12n step on CPU, watched / bare, median of {len(rows)} trainings ({steps} pairs of steps) | {statistics.median(ratios):.4f} |",
        f"| smallest and largest ratio of a training | {min(ratios):.4f}, {max(ratios):.4f} |",
        f"| bare step, median | {bare_ms:.1f} ms |",
        f"| clip of yolo12n's gradients: stock, ours with norms per layer | {stock:.2f} ms, {ours:.2f} ms |",
        f"| update-to-weight ratio: one measurement, and its share of a step ({EVERY} steps share it) "
        f"| {update:.1f} ms, {100 * update / EVERY / bare_ms:.2f} % |",
        f"| one journal row of 50 columns | {journal_row_us():.1f} us |",
        f"| one `Recorder.step()` with 4 scalars, all columns filled in | {record_us():.1f} us |",
    ]  # fmt: skip
    print("\n".join(lines))
    if options.write:
        renew(HERE / "README.md", "table", "\n".join(lines))


if __name__ == "__main__":
    main()

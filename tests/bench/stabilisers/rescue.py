"""What rescue saves, that it leaves healthy trainings alone, and what it costs: real trainings on a CPU.

    python tests/bench/stabilisers/rescue.py --results FILE [faults] [unprotected] [healthy] [cost] [--write]

faults       YOLO12n, trained for some epochs first, goes on for 6 epochs (24 optimizer steps) with one fault at a random
             step: clean, and with rescue, from the same seed. Validated at the end.
unprotected  The same without rescue.
healthy      YOLOv8n, 11n, 12n and 26n from scratch with five optimizers and rates each; interventions are counted.
cost         Step time with rescue against recording only, interleaved step by step within a training.

Results are appended to FILE (JSON lines), so that a run that was cut short goes on where it stopped; ``--write`` puts the
table into README.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _bench import HERE, write_section

sys.path.insert(0, str(HERE.parents[1] / "helpers"))

COMMON: dict[str, Any] = {
    "device": "cpu", "imgsz": 64, "batch": 16, "nbs": 16, "patience": 0, "plots": False, "verbose": False, "workers": 0,
    "name": "train", "exist_ok": True,
}  # fmt: skip
START_EPOCHS, START_PLANNED = 39, 120
"""Epochs before, and those that the schedule was made for."""
EPOCHS, STEPS_PER_EPOCH = 6, 4
FAULTS = {
    "NaN in an input image": ("nan-image",),
    "NaN or inf in a gradient": ("nan-gradient", "inf-gradient"),
    "learning rate x1000 for 5 steps": ("lr-x1000",),
    "weights overflow to inf": ("overflow",),
}
SEEDS, UNPROTECTED_SEEDS = range(5), range(3)
HEALTHY_MODELS = ("yolov8n", "yolo11n", "yolo12n", "yolo26n")
HEALTHY: tuple[dict[str, Any], ...] = (
    {"optimizer": "SGD", "lr0": 0.01},
    {"optimizer": "SGD", "lr0": 0.05, "momentum": 0.9},
    {"optimizer": "AdamW", "lr0": 0.002},
    {"optimizer": "MuSGD", "lr0": 0.01},
    {"optimizer": "auto"},
)


def unfinite(trainer: Any) -> int:
    """Count tensors of model and EMA with a value that is not finite."""
    states = (trainer.model.state_dict(), trainer.ema.ema.state_dict())
    return sum(not v.isfinite().all() for state in states for v in state.values() if v.is_floating_point())


def train(
    model: str, folder: Path, fault: Any = None, rescue: bool = False, stop_after: int = 0, **args: Any
) -> dict[str, Any]:
    """Train once and return what came of it."""
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    found: dict[str, Any] = {"spoilt": 0, "final": {}, "error": None}

    def look(trainer: Any) -> None:
        found["spoilt"] += unfinite(trainer)

    def ended(trainer: Any) -> None:
        look(trainer)
        trainer.stop |= trainer.epoch + 1 == stop_after
        if trainer.epoch < trainer.epochs:  # not the extra call for best.pt
            found["final"] = {k: float(v) for k, v in trainer.metrics.items()}

    yolo = YOLO(model)
    if fault is not None:
        yolo.add_callback("on_pretrain_routine_end", fault.install)
    watch(yolo, stabilise={"rescue": True} if rescue else None, report=False)
    yolo.add_callback("on_train_epoch_end", look)
    yolo.add_callback("on_fit_epoch_end", ended)
    started = time.perf_counter()
    try:
        yolo.train(**{**COMMON, "project": str(folder), **args})
    except RuntimeError as error:
        found["error"] = str(error)[:80]
    found["seconds"] = round(time.perf_counter() - started, 1)
    events = yolo.trainer.save_dir / "trainwatch" / "events" / "rank0.jsonl"
    kept = [json.loads(line) for line in events.read_text().splitlines()]
    start = max(i for i, e in enumerate(kept) if e["kind"] == "start")
    found["acts"] = [e["data"]["action"] for e in kept[start:] if e["kind"] == "intervention"]
    found["warnings"] = [e["message"] for e in kept[start:] if e["kind"] == "warning"]
    found["replays"] = sum(e["kind"] == "nan_recovery" for e in kept[start:])
    found["steps"] = len(yolo.trainer.train_loader) * int(yolo.trainer.epochs)
    return found


class Results:
    """JSON lines, one per training, by key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.by_key: dict[str, dict[str, Any]] = {r["key"]: r for r in map(json.loads, lines)}

    def once(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the result of this key, made now if it is not there."""
        if key not in self.by_key:
            self.by_key[key] = {"key": key, **make()}
            with open(self.path, "a") as file:
                file.write(json.dumps(self.by_key[key]) + "\n")
            print(json.dumps(self.by_key[key]), flush=True)
        return self.by_key[key]


def faults(results: Results, data: Path, folder: Path) -> None:
    """Clean and rescued trainings that go on from the same weights."""
    args = _start(results, data, folder)
    for seed in SEEDS:
        results.once(f"clean {seed}", lambda seed=seed: train(folder=folder, seed=seed, **args))
        for name in FAULTS:
            results.once(f"rescued {name} {seed}", lambda name=name, seed=seed: _spoil(name, seed, True, folder, args))


def unprotected(results: Results, data: Path, folder: Path) -> None:
    """The same faults without rescue."""
    args = _start(results, data, folder)
    for seed in UNPROTECTED_SEEDS:
        for name in FAULTS:
            key = f"unprotected {name} {seed}"
            results.once(key, lambda name=name, seed=seed: _spoil(name, seed, False, folder, args))


def _start(results: Results, data: Path, folder: Path) -> dict[str, Any]:
    """Make the weights to go on from, and return the arguments."""
    start = results.path.with_suffix(".pt")
    args: dict[str, Any] = {"data": str(data), "optimizer": "SGD", "lr0": 0.005, "warmup_epochs": 1, "epochs": EPOCHS}
    args |= {"close_mosaic": 0, "val": False}

    def begin() -> dict[str, Any]:
        given = {**args, "epochs": START_PLANNED, "lr0": 0.01}
        found = train("yolo12n.yaml", folder, stop_after=START_EPOCHS, **given)
        start.write_bytes((folder / "train" / "weights" / "last.pt").read_bytes())
        return found

    results.once("start", begin)
    return {"model": str(start), **args}


def _spoil(name: str, seed: int, rescue: bool, folder: Path, args: dict[str, Any]) -> dict[str, Any]:
    from faults import Fault

    # After the warm-up; early enough for a wrong rate to last its five steps.
    at = random.Random(f"{name} {seed}").randrange(STEPS_PER_EPOCH + 1, EPOCHS * STEPS_PER_EPOCH - 5)
    kind = FAULTS[name][seed % len(FAULTS[name])]
    return {"at": at, "kind": kind, **train(folder=folder, fault=Fault(kind, [at]), rescue=rescue, seed=seed, **args)}


def healthy(results: Results, data: Path, folder: Path) -> None:
    """Trainings without a fault, with rescue."""
    # MuSGD takes minutes per training on one core.
    for i, chosen in sorted(enumerate(HEALTHY), key=lambda pair: pair[1]["optimizer"] == "MuSGD"):
        for model in HEALTHY_MODELS:
            results.once(
                f"healthy {model} {i}",
                lambda model=model, chosen=chosen, i=i: train(
                    f"{model}.yaml", folder, rescue=True, data=str(data), seed=i, epochs=10, val=False, **chosen
                ),
            )


class Alternator:
    """Switches rescue off for every second step."""

    def __init__(self, first: int) -> None:
        self.count, self.last = first, 0.0
        self.first = first
        self.seconds: dict[bool, list[float]] = {True: [], False: []}
        self.control: Any = None

    def start(self, trainer: Any) -> None:
        """Find the stabiliser."""
        owners = [getattr(c, "__self__", None) for c in trainer.callbacks["on_train_batch_end"]]
        self.control = next(o.control for o in owners if hasattr(o, "control"))
        self.rescue = self.control.active["rescue"]

    def end(self, trainer: Any) -> None:
        """Take the time, switch over."""
        now = time.perf_counter()
        on = self.count % 2 == 0
        if self.last and self.count - self.first > 8:
            self.seconds[on].append(now - self.last)
        self.count += 1
        on = not on
        self.rescue._off = not on
        self.control.active = {"rescue": self.rescue} if on else {}
        self.last = time.perf_counter()

    def begin_epoch(self, trainer: Any) -> None:
        """Leave out what lies between epochs; begin switched on."""
        self.last = 0.0


def cost(results: Results, data: Path, folder: Path) -> None:
    """Step time with rescue against recording only."""
    for i in range(3):
        results.once(f"cost {i}", lambda i=i: _cost(data, folder, i))


def _cost(data: Path, folder: Path, first: int) -> dict[str, Any]:
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    alternator = Alternator(first)
    yolo = watch(YOLO("yolo12n.yaml"), stabilise={"rescue": True}, report=False)
    yolo.add_callback("on_train_start", alternator.start)
    yolo.add_callback("on_train_epoch_start", alternator.begin_epoch)
    yolo.add_callback("on_train_batch_end", alternator.end)
    args = {"imgsz": 96, "optimizer": "SGD", "epochs": 24, "val": False, "save": False, "seed": first}
    yolo.train(**{**COMMON, "project": str(folder), "data": str(data), **args})
    on, off = (statistics.median(alternator.seconds[k]) for k in (True, False))
    return {"on_ms": 1e3 * on, "off_ms": 1e3 * off, "ratio": on / off, "pairs": len(alternator.seconds[True])}


def table(results: Results) -> list[str]:
    """Return the page's lines."""
    runs = results.by_key
    lines = [
        "| fault (up to 5 seeds rescued, 3 unprotected) | rescued: ended well, non-finite tensors at an epoch's end, acts | mAP50-95 of the last EMA: clean, rescued, unprotected | unprotected: ended by an exception, with non-finite tensors, replays |",
        "|---|---|---|---|",
    ]
    for name in FAULTS:
        rescued = [runs[f"rescued {name} {s}"] for s in SEEDS if f"rescued {name} {s}" in runs]
        bare = [runs[f"unprotected {name} {s}"] for s in UNPROTECTED_SEEDS if f"unprotected {name} {s}" in runs]
        clean = [runs[f"clean {s}"] for s in SEEDS if f"clean {s}" in runs]
        acts = sorted({a for r in rescued for a in r["acts"]})
        counted = ", ".join(f"{sum(r['acts'].count(a) for r in rescued)} {a}" for a in acts)
        lines.append(
            f"| {name} | {sum(r['error'] is None for r in rescued)} of {len(rescued)}, "
            f"{sum(r['spoilt'] for r in rescued)}, {counted} "
            f"| {_fitness(clean)}, {_fitness(rescued)}, {_fitness([r for r in bare if r['error'] is None])} "
            f"| {sum(r['error'] is not None for r in bare)} of {len(bare)}, "
            f"{sum(r['spoilt'] > 0 for r in bare)} of {len(bare)}, {sum(r['replays'] for r in bare)} |"
        )
    quiet = {k: r for k, r in runs.items() if k.startswith("healthy")}
    steps = sum(r["steps"] for r in quiet.values())
    acts_ = sum(len(r["acts"]) + len(r["warnings"]) for r in quiet.values())
    lines += ["", "| healthy and cost | measured |", "|---|---|"]
    lines.append(f"| interventions in {len(quiet)} healthy trainings ({steps} micro-batches) | {acts_} |")
    costs = [r for k, r in runs.items() if k.startswith("cost")]
    if costs:
        ratios = [r["ratio"] for r in costs]
        pairs = sum(r["pairs"] for r in costs)
        lines.append(
            f"| step time, rescue / recording only, median of {len(costs)} trainings ({pairs} pairs of steps, "
            f"{statistics.median(r['off_ms'] for r in costs):.0f} ms) | {statistics.median(ratios):.4f} |"
        )
        lines.append(f"| smallest and largest ratio of a training | {min(ratios):.4f}, {max(ratios):.4f} |")
    return lines


def _fitness(runs: list[dict[str, Any]]) -> str:
    values = [r["final"]["metrics/mAP50-95(B)"] for r in runs if r["final"]]
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if values else "none"


def main() -> None:
    """Run the parts that were asked for; all by default."""
    from shapes import make_dataset
    from ultralytics.utils import LOGGER

    parts = {"faults": faults, "unprotected": unprotected, "healthy": healthy, "cost": cost}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of: {', '.join(parts)}")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are: {', '.join(parts)}")
    LOGGER.setLevel(logging.ERROR)
    results = Results(options.results.resolve())
    page = HERE
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        data = make_dataset(Path(temporary) / "data", train=64, val=32, size=64)
        for name in options.parts or parts:
            parts[name](results, data, Path(temporary) / "runs")
        os.chdir(page)
    if options.write:
        write_section("rescue", table(results))


if __name__ == "__main__":
    main()

"""Whether the advice cures: failing short trainings replayed unchanged, with the advice, and with a random change.

    python tests/bench/detection/cure.py --results FILE [--keep FOLDER] [--write]

Each case is a training of YOLO12n (64 px, 64 images, from scratch) that fails because of one argument. It is trained, and
analysed; then it is replayed with another seed three times: unchanged, with all changes of arguments that the analysis
advises (without advice that is the unchanged one), and with as many arguments changed at random, drawn from :data:`PLAUSIBLE`. What a comparison of equal length does not
allow (:data:`KEPT`) is not changed. The default training with the replay's seed is the reference.

The outcome is the training loss per component over its gain, summed, mean of the last :data:`LAST` epochs. It is none if a
loss is no number, or if a component is below :data:`DEAD` of the reference's: a model whose outputs have died has a small loss,
too. A case counts if its first training ends more than :data:`FAILS` above the reference, or without outcome. A replay is
cured if it closes at least :data:`CLOSES` of the gap between the failed training and the reference (without outcome of the
failed one: if it comes within :data:`FAILS` of the reference). All this was fixed before any replay.

Results are appended to FILE (JSON lines), so that a run that was cut short goes on where it stopped; ``--write`` puts the
table into README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(ROOT / "sample_runs"), str(HERE)]

EPOCHS = 12
LAST = 3
FAILS = 0.10
CLOSES = 0.5
DEAD = 0.1
SEEDS = (0, 1)
REPLAY = 100
"""Added to the seed for the replays."""
ARMS = ("unchanged", "advised", "random")

COMMON: dict[str, Any] = {
    "device": "cpu", "imgsz": 64, "batch": 4, "nbs": 4, "epochs": EPOCHS, "optimizer": "SGD", "lr0": 0.01, "patience": 0,
    "plots": False, "verbose": False, "workers": 0, "exist_ok": True, "warmup_bias_lr": 0.0, "save": False,
}  # fmt: skip
GAINS = {"box_loss": ("box", 7.5), "cls_loss": ("cls", 0.5), "dfl_loss": ("dfl", 1.5)}
"""Component: its argument and that argument's default."""

CASES: dict[str, dict[str, Any]] = {
    "lr0 100 times too high": {"lr0": 1.0},
    "lr0 and momentum too high": {"lr0": 0.5, "momentum": 0.98},
    "lr0 too high, AdamW": {"optimizer": "AdamW", "lr0": 0.3},
    "lr0 too low": {"lr0": 1e-6},
    "lr0 too low, AdamW": {"optimizer": "AdamW", "lr0": 1e-7},
    "momentum too high": {"lr0": 0.05, "momentum": 0.995},
    "bias warm-up rate too high": {"warmup_bias_lr": 1.0, "warmup_epochs": 10},
    "gains: cls takes all": {"box": 0.02, "cls": 50.0, "dfl": 0.02},
    "gains: box takes all": {"box": 200.0, "cls": 0.001, "dfl": 0.02},
    "weight decay too high": {"weight_decay": 0.9},
    "warm-up longer than the training": {"warmup_epochs": 1000, "lr0": 0.01},
    "lr0 too high, no warm-up": {"lr0": 0.7, "warmup_epochs": 0},
}
"""Name and the arguments that make it fail."""

PLAUSIBLE: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "lr0": lambda old: tuple(min(1.0, old * f) for f in (0.1, 0.5, 2.0, 10.0)),
    "optimizer": lambda old: ("SGD", "AdamW", "MuSGD", "Adam"),
    "momentum": lambda old: (0.8, 0.9, 0.937, 0.95),
    "weight_decay": lambda old: (0.0, 1e-4, 5e-4, 1e-3),
    "warmup_epochs": lambda old: (0.0, 1.0, 3.0, 5.0, 10.0),
    "warmup_bias_lr": lambda old: (0.0, 0.01, 0.1),
    "batch": lambda old: (8, 16),
    "nbs": lambda old: (8, 16, 64),
    "box": lambda old: (3.75, 7.5, 15.0),
    "cls": lambda old: (0.25, 0.5, 1.0),
    "dfl": lambda old: (0.75, 1.5, 3.0),
    "lrf": lambda old: (0.01, 0.1, 0.5),
    "cos_lr": lambda old: (True, False),
    "mosaic": lambda old: (0.0, 0.5, 1.0),
    "close_mosaic": lambda old: (0, 5, 10),
}
"""What a user might turn, and to which values, given the one in force."""
DEFAULTS: dict[str, Any] = {
    "momentum": 0.937, "weight_decay": 5e-4, "warmup_epochs": 3.0, "box": 7.5, "cls": 0.5, "dfl": 1.5, "lrf": 0.01,
    "cos_lr": False, "mosaic": 1.0, "close_mosaic": 10,
}  # fmt: skip

KEPT = frozenset({"epochs", "model", "imgsz", "resume", "patience", "data", "save", "save_period", "freeze"})
"""Advice about these is not followed: the replay has the same length, model and data."""


def random_change(args: Mapping[str, Any], count: int, seed: str) -> dict[str, Any]:
    """Return new values, other than those in force, of that many arguments."""
    rng = random.Random(seed)
    in_force = {**DEFAULTS, **COMMON, **args}
    names = rng.sample(sorted(PLAUSIBLE), min(max(count, 1), len(PLAUSIBLE)))
    return {n: rng.choice([v for v in PLAUSIBLE[n](in_force[n]) if v != in_force[n]]) for n in names}


def components(run: Any, args: Mapping[str, Any]) -> dict[str, float] | None:
    """Return each training loss with gain 1, mean of the last epochs; None if one is no number or is missing."""
    if len(run.epochs) < EPOCHS:
        return None
    rows = run.epochs.tail(LAST)
    found = {
        c: float(rows[f"train/{c}"].mean(skipna=False)) / float(args.get(name, default))
        for c, (name, default) in GAINS.items()
    }
    return found if all(math.isfinite(v) for v in found.values()) else None


def outcome(found: Mapping[str, float] | None, reference: Mapping[str, float]) -> float | None:
    """Return the sum of the losses; None without them, or if one has died."""
    if found is None or any(found[c] < DEAD * reference[c] for c in GAINS):
        return None
    return sum(found.values())


def cured(replay: float | None, failed: float | None, reference: float) -> bool:
    """Tell whether a replay closes enough of the gap; with a failed loss that is no number, whether it comes near."""
    if replay is None:
        return False
    if failed is None:
        return replay <= (1 + FAILS) * reference
    return failed - replay >= CLOSES * (failed - reference)


def fails(loss: float | None, reference: float) -> bool:
    """Tell whether the first training of a case failed."""
    return loss is None or loss > (1 + FAILS) * reference


def train(folder: Path, name: str, seed: int, args: Mapping[str, Any]) -> Any:
    """Train once and return the run; what ends in an exception is a run, too."""
    import ultralytics
    from shapes import make_dataset

    from trainwatch.runs import read_run
    from trainwatch_hooks import watch

    data = make_dataset(folder / "shapes", train=64, val=32, size=64)
    shutil.rmtree(folder / name, ignore_errors=True)
    model = watch(ultralytics.YOLO("yolo12n.yaml"), report=False)
    try:
        model.train(data=str(data), seed=seed, project=str(folder), name=name, **{**COMMON, **args})
    except Exception as error:  # a training that fails is what this is about
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
    for weights in (folder / name).glob("**/*.pt"):
        weights.unlink()
    return read_run(folder / name)


def measure(folder: Path, results: Path) -> None:
    """Train what FILE does not hold yet."""
    from trainwatch.analysis import analyse
    from trainwatch.prescription import merged

    done = {(r["case"], r["seed"], r["arm"]): r for r in read(results)}

    def record(case: str, seed: int, arm: str, args: Mapping[str, Any]) -> dict[str, Any]:
        key = (case, seed, arm)
        if key in done:
            return done[key]
        offset = 0 if arm == "failed" else REPLAY
        name = f"{case}-{seed}-{arm}".replace(" ", "_").replace(":", "").replace(",", "")
        run = train(folder, name, seed + offset, args)
        result = analyse(run)
        advised = {c.arg: c.new for c in merged(result.recommendations)} if arm == "failed" else {}
        row = {
            "case": case, "seed": seed, "arm": arm, "args": dict(args), "losses": components(run, args), "advised": advised,
            "findings": {f.id: f.severity for f in result.findings}, "verdict": result.verdict.status,
        }  # fmt: skip
        with results.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        print(case, seed, arm, row["losses"], advised, flush=True)
        done[key] = row
        return row

    for seed in SEEDS:
        usual = record("reference", seed, "reference", {})["losses"]
        for case, args in CASES.items():
            failed = record(case, seed, "failed", args)
            if not fails(outcome(failed["losses"], usual), sum(usual.values())):
                continue
            advice = {k: v for k, v in failed["advised"].items() if k not in KEPT}
            record(case, seed, "unchanged", args)
            if advice:
                record(case, seed, "advised", {**args, **advice})
            record(case, seed, "random", {**args, **random_change(args, len(advice), f"{case} {seed}")})


def read(results: Path) -> list[dict[str, Any]]:
    """Return the rows of FILE."""
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def table(rows: list[dict[str, Any]]) -> str:
    """Return the result as Markdown: how often each arm cured, and case by case."""
    from corpus import wilson

    by = {(r["case"], r["seed"], r["arm"]): r for r in rows}
    by = {**{(c, s, "advised"): r for (c, s, a), r in by.items() if a == "unchanged"}, **by}
    cases = [(c, s) for c in CASES for s in SEEDS if all((c, s, a) in by for a in ("failed", *ARMS))]
    passed: dict[str, list[bool]] = {a: [] for a in ARMS}
    lines = [
        "| case | seed | advised | loss: failed, unchanged, advised, random, reference | cured by |",
        "|---|---|---|---|---|",
    ]
    for case, seed in cases:
        usual = by["reference", seed, "reference"]["losses"]
        first, reference = by[case, seed, "failed"], sum(usual.values())
        failed, *losses = [outcome(by[case, seed, a]["losses"], usual) for a in ("failed", *ARMS)]
        healed = [cured(loss, failed, reference) for loss in losses]
        for arm, good in zip(ARMS, healed, strict=True):
            passed[arm].append(good)
        advice = ", ".join(f"{k}={v}" for k, v in first["advised"].items() if k not in KEPT) or "nothing"
        shown = ", ".join("none" if x is None else f"{x:.2f}" for x in [failed, *losses, reference])
        names = ", ".join(a for a, good in zip(ARMS, healed, strict=True) if good) or "none"
        lines.append(f"| {case} | {seed} | {advice} | {shown} | {names} |")
    head = ["| replayed | cured | share (95 %) |", "|---|---|---|"]
    for arm, good in passed.items():
        low, high = wilson(sum(good), len(good))
        share = f"{sum(good) / len(good):.2f} ({low:.2f} to {high:.2f})" if good else "none"
        head.append(f"| {arm} | {sum(good)} of {len(good)} | {share} |")
    without = []
    for case in CASES:
        for seed in SEEDS:
            if (case, seed, "failed") in by:
                usual = by["reference", seed, "reference"]["losses"]
                if not fails(outcome(by[case, seed, "failed"]["losses"], usual), sum(usual.values())):
                    without.append(f"{case} ({seed})")
    note = ["", f"Did not fail, hence not replayed: {', '.join(without)}."] if without else []
    return "\n".join([*head, "", *lines, *note])


def main() -> None:
    """Measure, print, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="folder for the trainings; default: a temporary one")
    parser.add_argument("--write", action="store_true", help="put the table of FILE into README.md, train nothing")
    options = parser.parse_args()
    if not options.write:
        from ultralytics.utils import LOGGER

        LOGGER.setLevel(logging.ERROR)
        with tempfile.TemporaryDirectory() as temporary:
            measure((options.keep or Path(temporary)).resolve(), options.results)
    text = table(read(options.results))
    print(text)
    if options.write:
        from page import write_section

        write_section("cure", text)


if __name__ == "__main__":
    main()

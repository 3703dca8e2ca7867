"""How often ``trainwatch compare`` of one run against one run is wrong: ``python tests/bench/compare.py FOLDER --write``.

Trains tiny nets (``detection/loops.py``) on the same data with other seeds, and with a real change, into FOLDER; what is
there already is kept. ``--yolo`` does the same with YOLO12n on drawn shapes (an hour and a half on two cores). Then every two
runs that differ in the seed alone are compared, and every run before the change with every one after it, each pair as a user
would with one run on either side. What is true of a change is decided by all seeds: Welch's interval at 99 %.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from _tables import renew

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("COMPARE.md")
SETTINGS = 7
SEEDS = 10
YOLO_SEEDS = 10
FACTORS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
TRUE_LEVEL = 0.99
CHANGES = {"lr": "lr x 0.01", "slower": "lr x 0.3", "half": "half of the data", "eighth": "an eighth of the data"}
YOLO_CHANGES = {"lr": "lr0 x 0.01", "half": "half of the images"}
SMALL_SET = 1024
"""Samples of the training set, so that half of them are less: the pool of 8192 is more than these nets need."""


@dataclass(frozen=True)
class Judged:
    """One comparison: the answer, and the factor up to which a difference is called one.

    ``ratio`` is the difference over the half width that the scatter alone gives; its sign says better or worse.
    """

    answer: str
    ratio: float | None


def train_loop(folder: Path, variant: int, kind: str, seed: int) -> None:
    """Train one tiny net: the data are the setting's, the seed is of weights and order alone."""
    import torch
    from loops import HEALTHY, Training
    from torch import nn

    training = Training(HEALTHY, variant, 0)
    setting = replace(training.s, train_size=SMALL_SET, resume_at=0)
    share = {"half": 2, "eighth": 8}.get(kind, 1)
    factor = {"lr": 0.01, "slower": 0.3}.get(kind, 1.0)
    training.s = replace(setting, lr=setting.lr * factor, train_size=SMALL_SET // share)
    torch.manual_seed(1000 * variant + seed)
    for module in training.model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            module.reset_parameters()
    training.g = torch.Generator().manual_seed(77_000 + 1000 * variant + seed)
    training.run(folder)


def train_yolo(folder: Path, kind: str, seed: int) -> None:
    """Train YOLO12n on 64 (or 32) drawn shapes for 60 epochs."""
    import torch
    from shapes import make_dataset
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    torch.set_num_threads(1)
    images = 32 if kind == "half" else 64
    data = make_dataset(folder.parent / f"shapes{images}", size=64, train=images)
    model: Any = watch(YOLO("yolo12n.yaml"))
    model.train(
        data=str(data), epochs=60, imgsz=64, batch=16, nbs=16, optimizer="SGD", lr0=1e-4 if kind == "lr" else 0.01,
        warmup_epochs=5, patience=0, device="cpu", workers=0, plots=False, seed=seed, project=str(folder.parent),
        name=folder.name, exist_ok=True, verbose=False,
    )  # fmt: skip


def train_all(folder: Path, yolo: bool) -> None:
    """Train what is not there yet; one process per setting and kind."""
    wanted: list[tuple[str, ...]] = [("loop", str(v), kind) for v in range(SETTINGS) for kind in ("base", *CHANGES)]
    if yolo:
        wanted += [("yolo", kind) for kind in ("base", *YOLO_CHANGES)]
    for words in wanted:
        done = subprocess.run(
            [sys.executable, __file__, str(folder), "--one", *words], capture_output=True, text=True, cwd=ROOT
        )
        if done.returncode:
            print(f"{words}: {done.stderr.strip().splitlines()[-1:]}", flush=True)


def train_some(folder: Path, what: str, words: list[str]) -> None:
    """Train the seeds of one setting and kind that are not there yet."""
    for seed in range(YOLO_SEEDS if what == "yolo" else SEEDS):
        run = folder / "-".join([what, *words, str(seed)])
        if (run / "done").exists():
            continue
        if what == "yolo":
            train_yolo(run, words[0], seed)
        else:
            train_loop(run, int(words[0]), words[1], seed)
        (run / "done").touch()


def members(folder: Path, prefix: str) -> list[Any]:
    """Read and judge all finished runs of a kind."""
    from trainwatch.analysis import analyse
    from trainwatch.comparison import Member
    from trainwatch.runs import read_run

    runs = [(str(p), read_run(p)) for p in sorted(folder.glob(f"{prefix}-[0-9]*")) if (p / "done").exists()]
    return [Member(path, run, analyse(run)) for path, run in runs]


def judged(pairs: Iterable[tuple[Any, Any]]) -> list[Judged]:
    """Compare each pair as ``trainwatch compare A B`` does."""
    from trainwatch.comparison import compare
    from trainwatch.comparison.noise import SEED_FACTOR

    made = []
    for old, new in pairs:
        pair = compare([[old], [new]]).pairs[0]
        measure = next((d for d in pair.differences if d.decides), None)
        ratio = None
        if (
            measure is not None
            and measure.low is not None
            and measure.high is not None
            and measure.difference is not None
        ):
            better = 1 if measure.better == "more" else -1
            half = (measure.high - measure.low) / 2
            ratio = better * measure.difference * SEED_FACTOR / half if half > 0 else None
        made.append(Judged(pair.answer, ratio))
    return made


def truth(old: list[Any], new: list[Any]) -> str:
    """Return ``better``, ``worse`` or ``unclear``: what all seeds together say of the measure that decides."""
    import numpy as np
    from scipy import stats

    from trainwatch.comparison.compare import choose_outcome, ends_of, gains_differ

    every = [*old, *new]
    outcome = choose_outcome([m.run for m in every], [m.analysis for m in every], gains_differ([old, new]))
    assert outcome is not None
    a, b = ([e.level for e in ends_of(side, outcome, "epoch", None)] for side in (old, new))
    p = float(stats.ttest_ind(a, b, equal_var=False).pvalue)
    if not p < 1 - TRUE_LEVEL:
        return "unclear"
    return "better" if (np.mean(b) > np.mean(a)) == outcome.more else "worse"


def seed_factor(side: list[Any]) -> float:
    """Return the standard deviation of the level between seeds over the scatter within a run."""
    import numpy as np

    from trainwatch.comparison.compare import choose_outcome, ends_of

    outcome = choose_outcome([m.run for m in side], [m.analysis for m in side], False)
    assert outcome is not None
    ends = ends_of(side, outcome, "epoch", None)
    return float(np.std([e.level for e in ends], ddof=1) / np.sqrt(np.mean([e.scatter**2 for e in ends])))


def measure(folder: Path) -> str:
    """Return the tables."""
    sides = {f"setting {v}": (f"loop-{v}", CHANGES) for v in range(SETTINGS)} | {"YOLO12n": ("yolo", YOLO_CHANGES)}
    same: dict[str, list[Judged]] = {}
    factors: dict[str, float] = {}
    changed: dict[str, list[tuple[str, list[Judged]]]] = {}
    for name, (prefix, changes) in sides.items():
        base = members(folder, f"{prefix}-base")
        if len(base) < 3:
            continue
        group = "YOLO12n" if name == "YOLO12n" else "tiny nets"
        same[name] = judged(itertools.combinations(base, 2))
        factors[name] = seed_factor(base)
        print(name, len(base), f"factor {factors[name]:.2f}", wrong(same[name]), flush=True)
        for kind, words in changes.items():
            new = members(folder, f"{prefix}-{kind}")
            if len(new) < 3:
                continue
            told = truth(base, new), judged(itertools.product(base, new))
            changed.setdefault(f"{group}: {words}", []).append(told)
            print(
                " ",
                kind,
                told[0],
                {a: sum(j.answer == a for j in told[1]) for a in {j.answer for j in told[1]}},
                flush=True,
            )
    return "\n\n".join((by_setting(same, factors), by_change(changed), by_factor(same, changed)))


def wrong(found: list[Judged]) -> str:
    """Say how many of equal trainings were called different."""
    return f"{sum(j.answer in ('helped', 'harmed') for j in found)} of {len(found)}"


def by_setting(same: dict[str, list[Judged]], factors: dict[str, float]) -> str:
    """Return the table of equal trainings."""
    lines = ["| only the seed differs | pairs called helped or harmed | spread of seeds / scatter of one run |",
             "|---|---|---|"]  # fmt: skip
    lines += [f"| {name} | {wrong(found)} | {factors[name]:.2f} |" for name, found in same.items()]
    every = [j for found in same.values() for j in found]
    share = sum(j.answer in ("helped", "harmed") for j in every) / max(len(every), 1)
    lines.append(f"| all | {wrong(every)} ({100 * share:.1f} %) | |")
    return "\n".join(lines)


def by_change(changed: dict[str, list[tuple[str, list[Judged]]]]) -> str:
    """Return the table of real changes."""
    lines = [
        "| change | settings in which all seeds show it | told right | told wrong | not told |",
        "|---|---|---|---|---|",
    ]
    for name, found in changed.items():
        real = [(t, j) for t, js in found if t != "unclear" for j in js]
        right = sum(j.answer == {"better": "helped", "worse": "harmed"}[t] for t, j in real)
        false = sum(j.answer == {"better": "harmed", "worse": "helped"}[t] for t, j in real)
        n = max(len(real), 1)
        known = sum(t != "unclear" for t, _ in found)
        lines.append(
            f"| {name} | {known} of {len(found)} | {100 * right / n:.0f} % | {100 * false / n:.1f} % | "
            f"{100 * (len(real) - right - false) / n:.0f} % |"
        )
    return "\n".join(lines)


def by_factor(same: dict[str, list[Judged]], changed: dict[str, list[tuple[str, list[Judged]]]]) -> str:
    """Return what other factors would have said, from the measures alone (faults that came or went left out)."""
    equal = [j.ratio for found in same.values() for j in found if j.ratio is not None]
    real = [
        j.ratio * (1 if t == "better" else -1)
        for found in changed.values() for t, js in found if t != "unclear" for j in js if j.ratio is not None
    ]  # fmt: skip
    lines = [
        "| factor | equal trainings called different | real changes told right | told wrong |",
        "|---|---|---|---|",
    ]
    for factor in FACTORS:
        false = sum(abs(r) > factor for r in equal) / max(len(equal), 1)
        right, mistaken = (sum(sign * r > factor for r in real) / max(len(real), 1) for sign in (1, -1))
        lines.append(f"| {factor:g} | {100 * false:.1f} % | {100 * right:.0f} % | {100 * mistaken:.1f} % |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing, print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--yolo", action="store_true", help="train YOLO12n, too")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {README.name}")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path[:0] = [str(p) for p in (ROOT, ROOT / "hooks", ROOT / "sample_runs", ROOT / "tests/bench/detection")]
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if options.one:
        train_some(folder, options.one[0], options.one[1:])
        return
    train_all(folder, options.yolo)
    table = measure(folder)
    print(table)
    if options.write:
        renew(README, "table", table)


if __name__ == "__main__":
    main()

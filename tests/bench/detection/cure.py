"""Whether the advice cures: failing short trainings replayed unchanged, with the advice, and with a random change.

    python tests/bench/detection/cure.py --keep FOLDER [--results FILE] [--write] [--before FILE]

All trainings fine-tune one YOLO12n: trained once by :data:`RECIPE` on generated shapes (64 px), then given a shifted task,
shapes of another seed with inverted colours. Each case is a fine-tuning that fails because of its arguments. It is
trained with two seeds, and analysed; each of the two is replayed with the other's seed, the same for all arms: unchanged,
which is that other training itself; with all changes of arguments that the analysis advises (without advice that is the
unchanged one); and with as many arguments, at least one, changed at random, drawn from
:data:`PLAUSIBLE`. What a comparison of equal length does not allow (:data:`KEPT`) is not changed. The fine-tuning with
:data:`COMMON` alone and the same seed is the reference.

The outcome is mAP50-95 of the validation set, mean of the last :data:`LAST` epochs; without them (an exception, no number)
it is 0. A case counts if its first training ends below :data:`FAILS` of the reference. A replay is cured if it closes at
least :data:`CLOSES` of the gap between the failed training and the reference of the replay's seed. Cases, values and bars
were fixed before any case was trained, the replays' seeds before any replay. Half of the kinds are for tuning (detectors
and advice were mended by what they showed), half are held out.

Every case leaves its defaults in the arguments that make it fail: who put all arguments back would be cured by
construction. What is measured is whether the advice tells which.

Results are appended to FILE (JSON lines), so that a run that was cut short goes on where it stopped. The advice is computed
anew from the kept first trainings: after a change of a detector only the replays that it touches are trained again. ``--write``
trains nothing and puts the table into README.md beside this file; with ``--before`` it holds the shares of another FILE, too.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(ROOT / "sample_runs"), str(HERE)]

EPOCHS = 10
LAST = 3
FAILS = 0.7
CLOSES = 0.5
SEEDS = (0, 1)
ARMS = ("unchanged", "advised", "random")
DRAWS = 10_000
"""Resamples of the bootstrap."""
VAL_IMAGES = 32
SCORE = "metrics/mAP50-95(B)"

RECIPE: dict[str, Any] = {
    "device": "cpu", "imgsz": 64, "batch": 8, "nbs": 8, "epochs": 20, "optimizer": "AdamW", "lr0": 0.002, "patience": 0,
    "mosaic": 0.0, "close_mosaic": 0, "seed": 0, "plots": False, "verbose": False, "workers": 0, "exist_ok": True,
}  # fmt: skip
"""How the weights are made that all trainings start from: on 128 images of seed 1000."""

COMMON: dict[str, Any] = {
    "device": "cpu", "imgsz": 64, "batch": 4, "nbs": 4, "epochs": EPOCHS, "optimizer": "SGD", "lr0": 0.01, "warmup_epochs": 0.0,
    "warmup_bias_lr": 0.0, "mosaic": 0.0, "close_mosaic": 0, "patience": 0, "plots": False, "verbose": False, "workers": 0,
    "exist_ok": True, "save": False,
}  # fmt: skip
"""The reference: 32 images of seed 2000, validated on 32."""

CASES: dict[str, dict[str, Any]] = {
    "lr0 100 times too high": {"lr0": 1.0},
    "lr0 too high, AdamW": {"optimizer": "AdamW", "lr0": 0.1},
    "lr0 and momentum too high": {"lr0": 0.3, "momentum": 0.98},
    "momentum too high": {"momentum": 0.999},
    "lr0 too low, AdamW": {"optimizer": "AdamW", "lr0": 1e-7},
    "lr0 too low": {"lr0": 1e-6},
    "warm-up longer than the training": {"warmup_epochs": 1000.0},
    "bias warm-up rate too high": {"warmup_bias_lr": 1.0, "warmup_epochs": 10.0},
    "gains: cls takes all": {"box": 0.02, "cls": 50.0, "dfl": 0.02},
    "gains: box takes all": {"box": 200.0, "cls": 0.001, "dfl": 0.02},
    "frozen but for the head": {"freeze": 21},
    "optimizer step every 64 batches": {"nbs": 256},
    "augmentation: turned, tilted, recoloured": {
        "degrees": 180.0, "shear": 45.0, "scale": 0.9, "perspective": 0.001, "hsv_h": 0.5, "hsv_s": 1.0, "hsv_v": 1.0,
    },
    "augmentation: mixed images": {"mosaic": 1.0, "mixup": 1.0, "cutmix": 1.0},
    "weight decay too high": {"weight_decay": 1.0},
    "lr0 too high, RMSProp": {"optimizer": "RMSProp", "lr0": 0.01},
    "lr0 too high, Adam": {"optimizer": "Adam", "lr0": 0.05},
    "lr0 too high, RAdam": {"optimizer": "RAdam", "lr0": 0.1},
    "lr0 too low, RMSProp": {"optimizer": "RMSProp", "lr0": 1e-8},
    "momentum too high, low rate": {"momentum": 0.997, "lr0": 0.005},
    "optimizer step every 40 batches": {"nbs": 160},
    "augmentation: moved, scaled, sheared": {"translate": 0.9, "scale": 0.95, "shear": 80.0, "perspective": 0.001},
    "momentum too high, Adam": {"optimizer": "Adam", "lr0": 0.002, "momentum": 0.9999},
    "gains: all of them next to nothing": {"box": 1e-5, "cls": 1e-5, "dfl": 1e-5},
    "drawn: dropout=0.9, momentum=0.985": {"dropout": 0.9, "momentum": 0.985},
    "drawn: optimizer=AdamW, lr0=0.3, shear=61": {"optimizer": "AdamW", "lr0": 0.3, "shear": 61.0},
    "drawn: cls=60": {"cls": 60.0},
    "drawn: flipud=1, fliplr=1": {"flipud": 1.0, "fliplr": 1.0},
    "drawn: lrf=8e-05": {"lrf": 8e-05},
    "drawn: dfl=100": {"dfl": 100.0},
    "drawn: batch=32, nbs=32, weight_decay=0.4": {"batch": 32, "nbs": 32, "weight_decay": 0.4},
    "drawn: mixup=1": {"mixup": 1.0},
    "drawn: weight_decay=0.04": {"weight_decay": 0.04},
    "drawn: copy_paste=1": {"copy_paste": 1.0},
    "drawn: dfl=30": {"dfl": 30.0},
    "drawn: box=0.002, weight_decay=0.01": {"box": 0.002, "weight_decay": 0.01},
    "drawn: optimizer=Adamax, lr0=4e-07": {"optimizer": "Adamax", "lr0": 4e-07},
    "drawn: cls=0.002, momentum=0.985": {"cls": 0.002, "momentum": 0.985},
    "drawn: nbs=128": {"nbs": 128},
    "drawn: cls=0.006": {"cls": 0.006},
    "drawn: hsv_h=1, hsv_v=1, bgr=1": {"hsv_h": 1.0, "hsv_v": 1.0, "bgr": 1.0},
    "drawn: dfl=2000, freeze=15": {"dfl": 2000.0, "freeze": 15},
    "drawn: mixup=1, cls_pw=1": {"mixup": 1.0, "cls_pw": 1.0},
    "drawn: hsv_h=1, hsv_s=1, hsv_v=1, dfl=0.07": {"hsv_h": 1.0, "hsv_s": 1.0, "hsv_v": 1.0, "dfl": 0.07},
    "drawn: cls_pw=1": {"cls_pw": 1.0},
    "drawn: degrees=175, translate=0.7, scale=0.99, shear=31": {"degrees": 175.0, "translate": 0.7, "scale": 0.99, "shear": 31.0},
    "drawn: lrf=1e-05": {"lrf": 1e-05},
    "drawn: warmup_bias_lr=0.0006": {"warmup_bias_lr": 0.0006},
    "drawn: nbs=200": {"nbs": 200},
    "drawn: lrf=7e-05, nbs=200": {"lrf": 7e-05, "nbs": 200},
    "drawn: lrf=0.4": {"lrf": 0.4},
    "drawn: optimizer=Adam, lr0=7e-08": {"optimizer": "Adam", "lr0": 7e-08},
    "drawn: dropout=0.9": {"dropout": 0.9},
    "drawn: weight_decay=0.03": {"weight_decay": 0.03},
}  # fmt: skip
"""Name and the arguments that make it fail. Those drawn were drawn by chance (one or two of 21 families of arguments, values
far from the default), after detectors and advice had been mended for what the others showed, and are held out."""
TUNING = frozenset(c for c in CASES if not c.startswith("drawn: "))

PLAUSIBLE: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "lr0": lambda old: tuple(min(1.0, old * f) for f in (0.1, 0.5, 2.0, 10.0)),
    "optimizer": lambda old: ("SGD", "AdamW", "MuSGD", "Adam"),
    "momentum": lambda old: (0.8, 0.9, 0.937, 0.95),
    "weight_decay": lambda old: (0.0, 1e-4, 5e-4, 1e-3),
    "warmup_epochs": lambda old: (0.0, 1.0, 3.0, 5.0),
    "warmup_bias_lr": lambda old: (0.0, 0.01, 0.1),
    "nbs": lambda old: (8, 16, 64),
    "box": lambda old: (3.75, 7.5, 15.0),
    "cls": lambda old: (0.25, 0.5, 1.0),
    "dfl": lambda old: (0.75, 1.5, 3.0),
    "lrf": lambda old: (0.01, 0.1, 0.5),
    "cos_lr": lambda old: (True, False),
    "mosaic": lambda old: (0.0, 0.5, 1.0),
    "mixup": lambda old: (0.0, 0.1),
    "degrees": lambda old: (0.0, 10.0),
    "scale": lambda old: (0.2, 0.5),
    "hsv_v": lambda old: (0.2, 0.4),
    "freeze": lambda old: (None, 10),
}
"""What a user might turn, and to which values, given the one in force."""
DEFAULTS: dict[str, Any] = {
    "momentum": 0.937, "weight_decay": 5e-4, "box": 7.5, "cls": 0.5, "dfl": 1.5, "lrf": 0.01, "cos_lr": False, "mixup": 0.0,
    "degrees": 0.0, "scale": 0.5, "hsv_v": 0.4, "freeze": None,
}  # fmt: skip

KEPT = frozenset({"epochs", "model", "imgsz", "resume", "patience", "data", "save", "save_period", "time"})
"""Advice about these is not followed: the replay has the same length, start and data."""

Key = tuple[str, int, str]
Rows = dict[Key, dict[str, Any]]
Judged = tuple[str, int, dict[str, bool]]


def random_change(args: Mapping[str, Any], count: int, seed: str) -> dict[str, Any]:
    """Return new values, other than those in force, of that many arguments, at least one."""
    rng = random.Random(seed)
    in_force = {**DEFAULTS, **COMMON, **args}
    drawn = [
        (n, rng.choice([v for v in PLAUSIBLE[n](in_force[n]) if v != in_force[n]]))
        for n in rng.sample(sorted(PLAUSIBLE), len(PLAUSIBLE))
    ]
    return dict(drawn[: max(count, 1)])


def outcome(run: Any) -> float:
    """Return the score, mean of the last epochs; 0 if the training did not get there, or it is no number."""
    if len(run.epochs) < EPOCHS or SCORE not in run.epochs:
        return 0.0
    score = float(run.epochs[SCORE].tail(LAST).mean(skipna=False))
    return score if math.isfinite(score) else 0.0


def fails(score: float, reference: float) -> bool:
    """Tell whether the first training of a case failed."""
    return score < FAILS * reference


def cured(replay: float, failed: float, reference: float) -> bool:
    """Tell whether a replay closes enough of the gap."""
    return replay - failed >= CLOSES * (reference - failed)


def data_set(folder: Path, seed: int, train: int, inverted: bool, val: int = VAL_IMAGES) -> Path:
    """Write a data set once and return its ``data.yaml``."""
    import cv2
    from shapes import make_dataset

    if not (folder / "data.yaml").exists():
        made = make_dataset(folder.with_suffix(".part"), train=train, val=val, size=64, seed=seed)
        for image in made.parent.glob("images/*/*.png") if inverted else ():
            cv2.imwrite(str(image), 255 - cv2.imread(str(image)))
        made.write_text(made.read_text().replace(str(made.parent.resolve()), str(folder.resolve())))
        made.parent.rename(folder)
    return folder / "data.yaml"


def base_weights(folder: Path) -> Path:
    """Train the common start once and return its checkpoint."""
    import ultralytics

    weights = folder / "yolo12n-shapes.pt"
    if not weights.exists():
        data = data_set(folder / "shapes", 1000, 128, inverted=False)
        ultralytics.YOLO("yolo12n.yaml").train(data=str(data), project=str(folder), name="base", **RECIPE)
        shutil.copy(folder / "base/weights/last.pt", weights)
    return weights


def short_trainer(val: int = VAL_IMAGES) -> type:
    """Return the trainer without the last validation, of best.pt, which nobody reads here; it validates in one batch."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    class Short(DetectionTrainer):  # type: ignore[misc]
        def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> Any:
            """Return the loader."""
            return super().get_dataloader(dataset_path, val if mode == "val" else batch_size, rank, mode)

        def final_eval(self) -> None:
            """Do nothing."""

    return Short


def train(folder: Path, name: str, seed: int, args: Mapping[str, Any]) -> Any:
    """Train once and return the run; what ends in an exception is a run, too."""
    import ultralytics

    from trainwatch.runs import read_run
    from trainwatch_hooks import watch

    data = data_set(folder / "shifted32", 2000, 32, inverted=True)
    weights = base_weights(folder)
    shutil.rmtree(folder / name, ignore_errors=True)
    model = watch(ultralytics.YOLO(str(weights)), report=False)
    try:
        model.train(
            trainer=short_trainer(),
            data=str(data),
            seed=seed,
            project=str(folder),
            name=name,
            **{**COMMON, **args},
        )
    except Exception as error:  # a training that fails is what this is about
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
    for checkpoint in (folder / name).glob("**/*.pt"):
        checkpoint.unlink()
    return read_run(folder / name)


def advice_of(run: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the advised arguments, and the severity of each finding."""
    from trainwatch.analysis import analyse
    from trainwatch.prescription import merged

    result = analyse(run)
    return {c.arg: c.new for c in merged(result.recommendations)}, {f.id: f.severity for f in result.findings}


def measure(folder: Path, results: Path, kinds: frozenset[str]) -> None:
    """Train what FILE does not hold yet."""
    from trainwatch.runs import read_run

    done = read(results)

    def record(case: str, seed: int, arm: str, args: Mapping[str, Any]) -> dict[str, Any]:
        key, name = (case, seed, arm), folder_name(case, seed, arm)
        row = {"case": case, "seed": seed, "arm": arm, "args": dict(args)}
        known = done.get(key)
        if known is None or known["args"] != json.loads(json.dumps(row["args"])):
            row["score"] = outcome(train(folder, name, seed, args))
        else:
            row["score"] = known["score"]
        if arm == "failed":
            row["advised"], row["findings"] = advice_of(read_run(folder / name))
        row = json.loads(json.dumps(row))
        if row != known:
            with results.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
            print(case, seed, arm, f"{row['score']:.3f}", row.get("advised", args), row.get("findings", ""), flush=True)
        done[key] = row
        return row

    for seed in SEEDS:
        record("reference", seed, "reference", {})
    for case in (c for c in CASES if c in kinds):
        for seed in SEEDS:
            record(case, seed, "failed", CASES[case])
        for seed in SEEDS:
            failed = done[case, seed, "failed"]
            if not fails(failed["score"], done["reference", seed, "reference"]["score"]):
                continue
            advice = {k: v for k, v in failed["advised"].items() if k not in KEPT}
            drawn = random_change(CASES[case], len(advice), f"{case} {seed}")
            for arm, change in (("advised", advice), ("random", drawn)):
                if change:
                    record(case, other(seed), arm, {**CASES[case], **change})


def other(seed: int) -> int:
    """Return the seed with which a training is replayed."""
    return SEEDS[1 - SEEDS.index(seed)]


def folder_name(case: str, seed: int, arm: str) -> str:
    """Return where a training is kept."""
    return f"{''.join(c if c.isalnum() else '_' for c in case)}-{seed}-{arm}"


def read(results: Path) -> Rows:
    """Return the last row of each training in FILE."""
    lines = results.read_text().splitlines() if results.exists() else []
    return {(r["case"], r["seed"], r["arm"]): r for r in map(json.loads, lines)}


def judged(rows: Rows) -> list[Judged]:
    """Return the cases that failed, and which arms cured each."""
    found = []
    for case in CASES:
        for seed in SEEDS:
            if (case, seed, "failed") not in rows:
                continue
            first = rows[case, seed, "failed"]
            reference = rows["reference", other(seed), "reference"]["score"]
            if not fails(first["score"], rows["reference", seed, "reference"]["score"]):
                continue
            arms = arm_rows(rows, case, seed)
            if len(arms) == len(ARMS):
                found.append((case, seed, {a: cured(r["score"], first["score"], reference) for a, r in arms.items()}))
    return found


def arm_rows(rows: Rows, case: str, seed: int) -> dict[str, dict[str, Any]]:
    """Return the replays of a case by arm; without advice the advised one is the unchanged one."""
    taken = {"unchanged": "failed", "advised": "advised", "random": "random"}
    if not set(rows[case, seed, "failed"]["advised"]) - KEPT:
        taken["advised"] = "failed"
    return {arm: rows[case, other(seed), a] for arm, a in taken.items() if (case, other(seed), a) in rows}


def share(good: Sequence[bool]) -> str:
    """Return a share with its interval."""
    from corpus import wilson

    if not good:
        return "none"
    low, high = wilson(sum(good), len(good))
    return f"{sum(good)} of {len(good)}: {sum(good) / len(good):.2f} ({low:.2f} to {high:.2f})"


def compared(found: Sequence[Judged], first: str, second: str) -> str:
    """Return a row of the table of differences between two arms."""
    import numpy as np
    from scipy.stats import binomtest

    only = [sum(healed[a] and not healed[b] for _, _, healed in found) for a, b in ((first, second), (second, first))]
    p = binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
    kinds = sorted({case for case, _, _ in found})
    gains = [[healed[first] - healed[second] for case, _, healed in found if case == kind] for kind in kinds]
    rng = np.random.default_rng(0)
    drawn = [np.concatenate([gains[i] for i in rng.integers(len(kinds), size=len(kinds))]).mean() for _ in range(DRAWS)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    mean = (only[0] - only[1]) / len(found)
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f}) | {only[0]} | {only[1]} | {p:.2g}"


def table(rows: Rows, before: Rows | None = None) -> str:
    """Return the result as Markdown: how often each arm cured, the differences in pairs, and case by case."""
    found = judged(rows)
    halves = {
        "all": found,
        "tuning": [f for f in found if f[0] in TUNING],
        "held out": [f for f in found if f[0] not in TUNING],
    }
    head = ["| replayed | cured: all (95 %) | tuning kinds | held-out kinds |", "|---|---|---|---|"]
    for arm in ARMS:
        head.append(f"| {arm} | {' | '.join(share([h[arm] for _, _, h in part]) for part in halves.values())} |")
    old = {(case, seed): healed["advised"] for case, seed, healed in judged(before)} if before else {}
    if old:
        parts = [[old[c, s] for c, s, _ in part if (c, s) in old] for part in halves.values()]
        head.append(f"| advised, before the mending | {' | '.join(share(part) for part in parts)} |")
    head += [
        "",
        "| kinds | difference of the shares (95 %, bootstrap over kinds) | only the first cured | only the second | p (McNemar, exact) |",
        "|---|---|---|---|---|",
    ]
    for name, part in halves.items():
        for arm in ("random", "unchanged") if part else ():
            head.append(f"| {name}: advised - {arm} | {compared(part, 'advised', arm)} |")
    lines = [
        "",
        "| case | kind is | seed | advised | mAP50-95: failed; unchanged, advised, random; reference | cured by |",
        "|---|---|---|---|---|---|",
    ]
    for case, seed, healed in found:
        first, arms = rows[case, seed, "failed"], arm_rows(rows, case, seed)
        advice = ", ".join(f"{k}={v}" for k, v in first["advised"].items() if k not in KEPT) or "nothing"
        scores = ", ".join(f"{arms[a]['score']:.2f}" for a in ARMS)
        usual = rows["reference", other(seed), "reference"]["score"]
        names = ", ".join(a for a, good in healed.items() if good) or "none"
        kind = "tuning" if case in TUNING else "held out"
        lines.append(f"| {case} | {kind} | {seed} | {advice} | {first['score']:.2f}; {scores}; {usual:.2f} | {names} |")
    kept = {(case, seed) for case, seed, _ in found}
    healthy = [
        f"{c} ({s})" for c in CASES for s in SEEDS if (c, s) not in kept and (c, s, "failed") in rows
    ]  # fmt: skip
    note = ["", f"Did not fail, hence not replayed (seed): {', '.join(healthy)}."] if healthy else []
    return "\n".join([*head, *lines, *note])


def main() -> None:
    """Measure, print, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder of the weights, the data and the trainings")
    parser.add_argument("--results", type=Path, help="default: cure.jsonl in that folder")
    parser.add_argument("--before", type=Path, help="results before detectors or advice were mended, for the table")
    parser.add_argument("--kinds", choices=("all", "tuning", "held-out"), default="all", help="which cases are trained")
    parser.add_argument("--write", action="store_true", help="put the table of FILE into README.md, train nothing")
    options = parser.parse_args()
    if options.results is None and options.keep is None:
        parser.error("--keep FOLDER or --results FILE is needed")
    results = options.results or options.keep / "cure.jsonl"
    if not options.write:
        if options.keep is None:
            parser.error("to train, --keep FOLDER is needed")
        import torch
        from ultralytics.utils import LOGGER

        torch.set_num_threads(1)
        LOGGER.setLevel(logging.ERROR)
        kinds = {"all": frozenset(CASES), "tuning": TUNING, "held-out": frozenset(CASES) - TUNING}[options.kinds]
        measure(options.keep.resolve(), results, kinds)
    text = table(read(results), read(options.before) if options.before else None)
    print(text)
    if options.write:
        from page import write_section

        write_section("cure", text)


if __name__ == "__main__":
    main()

"""With and without box copy-paste: spread of the validation loss and the final score, seed by seed.

    python tests/bench/stabilisers/augmentation.py [--seeds 3] [--epochs 16] [--write]

Both sides of a pair get the same arguments (mosaic 0.8, degrees 0, translate 0.1) and the same seed; they differ in
``box_copy_paste`` alone. Spread: standard deviation of the validation loss (sum of its components) over the second half
of the epochs, the slope taken out, since a loss that still falls spreads by falling. Score: mAP50-95 of the last epoch,
and the best one.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path
from statistics import mean

from _bench import write_section

os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARE = 0.3
COMMON = {
    "imgsz": 64, "batch": 8, "nbs": 8, "optimizer": "AdamW", "lr0": 0.002, "warmup_epochs": 1, "close_mosaic": 2,
    "device": "cpu", "workers": 0, "patience": 0, "plots": False, "verbose": False,
}  # fmt: skip


def train(folder: Path, data: Path, seed: int, share: float, epochs: int) -> tuple[float, float, float]:
    """Train once and return (spread of the validation loss, last mAP50-95, best mAP50-95)."""
    import numpy as np
    from ultralytics import YOLO

    from trainwatch.runs import read_run
    from trainwatch_hooks import watch

    model = watch(YOLO("yolo12n.yaml"), report=False, stabilise={"augmentation": {"box_copy_paste": share}})
    model.train(data=str(data), epochs=epochs, seed=seed, project=str(folder), name=f"{seed}-{share:g}", **COMMON)
    rows = read_run(model.trainer.save_dir).epochs
    loss = rows[[c for c in rows if c.startswith("val/")]].sum(axis=1).to_numpy()[epochs // 2 :]
    x = np.arange(len(loss))
    spread = float(np.std(loss - np.polyval(np.polyfit(x, loss, 1), x)))
    score = rows["metrics/mAP50-95(B)"].to_numpy()
    return spread, float(score[-1]), float(score.max())


def table(results: list[tuple[int, tuple[float, float, float], tuple[float, float, float]]], epochs: int) -> str:
    """Return the table and the sentence on what it shows.

    Args:
        results: Seed, without, with.
        epochs: Length of the trainings.
    """
    lines = [
        f"YOLO12n from scratch, 64 images of shapes with box labels, 64 pixels, batch 8, {epochs} epochs, CPU; "
        f"box_copy_paste 0 against {SHARE:g}.",
        "",
        "| seed | spread of validation loss, 0 | with | mAP50-95 at the end, 0 | with | best mAP50-95, 0 | with |",
        "|---|---|---|---|---|---|---|",
    ]
    for seed, a, b in results:
        cells = [f"{v:.4f}" for pair in zip(a, b, strict=True) for v in pair]
        lines.append(f"| {seed} | {' | '.join(cells)} |")
    sentences = []
    for i, (name, better) in enumerate((("spread", -1), ("score at the end", 1), ("best score", 1))):
        change = [b[i] - a[i] for _, a, b in results]
        agreed = all(c * better > 0 for c in change) or all(c * better < 0 for c in change)
        direction = "lower" if mean(change) < 0 else "higher"
        verdict = f"{direction} in all {len(change)} pairs" if agreed else "not shown, the pairs disagree"
        sentences.append(f"{name}: mean change {mean(change):+.4f}, {verdict}")
    chance = f"{len(results)} pairs agree by chance in 1 of {2 ** max(len(results) - 1, 0)} trials"
    note = f"Trainings this short and this few say nothing of 600 epochs; {chance}."
    return "\n".join([*lines, "", f"Effect. {'; '.join(sentences)}. {note}"])


def main() -> None:
    """Train the pairs and print the table after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    import torch
    from shapes import make_dataset

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    logging.getLogger("ultralytics").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        data = make_dataset(Path(folder) / "data", train=64, val=32, size=64, polygons=False)
        results = []
        for seed in range(given.seeds):
            # The order alternates: whatever drifts on the machine hits both sides.
            pair = {}
            for share in (0.0, SHARE) if seed % 2 == 0 else (SHARE, 0.0):
                pair[share] = train(Path(folder) / "runs", data, seed, share, given.epochs)
            results.append((seed, pair[0.0], pair[SHARE]))
            print(table(results, given.epochs), flush=True)
            if given.write:
                write_section("augmentation", table(results, given.epochs).split("\n"))


if __name__ == "__main__":
    main()

"""Curves of healthy trainings in many shapes, as an Ultralytics log of epochs would hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import make_run

from trainwatch.runs import Run

SHAPES = (
    "exponential", "power", "cosine end", "heavy tails", "short", "fine-tune", "tiny with repeats", "close mosaic", "one cycle",
    "late start", "losses only", "noisy validation", "classifier", "early stop", "warm-up dip",
)  # fmt: skip
"""Every shape is a training in which nothing is wrong; some end by patience, some at a ceiling."""


def healthy(shape: str, seed: int) -> Run:
    """Make one healthy run of a shape."""
    rng = np.random.default_rng([SHAPES.index(shape), seed])
    n = int(rng.integers(5, 25)) if shape == "short" else int(rng.integers(40, 300))
    x = np.arange(n) / max(n - 1, 1)
    progress = _progress(shape, x, n, rng)
    top = rng.uniform(0.97, 0.99) if shape == "classifier" else rng.uniform(0.15, 0.85)
    start = rng.uniform(0.85, 0.99) if shape == "fine-tune" else rng.uniform(0.0, 0.3)
    noise = rng.uniform(0.002, 0.015) * (2.0 if shape == "noisy validation" else 1.0)
    drawn = rng.standard_t(2.5, n) if shape == "heavy tails" else rng.normal(0, 1, n)
    noise_now = noise * (1.0 - 0.5 * x)
    score = np.clip(top * (start + (1 - start) * progress) * (1 + noise_now * np.clip(drawn, -8, 8)), 1e-5, 1.0)
    lr = _rate(shape, x, rng)
    columns: dict[str, Any] = {"lr/pg0": lr}
    for name in ("box_loss", "cls_loss", "dfl_loss"):
        high, share = rng.uniform(1, 4), rng.uniform(0.3, 0.7)
        floor = share * high if shape != "fine-tune" else 0.97 * high
        smooth = floor + (high - floor) * (1 - progress)
        # Training goes a little further than validation, in every healthy training.
        columns[f"train/{name}"] = smooth * (1 - 0.1 * x) * (1 + rng.normal(0, 0.006, n))
        columns[f"val/{name}"] = 1.05 * smooth * (1 + noise_now * rng.normal(0, 1, n))
    args: dict[str, Any] = {"epochs": n, "patience": 100, "close_mosaic": 0, "warmup_epochs": 3.0, "val": True}
    planned = n
    if shape == "close mosaic" and n > 25:
        args["close_mosaic"] = 10
        score[-10:] = np.minimum(score[-10:] * rng.uniform(1.03, 1.15), 1.0)
        for name, value in columns.items():
            if name.startswith("train/"):
                value[-10:] *= rng.uniform(0.8, 1.2)
            elif name.startswith("val/"):
                value[-10:] *= rng.uniform(0.7, 1.0)
    if shape == "warm-up dip":
        score[1:4] *= rng.uniform(0.4, 0.7)
    if shape == "tiny with repeats":
        columns, score = _repeated(columns, score, rng)
    if shape == "early stop":
        best = int(n * rng.uniform(0.6, 0.8))
        score[best] = 1.002 * score.max()
        planned, args["patience"] = 3 * n, n - 1 - best
        args["epochs"] = planned
    epochs = {**columns, "metrics/mAP50-95(B)": score, "fitness": score}
    if shape == "losses only":
        epochs = {k: v for k, v in columns.items() if k.startswith(("train/", "val/"))}
    return make_run(epochs=epochs, source="ultralytics-csv", planned_epochs=planned, args=args, trainer="ultralytics")


def _progress(shape: str, x: Any, n: int, rng: np.random.Generator) -> Any:
    """Return how much of what can be learnt is learnt, 0 to 1, shape (n,)."""
    if shape == "power":
        return 1 - (1 + x * n / rng.uniform(3, 15)) ** -rng.uniform(0.5, 1.0)
    if shape in ("cosine end", "one cycle"):
        return 0.7 * (1 - np.exp(-x * rng.uniform(5, 20))) + 0.3 * (1 - np.cos(np.pi * x)) / 2
    if shape == "late start":
        return 1 / (1 + np.exp(-(x - rng.uniform(0.05, 0.2)) * rng.uniform(20, 40)))
    return 1 - np.exp(-x * (rng.uniform(10, 20) if shape == "early stop" else rng.uniform(3, 12)))


def _rate(shape: str, x: Any, rng: np.random.Generator) -> Any:
    """Return the learning rate, shape (n,)."""
    if shape == "one cycle":
        return 0.01 * np.where(x < 0.3, x / 0.3 + 0.04, (1 + np.cos(np.pi * (x - 0.3) / 0.7)) / 2 + 1e-4)
    if shape == "early stop":
        return 0.01 * (1 - 0.33 * x)
    if rng.random() < 0.5:
        return 0.01 * ((1 + np.cos(np.pi * x)) / 2 * 0.99 + 0.01)
    return 0.01 * (1 - 0.99 * x)


def _repeated(columns: dict[str, Any], score: Any, rng: np.random.Generator) -> tuple[dict[str, Any], Any]:
    """Repeat 45 % of the validated rows exactly: less than one optimizer step fell into their epoch."""
    n = len(score)
    source = np.arange(n)
    for i in range(1, n):
        if rng.random() < 0.45:
            source[i] = source[i - 1]
    return {k: v[source] if k.startswith("val/") else v for k, v in columns.items()}, score[source]

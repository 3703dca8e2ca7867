"""Traces for judging detectors: event-free noise in every column, and the toy faults. SYNTHETIC throughout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from synthetic import make_run

from trainwatch.runs import Run

Floats = npt.NDArray[np.float64]
GIB = 2**30
MIB = 2**20

NOISE: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "log-normal, sigma 0.25": lambda rng, n: 0.25 * rng.normal(size=n),
    "log-normal, sigma 0.5": lambda rng, n: 0.5 * rng.normal(size=n),
    "Student t3 in log, scale 0.25": lambda rng, n: 0.25 * rng.standard_t(3, n),
    "Student t3 in log, scale 0.5": lambda rng, n: 0.5 * rng.standard_t(3, n),
}
"""Noise of the logarithm; the last is wilder than any healthy training recorded here."""

END = [
    {"kind": "start", "time_s": 0.0, "epoch": 0, "step": 0},
    {"kind": "end", "time_s": 1e9, "data": {"reason": "completed"}},
]


def event_free(kind: str, seed: int, steps: int = 20_000, steps_per_epoch: int = 100) -> Run:
    """Make a run in which nothing happens: levels that fall smoothly, noise in all columns, one epoch row per epoch.

    Args:
        kind: A key of :data:`NOISE`.
        seed: Of all noise.
        steps: Steps.
        steps_per_epoch: Steps per epoch.
    """
    rng = np.random.default_rng([seed, list(NOISE).index(kind)])
    noise = NOISE[kind]
    t = np.arange(steps) / steps
    fall = 0.25 + 0.75 * np.exp(-5 * t)

    def noisy(level: Any, n: int = steps) -> Floats:
        values: Floats = level * np.exp(noise(rng, n))
        return values

    def memory(level: float) -> npt.NDArray[np.int64]:
        """Bytes: bounded noise, since a machine has bounds."""
        return (level * GIB * np.exp(0.25 * rng.normal(size=steps))).astype(np.int64)

    box, cls, dfl = noisy(1.5 * fall), noisy(1.2 * fall), noisy(1.3 * (0.5 + 0.5 * fall))
    warm = np.minimum(np.arange(steps) / (3 * steps_per_epoch), 1.0)
    lr = 0.01 * warm * (0.01 + 0.99 * (1 + np.cos(np.pi * t)) / 2)
    skipped = (np.arange(steps) % 2010) == 2009
    columns: dict[str, Any] = {
        "loss": 16 * (box + cls + dfl), "loss/box_loss": box, "loss/cls_loss": cls, "loss/dfl_loss": dfl,
        "gain/box_loss": np.full(steps, 7.5), "gain/cls_loss": np.full(steps, 0.5), "gain/dfl_loss": np.full(steps, 1.5),
        "grad_norm": noisy(3000 * fall), "grad_norm/model.0": noisy(300 * fall), "grad_norm/model.9": noisy(900 * fall),
        "lr/pg0": lr, "lr/pg1": np.maximum(lr, 0.1 * (1 - warm)), "momentum": np.full(steps, 0.937),
        "batch_size": np.full(steps, 16), "accumulate": np.ones(steps, np.int64), "optimizer_stepped": np.ones(steps, bool),
        "amp_scale": np.where(np.cumsum(skipped) % 2 == 0, 65536.0, 32768.0), "amp_skipped": skipped,
        "rss_bytes": 4 * GIB + memory(0.01),
        "vram_allocated_bytes": GIB + memory(0.05),
        "vram_reserved_bytes": np.full(steps, 9 * GIB), "vram_peak_bytes": np.full(steps, 8 * GIB),
        "vram_inactive_split_bytes": memory(0.2), "vram_free_bytes": np.full(steps, 6 * GIB),
        "data_s": noisy(0.005), "step_s": noisy(0.1), "instances": np.ceil(np.minimum(noisy(60.0), 1e6)).astype(np.int64),
        "image_size": np.full(steps, 640), "time_s": np.arange(steps) * 0.105,
    }  # fmt: skip
    n = steps // steps_per_epoch
    e = np.arange(n) / n
    means = {k: v[: n * steps_per_epoch].reshape(n, -1).mean(axis=1) for k, v in
             (("train/box_loss", box), ("train/cls_loss", cls), ("train/dfl_loss", dfl))}  # fmt: skip
    small = 0.1  # a validation averages over its images
    score = 0.6 * (1 - np.exp(-3 * e)) * np.exp(small * 0.1 * noise(rng, n))
    epochs: dict[str, Any] = {
        **means,
        **{f"val/{k}_loss": v * (0.3 + 0.7 * np.exp(-3 * e)) * np.exp(small * noise(rng, n)) for k, v in
           (("box", 1.6), ("cls", 1.3), ("dfl", 1.4))},
        "metrics/mAP50-95(B)": score, "metrics/mAP50(B)": np.minimum(1.4 * score, 1.0), "fitness": score,
        "lr/pg0": lr[steps_per_epoch - 1 :: steps_per_epoch][:n], "time_s": (np.arange(n) + 1) * steps_per_epoch * 0.105,
    }  # fmt: skip
    return make_run(
        columns, epochs, steps_per_epoch=steps_per_epoch, events=END, trainer="ultralytics", planned_epochs=n,
        args={"lr0": 0.01, "optimizer": "SGD", "copy_paste": 0.1, "warmup_epochs": 3.0, "close_mosaic": 0, "patience": 0},
        requested={"lr0": 0.01, "optimizer": "SGD"}, dataset={"has_polygons": True},
        hardware={"memory_limit_bytes": 32 * GIB, "gpus": [{"name": "synthetic", "total_bytes": 16 * GIB}]},
    )  # fmt: skip

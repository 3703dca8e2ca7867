"""Do the checks find a fault that is put into a healthy curve of any shape, and do two findings never contradict?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from healthy_curves import SHAPES, healthy

from trainwatch.detectors.base import Detector
from trainwatch.registry import members
from trainwatch.result import Finding
from trainwatch.runs import Run

SEEDS = range(2)
LONG = tuple(s for s in SHAPES if s not in ("short", "losses only", "early stop"))
"""Shapes with enough validated epochs and a score."""

CONTRADICT = (
    {"no-learning", "plateau"}, {"missing-labels", "no-learning"}, {"metrics-not-measured", "metric-frozen"},
    {"metrics-not-measured", "no-learning"}, {"no-learning", "underfitting"}, {"truncated-run", "underfitting"},
    {"truncated-run", "early-stopped"}, {"nonfinite-validation", "transient-nonfinite"}, {"plateau", "metric-frozen"},
    {"premature-early-stop", "truncated-run"}, {"underfitting", "plateau"},
)  # fmt: skip
"""Pairs that no run may be told at once."""

Columns = dict[str, Any]


def val(columns: Columns) -> list[str]:
    return [n for n in columns if n.startswith("val/")]


def poisoned(c: Columns, n: int) -> None:
    at = n // 3
    for name in val(c):
        c[name][at:] = np.nan
    for name in ("fitness", "metrics/mAP50-95(B)"):
        c[name][at:] = c[name][at - 1]


def overfits(c: Columns, n: int) -> None:
    ramp = np.clip(np.arange(n) / n - 0.4, 0, None) / 0.6
    for name in val(c):
        c[name] *= 1 + 0.8 * ramp
    for name in ("fitness", "metrics/mAP50-95(B)"):
        c[name] *= 1 - 0.35 * ramp


def never_learns(c: Columns, n: int) -> None:
    for name in ("fitness", "metrics/mAP50-95(B)"):
        c[name] *= 1e-3


def explodes(c: Columns, n: int) -> None:
    for name in c:
        if name.startswith("train/"):
            c[name][n // 2 :] *= np.geomspace(3, 100, n - n // 2)


def falls(c: Columns, n: int) -> None:
    for name in ("fitness", "metrics/mAP50-95(B)"):
        c[name][-(n // 5) :] *= 0.5


def blank_labels(c: Columns, n: int) -> None:
    never_learns(c, n)
    for name in ("train/box_loss", "val/box_loss", "train/dfl_loss", "val/dfl_loss"):
        c[name][:] = 0.0


def swings(c: Columns, n: int) -> None:
    noise = 1 + np.random.default_rng(n).normal(0, 0.2, n)
    for name in ("fitness", "metrics/mAP50-95(B)"):
        c[name] *= noise


def overflows_once(c: Columns, n: int) -> None:
    c["val/cls_loss"][:2] = np.inf


FAULTS: dict[str, Callable[[Columns, int], None]] = {
    "nonfinite-validation": poisoned, "metric-frozen": poisoned, "overfitting": overfits, "no-learning": never_learns,
    "loss-explosion": explodes, "degraded-after-best": falls, "missing-labels": blank_labels, "unstable-training": swings,
    "transient-nonfinite": overflows_once,
}  # fmt: skip


def injected(shape: str, seed: int, fault: Callable[[Columns, int], None]) -> Run:
    run = healthy(shape, seed)
    columns = {n: run.epoch_table[n].to_numpy(zero_copy_only=False).copy() for n in run.epoch_table.column_names}
    fault(columns, len(columns["epoch"]))
    table = pa.table({n: pa.array(v) for n, v in columns.items()})
    return Run(run.path, run.source, epochs=table, meta=run.meta)


def detect(run: Run) -> list[Finding]:
    every = members("trainwatch.detectors", Detector).values()
    return [f for d in every if d.missing(run) is None for f in d.detect(run)]


def contradictions(findings: list[Finding]) -> list[set[str]]:
    told = {f.id for f in findings}
    return [pair for pair in CONTRADICT if pair <= told]


@pytest.mark.parametrize("id", FAULTS)
def test_an_injected_fault_is_found_and_nothing_contradicts_it(id: str) -> None:
    runs = [(shape, seed) for shape in LONG for seed in SEEDS]
    missed = []
    for shape, seed in runs:
        findings = detect(injected(shape, seed, FAULTS[id]))
        if id not in {f.id for f in findings}:
            missed.append((shape, seed))
        assert contradictions(findings) == [], (shape, seed)
    assert len(missed) <= len(runs) / 10, missed

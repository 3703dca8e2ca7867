"""What the score of a run is made of: found in the record's own numbers, because the formula changed between versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from trainwatch.runs import Run
from trainwatch.runs.run import Floats

TOLERANCE = 2e-5
"""How far a formula may miss a score: results.csv holds five digits."""
WEIGHTS = (("mAP50-95", 0.0, 1.0), ("0.1 mAP50 + 0.9 mAP50-95", 0.1, 0.9))
"""Formula, weight of mAP50, weight of mAP50-95: Ultralytics 8.4 utils/metrics.py, Metric.fitness, of today and before."""
PARTS = {"B": "boxes", "M": "masks", "P": "poses"}
"""What the letter behind a metric's name stands for; a fitness is the sum over them."""


class _Formula(NamedTuple):
    words: str
    values: Floats
    full: int


def score_in_words(run: Run) -> str:
    """Say what the score is and what would be perfect; empty where no known formula gives it."""
    fitness = run.epoch_series("fitness")
    if not len(fitness) or not fitness.finite.any():
        return ""
    for formula in _formulas(run, fitness.epoch):
        both = fitness.finite & np.isfinite(formula.values)
        if both.any() and np.allclose(fitness.values[both], formula.values[both], rtol=1e-3, atol=TOLERANCE):
            return f"fitness: {formula.words} of the validation images; {formula.full} is perfect"
    return ""


def _formulas(run: Run, epochs: np.ndarray) -> Iterator[_Formula]:
    """Yield what the score may be, with the values that it would have in these epochs."""

    def column(name: str) -> Floats:
        found = run.epoch_series(f"metrics/{name}")
        at = {int(e): float(v) for e, v in zip(found.epoch, found.values, strict=True)}
        return np.array([at.get(int(e), np.nan) for e in epochs])

    names = [n.removeprefix("epochs.metrics/") for n in run.column_names() if n.startswith("epochs.metrics/")]
    letters = [m[1] for n in names if (m := re.fullmatch(r"mAP50-95\((\w)\)", n)) and f"mAP50({m[1]})" in names]
    for kept in (letters, letters[:1]) if len(letters) > 1 else (letters,):
        of = "" if len(kept) < 2 else f" ({' + '.join(PARTS.get(k, k) for k in kept)})"
        for words, half, strict in WEIGHTS if kept else ():
            values = sum((half * column(f"mAP50({k})") + strict * column(f"mAP50-95({k})") for k in kept), np.zeros(()))
            yield _Formula(f"{words}{of}", values, len(kept))
    if {"accuracy_top1", "accuracy_top5"} <= set(names):
        yield _Formula("mean of top-1 and top-5 accuracy", (column("accuracy_top1") + column("accuracy_top5")) / 2, 1)

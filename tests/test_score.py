from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.runs import Run
from trainwatch.score import score_in_words

HALF, STRICT, TOP = np.linspace(0, 0.6, 12), np.linspace(0, 0.3, 12) ** 1.1, np.linspace(0.2, 0.9, 12)
BOX = {"metrics/mAP50(B)": HALF, "metrics/mAP50-95(B)": STRICT}
MASK = {"metrics/mAP50(M)": 0.7 * HALF, "metrics/mAP50-95(M)": 0.5 * STRICT}


def run(fitness: Any, **columns: Any) -> Run:
    return make_run(None, {"fitness": fitness, **columns})


@pytest.mark.parametrize(
    ("fitness", "columns", "words"),
    [
        (STRICT, BOX, "fitness: mAP50-95 of the validation images; 1 is perfect"),
        (0.1 * HALF + 0.9 * STRICT, BOX, "fitness: 0.1 mAP50 + 0.9 mAP50-95 of the validation images; 1 is perfect"),
        (1.5 * STRICT, {**BOX, **MASK}, "fitness: mAP50-95 (boxes + masks) of the validation images; 2 is perfect"),
        ((TOP + HALF) / 2, {"metrics/accuracy_top1": HALF, "metrics/accuracy_top5": TOP},
         "fitness: mean of top-1 and top-5 accuracy of the validation images; 1 is perfect"),
        (0.5 * STRICT, BOX, ""),
        (STRICT, {}, ""),
        (np.full(12, np.nan), BOX, ""),
        (np.where(np.arange(12) == 3, np.nan, STRICT), BOX, "fitness: mAP50-95 of the validation images; 1 is perfect"),
    ],
)  # fmt: skip
def test_the_formula_is_found_in_the_numbers(fitness: Any, columns: dict[str, Any], words: str) -> None:
    assert score_in_words(run(fitness, **columns)) == words


def test_a_run_without_a_score() -> None:
    assert score_in_words(make_run({"loss": np.ones(5)})) == ""

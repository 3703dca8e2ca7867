from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.tiny_validation import TinyValidation
from trainwatch.result import Finding


def detect(score: np.ndarray, name: str = "metrics/accuracy_top1") -> list[Finding]:
    return TinyValidation().detect(make_run(None, {name: score}))


@pytest.mark.parametrize("n", [6, 9, 12, 17])
@pytest.mark.parametrize("digits", [5, 12])
def test_the_number_of_samples_is_told(n: int, digits: int) -> None:
    rng = np.random.default_rng(n)
    score = np.round(np.r_[rng.integers(0, n + 1, 40), [1, n - 1]] / n, digits)
    (finding,) = detect(score)
    assert finding.severity == "warning"
    assert finding.detail["samples"] == n


def test_larger_sets_and_averages_are_quiet() -> None:
    rng = np.random.default_rng(0)
    assert detect(rng.integers(0, 101, 40) / 100) == []
    assert detect(rng.random(40)) == []
    assert detect(np.round(rng.random(40), 2)) == [], "two digits are no hundred samples"


def test_what_hardly_varies_or_is_short_or_a_loss_is_quiet() -> None:
    assert detect(np.r_[np.zeros(20), np.full(20, 0.5)]) == []
    assert detect(np.array([0.25, 0.5, 0.75])) == []
    assert detect(np.tile([0.25, 0.5, 0.75], 10), "val/loss") == []


@pytest.mark.parametrize(("samples", "epochs", "told"), [(12, 40, True), (21, 40, False), (12, 9, False)])
def test_what_was_counted_needs_no_score_that_varies(samples: int, epochs: int, told: bool) -> None:
    run = make_run(None, {"metrics/mAP50": np.full(epochs, 0.375)}, dataset={"val_images": samples})
    found = TinyValidation().detect(run)
    assert [f.title for f in found] == ["The validation set holds 12 samples"] * told
    assert TinyValidation().missing(make_run(dataset={"val_images": samples})) is None

from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.unshuffled_data import UnshuffledData
from trainwatch.result import Finding

EPOCHS, BATCHES = 12, 20


def detect(loss: np.ndarray, batches: int = BATCHES) -> list[Finding]:
    return UnshuffledData().detect(make_run({"loss": loss.ravel()}, steps_per_epoch=batches))


def losses(seed: int, by_place: float, noise: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    place = rng.normal(size=BATCHES)
    falling = np.exp(-np.arange(EPOCHS)[:, None] / 6 - 0.02 * np.arange(BATCHES))
    return falling * np.exp(by_place * place + noise * rng.normal(size=(EPOCHS, BATCHES)))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_order_in_every_epoch_is_found(seed: int) -> None:
    (finding,) = detect(losses(seed, 0.4))
    assert finding.severity == "warning"
    assert finding.onset is not None
    assert finding.onset.step == 0
    assert finding.measured is not None
    assert finding.measured.value > 0.4


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_batches_are_quiet_whatever_their_tail(seed: int) -> None:
    assert detect(losses(seed, 0.0)) == []
    heavy = np.exp(np.random.default_rng(seed).standard_t(3, (EPOCHS, BATCHES)))
    assert detect(heavy) == []


def test_a_loss_that_falls_within_each_epoch_is_no_order() -> None:
    rng = np.random.default_rng(0)
    fall = np.exp(-0.1 * np.arange(BATCHES)) * np.exp(0.1 * rng.normal(size=(EPOCHS, BATCHES)))
    assert detect(fall) == []


def test_a_smaller_last_batch_is_no_order() -> None:
    loss = losses(0, 0.0)
    loss[:, -1] *= 0.2
    assert detect(loss) == []


def test_too_few_epochs_or_batches_are_quiet() -> None:
    assert detect(losses(0, 1.0)[:4]) == []
    assert detect(losses(0, 1.0)[:, :8], batches=8) == []

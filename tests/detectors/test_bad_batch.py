from __future__ import annotations

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.bad_batch import BadBatch
from trainwatch.result import Finding


def detect(loss: np.ndarray) -> list[Finding]:
    return BadBatch().detect(make_run({"loss": loss}))


def test_single_batches_are_listed() -> None:
    loss = lognormal(3000, 0.15)
    loss[[1000, 2000]] *= 300
    (finding,) = detect(loss)
    assert finding.severity == "info"
    assert finding.detail == {"steps": [1000, 2000], "batch": 0}
    assert finding.onset is not None
    assert finding.onset.step == 1000


def test_one_that_takes_a_few_steps_to_get_over_counts_once() -> None:
    loss = lognormal(1000, 0.2)
    loss[500:506] *= [500, 100, 60, 30, 15, 11]
    assert detect(loss)[0].detail["steps"] == [500]


def test_an_explosion_and_a_lasting_rise_are_no_bad_batches() -> None:
    loss = lognormal(1000, 0.3)
    loss[500:] *= 1000
    assert detect(loss) == []
    loss = lognormal(1000, 0.3)
    loss[500:560:5] *= 1000
    assert detect(loss) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_quiet(seed: int) -> None:
    assert detect(lognormal(20_000, 0.5, seed=seed)) == []
    assert detect(np.exp(0.25 * np.random.default_rng(seed).standard_t(3, 20_000))) == []


def test_short_nan_and_the_last_step_are_quiet() -> None:
    assert detect(np.ones(10)) == []
    assert detect(np.full(100, np.nan)) == []
    assert detect(np.r_[lognormal(100, 0.1), 1e9]) == []

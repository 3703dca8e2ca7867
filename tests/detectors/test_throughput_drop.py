from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.throughput_drop import ThroughputDrop
from trainwatch.result import Finding


def detect(work: Any, wait: Any = 0.01, **columns: Any) -> list[Finding]:
    return ThroughputDrop().detect(
        make_run({"step_s": work, "data_s": np.broadcast_to(wait, len(work)).copy(), **columns})
    )


def test_a_lasting_drop_is_dated_and_priced() -> None:
    work = lognormal(2000, 0.3, 0.1)
    work[1000:] *= 2
    (finding,) = detect(work)
    assert finding.onset is not None
    assert 950 <= (finding.onset.step or 0) <= 1050
    assert finding.end is None
    assert finding.detail["part"] == "work"
    assert finding.detail["lost_s"] == pytest.approx(100, rel=0.3)


def test_one_that_ends_has_an_end_and_the_wait_is_told_apart() -> None:
    wait = np.full(3000, 0.02)
    wait[1000:2000] = 0.2
    (finding,) = detect(lognormal(3000, 0.2, 0.1), wait)
    assert finding.end is not None
    assert 1900 <= (finding.end.step or 0) <= 2050
    assert finding.detail["part"] == "data"
    assert finding.series == "data_s"


def test_larger_images_are_no_drop() -> None:
    size = np.r_[np.full(1000, 320), np.full(1000, 640)]
    work = lognormal(2000, 0.2, 0.1) * (size / 320.0) ** 2
    assert detect(work, 0.0, image_size=size) == []


def test_single_slow_steps_and_short_stretches_are_quiet() -> None:
    work = lognormal(5000, 0.3, 0.1)
    work[::40] *= 100
    work[2000:2200] *= 5
    assert detect(work) == []


@pytest.mark.parametrize("seed", range(5))
def test_heavy_tails_are_quiet(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert detect(0.1 * np.exp(0.5 * rng.standard_t(3, 20_000))) == []


def test_faster_short_and_nan_are_quiet() -> None:
    assert detect(np.r_[np.full(1000, 0.4), np.full(1000, 0.1)]) == []
    assert detect(np.full(100, 0.1)) == []
    assert detect(np.full(2000, np.nan)) == []


def test_the_onset_is_dated_to_a_few_steps_and_a_cheap_drop_is_information() -> None:
    work = lognormal(2000, 0.1, 0.1)
    work[1020:] *= 3
    (finding,) = detect(work)
    assert finding.severity == "warning"
    assert finding.onset is not None
    assert abs((finding.onset.step or 0) - 1020) <= 2
    (finding,) = detect(work / 100, 0.0)
    assert finding.severity == "info", "two seconds are not worth a warning"


def test_a_short_run_is_judged_by_shorter_blocks_and_a_larger_ratio() -> None:
    work = lognormal(144, 0.35, 0.3)
    work[60:] += 0.6
    (finding,) = detect(work)
    assert finding.severity == "info", "less than a minute was lost"
    assert finding.onset is not None
    assert 55 <= (finding.onset.step or 0) <= 65
    slower = lognormal(144, 0.35, 0.3)
    slower[60:] *= 1.6
    assert detect(slower) == [], "within the noise of so few steps"

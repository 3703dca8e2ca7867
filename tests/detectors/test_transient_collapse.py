from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.transient_collapse import TransientCollapse


def detect(places: slice | list[int], share: float = 0.2, args: dict | None = None, n: int = 100) -> list:
    columns = curves(n)
    columns[SCORE][places] *= share
    return TransientCollapse().detect(epoch_log(columns, args=args))


def test_one_epoch_and_several() -> None:
    (finding,) = detect([60])
    assert finding.severity == "info"
    assert (finding.onset.epoch, finding.end.epoch) == (60, 60)
    assert finding.measured.value == pytest.approx(0.8, abs=0.05)
    (finding,) = detect(slice(60, 68))
    assert (finding.onset.epoch, finding.end.epoch) == (60, 67)


def test_two_dips_are_one_finding_and_three_are_unstable_training() -> None:
    (finding,) = detect([40, 70])
    assert finding.detail["dips"] == 2
    assert detect([40, 60, 80]) == []


@pytest.mark.parametrize(
    ("places", "share", "why"),
    [
        ([60], 0.7, "shallow"),
        (slice(60, 100), 0.2, "it never came back"),
        (slice(60, 85), 0.2, "too long for a moment"),
        ([1, 2], 0.1, "warm-up"),
        (slice(0, 0), 1.0, "healthy"),
    ],
)
def test_quiet(places: slice | list[int], share: float, why: str) -> None:
    assert detect(places, share) == [], why


def test_at_the_close_of_mosaic_it_is_expected() -> None:
    assert detect([91], args={"close_mosaic": 10}) == []


def test_a_score_that_starts_is_unsteady() -> None:
    columns = curves()
    columns[SCORE] = np.where(np.arange(100) % 9 == 0, 1e-4, 0.03)
    assert TransientCollapse().detect(epoch_log(columns)) == []

from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.amp_scale_collapse import AmpScaleCollapse
from trainwatch.result import Finding


def scales(skips: np.ndarray, start: float = 65536.0, grow_after: int = 2000) -> np.ndarray:
    """The scaler's arithmetic: halved on a skip, doubled after so many clean steps."""
    out, scale, clean = np.empty(len(skips)), start, 0
    for i, skip in enumerate(skips):
        scale, clean = (scale / 2, 0) if skip else (scale, clean + 1)
        if clean == grow_after:
            scale, clean = scale * 2, 0
        out[i] = scale
    return out


def detect(scale: np.ndarray, **columns: object) -> list[Finding]:
    return AmpScaleCollapse().detect(make_run({"amp_scale": scale, **columns}))


def test_a_collapse_is_found_at_its_onset_and_is_critical_while_it_lasts() -> None:
    skips = np.zeros(1000, bool)
    skips[600:700] = True
    skips[700::3] = True
    (finding,) = detect(scales(skips))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert 600 <= (finding.onset.step or 0) <= 606
    assert finding.detail["lowest_scale"] < 1


def test_one_that_recovers_is_a_warning() -> None:
    skips = np.zeros(4000, bool)
    skips[600:608] = True
    (finding,) = detect(scales(skips))
    assert finding.severity == "warning"
    assert "recovered" in finding.summary
    assert finding.end is not None
    assert 600 <= (finding.end.step or 0) <= 608


def test_recorded_skips_count_without_a_fall_between_the_rows() -> None:
    skipped = np.zeros(500, bool)
    skipped[300:330:2] = True
    (finding,) = detect(np.full(500, 1024.0), amp_skipped=skipped)
    assert finding.onset is not None
    assert (finding.onset.step or 0) >= 300


def test_skips_among_gathered_batches_are_counted_per_optimizer_step() -> None:
    """With 8 micro-batches a step, one skip in 20 optimizer steps is one in 160 rows."""
    skips = np.zeros(400, bool)
    skips[150:400:10] = True
    stepped = np.arange(3200) % 8 == 7
    assert detect(np.repeat(scales(skips), 8), optimizer_stepped=stepped)


@pytest.mark.parametrize(
    "skips",
    [
        np.zeros(5000, bool),
        np.arange(5000) < 12,  # looking for its level at the start
        np.arange(40_000) % 2010 == 2009,  # one in 2000: how it probes
        np.arange(500) == 300,
    ],
    ids=["none", "at the start", "probing", "one"],
)
def test_a_healthy_scaler_is_quiet(skips: np.ndarray) -> None:
    assert detect(scales(skips)) == []


def test_nan_and_short_records_are_quiet() -> None:
    assert detect(np.full(300, np.nan)) == []
    assert detect(np.full(5, 0.5)) == []

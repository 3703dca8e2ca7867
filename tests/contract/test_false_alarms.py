"""What the checks say about trainings in which nothing is wrong: 210 synthetic curves of 15 shapes."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from healthy_curves import SHAPES, healthy

from trainwatch.detectors.base import Detector
from trainwatch.registry import members

SEEDS = range(14)
FAULTS = (
    "nonfinite-loss", "nonfinite-validation", "loss-explosion", "no-learning", "metric-frozen", "missing-labels", "metrics-not-measured",
    "restarted-log", "truncated-run", "degraded-after-best",
)  # fmt: skip
"""Checks that say something definite; on a healthy curve not one of them may speak, not even as information."""


@cache
def found(shape: str) -> tuple[tuple[str, str, int], ...]:
    """Return (id, severity, seed) of every finding."""
    told = []
    for seed in SEEDS:
        run = healthy(shape, seed)
        for detector in members("trainwatch.detectors", Detector).values():
            told += [(f.id, f.severity, seed) for f in detector.detect(run)] if detector.missing(run) is None else []
    return tuple(told)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_critical_and_nothing_definite(shape: str) -> None:
    assert [f for f in found(shape) if f[1] == "critical" or f[0] in FAULTS] == []


def test_warnings_are_rare() -> None:
    """One healthy run in forty at most, and in no shape more than two of fourteen."""
    warned = {shape: {seed for _, severity, seed in found(shape) if severity == "warning"} for shape in SHAPES}
    assert sum(map(len, warned.values())) <= len(SHAPES) * len(SEEDS) / 40, warned
    assert max(map(len, warned.values())) <= 2, warned


def test_information_is_rare_but_for_what_is_true() -> None:
    """A converged run has converged, a stop by patience is one, mosaic was closed; the rest is noise."""
    told = Counter(
        f[0] for shape in SHAPES for f in found(shape) if f[0] not in ("plateau", "early-stopped", "close-mosaic-jump")
    )
    assert all(count <= len(SHAPES) * len(SEEDS) / 20 for count in told.values()), told

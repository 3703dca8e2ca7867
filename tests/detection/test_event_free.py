"""Traces in which nothing happens: no critical finding, at most one warning in ten traces, over all checks together."""

from __future__ import annotations

import pytest
from traces import NOISE, event_free

from trainwatch.detectors.base import Detector
from trainwatch.registry import members

SEEDS = 10


@pytest.mark.parametrize("kind", NOISE)
def test_nothing_is_found(kind: str) -> None:
    detectors = members("trainwatch.detectors", Detector)
    warnings = 0
    for seed in range(1000, 1000 + SEEDS):
        run = event_free(kind, seed)
        applicable = [d for d in detectors.values() if d.missing(run) is None]
        assert len(applicable) > 10, "the trace has what the checks need"
        found = [f for d in applicable for f in d.detect(run)]
        assert [f.title for f in found if f.severity == "critical"] == []
        warnings += any(f.severity == "warning" for f in found)
    assert warnings <= SEEDS // 10

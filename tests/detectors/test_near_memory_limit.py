from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import make_run

from trainwatch.detectors.near_memory_limit import NearMemoryLimit
from trainwatch.result import Finding

GIB = 2**30


def detect(steps: dict[str, Any], events: list[dict[str, Any]] | None = None, **hardware: Any) -> list[Finding]:
    columns = {k: (np.asarray(v, float) * GIB).astype(np.int64) for k, v in steps.items()}
    return NearMemoryLimit().detect(make_run(columns, events=events or [], hardware=hardware))


GPU = {"gpus": [{"name": "synthetic", "total_bytes": 16 * GIB}]}


def test_tensors_near_the_limit_of_the_device() -> None:
    peak = np.r_[np.full(50, 10.0), np.full(50, 15.2)]
    (finding,) = detect({"vram_peak_bytes": peak, "vram_reserved_bytes": np.full(100, 15.5)}, **GPU)
    assert finding.severity == "warning"
    assert finding.detail["place"] == "device"
    assert finding.onset is not None
    assert finding.onset.step == 50


def test_a_full_reserve_alone_is_information() -> None:
    (finding,) = detect({"vram_peak_bytes": np.full(100, 9.0), "vram_reserved_bytes": np.full(100, 15.5)}, **GPU)
    assert finding.severity == "info"


def test_what_others_hold_is_no_ours() -> None:
    steps = {
        "vram_peak_bytes": np.full(100, 7.6),
        "vram_reserved_bytes": np.full(100, 7.7),
        "vram_free_bytes": np.full(100, 0.3),
    }
    assert detect(steps, **GPU)[0].severity == "warning"


def test_the_process_near_its_limit() -> None:
    (finding,) = detect({"rss_bytes": np.linspace(1, 7.6, 100)}, memory_limit_bytes=8 * GIB)
    assert finding.detail["place"] == "host"
    assert finding.series == "rss_bytes"


def test_room_enough_no_limit_and_no_values_are_quiet() -> None:
    assert detect({"vram_peak_bytes": np.full(9, 14.0), "vram_reserved_bytes": np.full(9, 14.5)}, **GPU) == []
    assert detect({"rss_bytes": np.full(9, 100.0)}) == []
    assert detect({"rss_bytes": np.full(9, 4.0)}, memory_limit_bytes=8 * GIB) == []
    assert NearMemoryLimit().detect(make_run({"rss_bytes": [None] * 9}, hardware={"memory_limit_bytes": GIB})) == []


def test_a_run_that_died_of_it_is_judged_elsewhere() -> None:
    events = [
        {"kind": "start"},
        {"kind": "oom", "message": "CUDA out of memory.", "data": {"type": "OutOfMemoryError"}},
    ]
    assert detect({"vram_peak_bytes": np.full(9, 15.9), "vram_reserved_bytes": np.full(9, 15.9)}, events, **GPU) == []

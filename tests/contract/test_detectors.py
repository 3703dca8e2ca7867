"""What holds for every detector, also for the next one."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ranks import make_ranks
from samples import NAMES, SAMPLES, analysed
from synthetic import make_run

from trainwatch.analysis import Config, analyse
from trainwatch.detectors.base import Detector
from trainwatch.registry import members
from trainwatch.result import SEVERITIES
from trainwatch.runs import Run, read_run

ROOT = Path(__file__).parents[2]
ALL = members("trainwatch.detectors", Detector)
SECTIONS = ("What it does:", "Why it matters:", "How it decides:", "What to do:", "Known false alarms:", "References:")

FULL = {
    "loss": 2.0, "loss/box_loss": 1.0, "gain/box_loss": 7.5, "lr/pg0": 0.01, "grad_norm": 5.0, "batch_size": 16,
    "accumulate": 1, "rss_bytes": 1 << 30, "vram_allocated_bytes": 1 << 30, "vram_reserved_bytes": 2 << 30,
    "vram_peak_bytes": 2 << 30, "vram_inactive_split_bytes": 0, "vram_free_bytes": 8 << 30, "time_s": 1.0, "step_s": 0.1,
    "data_s": 0.0, "instances": 30, "image_size": 640, "optimizer_stepped": True, "momentum": 0.9, "rank": 0,
    "amp_scale": 65536.0, "amp_skipped": False, "loss/cls_loss": 0.5, "gain/cls_loss": 0.5,
}  # fmt: skip
EPOCHS = {
    "fitness": 0.5,
    "train/box_loss": 1.0,
    "val/box_loss": 1.0,
    "metrics/mAP50-95(B)": 0.5,
    "lr/pg0": 0.01,
    "time_s": 1.0,
}
END = [{"kind": "start", "time_s": 0.0}, {"kind": "end", "time_s": 1.0, "data": {"reason": "completed"}}]


def flat(n: int, epochs: int) -> Run:
    steps = {k: np.full(n, v) for k, v in FULL.items()}
    return make_run(
        steps,
        {k: np.full(epochs, v) for k, v in EPOCHS.items()},
        events=END,
        steps_per_epoch=max(n // max(epochs, 1), 1),
    )


QUIET = {
    "nothing": lambda: make_run(events=END),
    "empty tables": lambda: flat(0, 0),
    "one row": lambda: flat(1, 1),
    "flat": lambda: flat(600, 60),
    "all metrics NaN": lambda: make_run(
        epochs={k: np.full(60, np.nan) for k in ("fitness", "val/box_loss", "metrics/mAP50-95(B)")}, events=END
    ),
    "all null": lambda: make_run(
        {k: [None] * 50 for k in ("grad_norm", "rss_bytes")}, {"fitness": [None] * 50}, events=END
    ),
}


@pytest.mark.parametrize("id", ALL)
def test_documented_in_fixed_sections(id: str) -> None:
    text = sys.modules[type(ALL[id]).__module__].__doc__ or ""
    at = [text.find(f"\n{section}\n") for section in SECTIONS]
    assert -1 not in at, f"sections missing: {[s for s, i in zip(SECTIONS, at, strict=True) if i < 0]}"
    assert at == sorted(at)
    assert ALL[id].title


@pytest.mark.parametrize("id", ALL)
def test_has_a_test_of_its_own(id: str) -> None:
    assert (ROOT / "tests" / "detectors" / f"test_{id.replace('-', '_')}.py").is_file()


@pytest.mark.parametrize("id", ALL)
def test_thresholds_are_documented_fields(id: str) -> None:
    detector = ALL[id]
    assert detector.id == id
    assert dataclasses.is_dataclass(detector)
    with pytest.raises(dataclasses.FrozenInstanceError):
        detector.anything = 1  # type: ignore[attr-defined]
    text = (type(detector).__doc__ or "") + (sys.modules[type(detector).__module__].__doc__ or "")
    text += "".join((type(v).__doc__ or "") for v in detector.thresholds().values() if dataclasses.is_dataclass(v))
    assert all(re.search(rf"\b{name}\b", text) for name in detector.thresholds())


@pytest.mark.parametrize("id", ALL)
@pytest.mark.parametrize("case", QUIET)
def test_quiet_where_nothing_is_wrong(id: str, case: str) -> None:
    run = QUIET[case]()
    if ALL[id].missing(run) is None:
        assert ALL[id].detect(run) == []


@pytest.mark.parametrize("id", ALL)
def test_applies_somewhere_and_says_why_it_does_not_elsewhere(id: str) -> None:
    log = make_run(
        epochs={k: np.full(60, v) for k, v in EPOCHS.items()},
        source="ultralytics-csv",
        planned_epochs=100,
        args={"epochs": 100, "dfl": 1.5},
    )
    asked = {"lr0": 0.02, "copy_paste": 0.1, "momentum": 0.9, "optimizer": "SGD"}
    data = {"has_polygons": True, "val_images": 100, "val_images_trained_on": 0}
    loop = {"steps_per_epoch": 30, "accumulate": 2}
    shard = {k: np.full(300, v) for k, v in FULL.items()}
    ranks = make_ranks([shard, shard], args=asked, requested=asked, dataset=data, loop=loop, planned_epochs=10)
    assert ALL[id].missing(ranks) is not None or ALL[id].detect(ranks) == []
    reasons = [ALL[id].missing(run) for run in (flat(600, 60), log, ranks)]
    assert None in reasons
    assert all(reason is None or len(reason) > 10 for reason in reasons)


@pytest.mark.parametrize("sample", ["killed", "nan_loss", "out_of_memory", "unwatched"])
def test_the_same_findings_twice(sample: str) -> None:
    again = analyse(read_run(SAMPLES / sample), Config(strict=True))
    assert again.findings == analysed(sample).findings


@pytest.mark.parametrize("sample", NAMES)
def test_sound_findings(sample: str) -> None:
    for finding in analysed(sample).findings:
        assert finding.id in ALL
        assert finding.severity in SEVERITIES
        assert 0 <= finding.confidence <= 1
        assert finding.title
        assert finding.summary.endswith(".")
        json.dumps(dict(finding.detail), allow_nan=True)

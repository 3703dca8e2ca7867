"""The bench of planted faults: its definitions, its arithmetic, and a few trainings recorded and judged anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import forecast
import measure
from generate import record
from page import section
from planted import HALVES, HEALTHY, PLANTED, Truth, half_of, plan

from trainwatch.detectors.base import Detector
from trainwatch.registry import members
from trainwatch.runs import read_run

HOW = "\nIf the change is meant: python tests/bench/detection/measure.py --cache FOLDER --write, and review the diff."
SUBSET = [("nan-batch", 0, 0), ("lr-spike", 0, 0), ("loss-imbalance", 0, 0), (HEALTHY, 4, 0)]


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return dict(json.loads(measure.GOLDEN.read_text()))


def test_every_answer_is_a_check_and_no_fault_implies_its_own_answer() -> None:
    known = set(members("trainwatch.detectors", Detector))
    for kind, planted in PLANTED.items():
        assert {*planted.own, *planted.also, *planted.implied} <= known, kind
        assert planted.note


def test_a_variant_with_all_its_seeds_is_in_one_half() -> None:
    what = plan()
    assert len(what) == len(set(what))
    assert len({(k, v) for k, v, _ in what}) * 2 == len(what)
    assert {half_of(k, v) for k, v, _ in what} == set(HALVES)


def test_what_was_held_out_once_and_measured_is_tuning_now() -> None:
    for kind in (*PLANTED, HEALTHY):
        known = [v for k, v, _ in plan() if k == kind and half_of(k, v) == "tuning"]
        fresh = [v for k, v, _ in plan() if k == kind and half_of(k, v) == "held-out"]
        assert max(known) < min(fresh), kind
        assert all(v % 2 for v in fresh), kind


def test_the_tables_are_those_of_the_golden_file(golden: dict[str, Any]) -> None:
    for name, text in measure.tables(golden).items():
        assert section(name) == text, f"the table {name} of README.md is another{HOW}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    for kind, variant, seed in SUBSET:
        folder = cache / f"{kind}-{variant:03d}-{seed}"
        folder.mkdir()
        record(str(folder), kind, variant, seed)
    return cache


def test_trainings_recorded_anew_are_judged_as_in_the_golden_file(recorded: Path, golden: dict[str, Any]) -> None:
    rows = {r["id"]: r for r in golden["rows"]}
    truths = measure.read_truths(recorded)
    assert len(truths) == len(SUBSET)
    for truth in truths:
        now, then = measure.examine(recorded, truth), rows[truth.id]
        told = {r: measure.alarms(row, [i for i, *_ in row["findings"]]) for r, row in (("now", now), ("then", then))}
        assert told["now"] == told["then"], f"{truth.id}: other false alarms{HOW}"
        if truth.kind != HEALTHY:
            found = [measure.answer(row["findings"], truth.kind) for row in (now, then)]
            assert found[0] is not None, f"{truth.id} is not found any more{HOW}"
            assert found[0][:2] == found[1][:2], f"{truth.id} is told otherwise{HOW}"
            assert abs(found[0][2] - truth.onset_step) <= measure.ONSET_SHARE * truth.steps


def test_the_peers_rules_fire_where_they_are_meant_to(recorded: Path) -> None:
    nan, quiet = (read_run(recorded / name) for name in ("nan-batch-000-0", "healthy-004-0"))
    fired = {name: peer.fire(nan) for name, peer in measure.peers().items()}
    assert "NaNMonitor" in fired["composer_monitors"]
    assert "ExplodingTensor" in fired["sagemaker_debugger"]
    assert "EarlyStopping, check_finite" in fired["lightning_callbacks"]
    assert "exploding" in fired["autotrainer"]
    assert "NaN at the end of an epoch" in fired["ultralytics_early_stopping"]
    for name, peer in measure.peers().items():
        assert set(peer.RULES) >= set(fired[name])
        assert {k for kinds in peer.RULES.values() for k in kinds} <= set(PLANTED)
        assert not {"NaNMonitor", "ExplodingTensor", "exploding", "KillLossSpike"} & set(peer.fire(quiet))


def test_precision_counts_what_no_truth_explains() -> None:
    def row(kind: str, *found: str, allowed: tuple[str, ...] = ()) -> dict[str, Any]:
        findings = [[i, "warning", 10] for i in found]
        return {
            "kind": kind,
            "yolo": False,
            "half": "tuning",
            "findings": findings,
            "allowed": allowed,
            "onset_step": 0,
            "steps": 100,
            "worse": False,
        }

    rows = [
        row("overfitting", "overfitting"), row("overfitting"), row(HEALTHY, "overfitting"),
        row(HEALTHY, "overfitting", allowed=("overfitting",)), row("lr-high", "overfitting", "loss-explosion"),
    ]  # fmt: skip
    found, false = measure.counts(rows, "overfitting")
    assert (sum(found), len(found), sum(false), len(false)) == (1, 2, 1, 3)
    assert measure.f1(1, 1, 1) == pytest.approx(0.5)
    assert measure.onset_errors(rows, "overfitting") == [0.1]
    low, high = measure.f1_interval(found, false)
    assert 0 <= low < 0.5 < high <= 1


def test_a_prefix_holds_what_was_recorded_by_then(recorded: Path) -> None:
    run = read_run(recorded / "nan-batch-000-0")
    part = measure.prefix(run, 100)
    assert part.step_rows == 100
    assert part.epochs_done <= run.step_series("epoch").values[99]
    truth = Truth.from_json(json.loads((recorded / "nan-batch-000-0" / "truth.json").read_text()))
    before = measure.prefix(run, truth.onset_step)
    assert np.isfinite(before.step_series("loss").values).all()


def test_a_linear_leak_is_forecast_within_a_tenth() -> None:
    traces = [forecast.forecast(seed) for seed in range(1000, 1008)]
    made = [t for t in traces if t[3] is not None]
    assert len(made) >= 4
    assert np.median([abs(at - true) / true for _, true, at, _ in made]) <= forecast.ERROR
    assert sum(i[0] <= true <= i[1] for _, true, _, i in made) >= len(made) - 1

"""The table of cures: its rules, its random changes and its statistics; no training takes place."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def cure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("detection_cure", HERE / "cure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["detection_cure"] = module
    spec.loader.exec_module(module)
    return module


def rows_of(cure: ModuleType, scores: dict[str, dict[str, float]], advised: dict[str, Any]) -> Any:
    """Rows of some cases with both seeds: scores by case and arm, the same for both; the reference ends at 0.2."""
    rows: Any = {("reference", s, "reference"): {"score": 0.2} for s in cure.SEEDS}
    for case, arms in scores.items():
        for seed in cure.SEEDS:
            for arm, score in arms.items():
                rows[case, seed, arm] = {"score": score, "args": {}, "advised": advised if arm == "failed" else {}}
    return rows


def test_the_score_is_the_mean_of_the_last_epochs_and_nothing_without_them(cure: ModuleType) -> None:
    def run(values: list[float]) -> Any:
        return SimpleNamespace(epochs=pd.DataFrame({cure.SCORE: values}))

    assert cure.outcome(run([0.0] * 7 + [0.1, 0.2, 0.3])) == pytest.approx(0.2)
    assert cure.outcome(run([0.3] * 9)) == 0.0, "an exception ended it"
    assert cure.outcome(run([0.3] * 9 + [float("nan")])) == 0.0


def test_failed_and_cured(cure: ModuleType) -> None:
    assert cure.fails(0.13, 0.2)
    assert not cure.fails(0.15, 0.2)
    assert cure.cured(0.16, failed=0.1, reference=0.2)
    assert not cure.cured(0.14, failed=0.1, reference=0.2)
    assert cure.fails(0.0, 0.2), "without an outcome"
    assert not cure.cured(0.0, failed=0.0, reference=0.2)


def test_what_was_drawn_is_held_out_and_all_fail_by_their_arguments_alone(cure: ModuleType) -> None:
    assert len(cure.TUNING) == 24
    assert len(cure.CASES) - len(cure.TUNING) >= 24
    assert not any(set(args) & cure.KEPT for args in cure.CASES.values())


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_a_random_change_changes_as_many_arguments_and_none_to_what_it_is(cure: ModuleType, count: int) -> None:
    for case, args in cure.CASES.items():
        drawn = cure.random_change(args, count, case)
        assert len(drawn) == max(count, 1)
        in_force = {**cure.DEFAULTS, **cure.COMMON, **args}
        assert all(in_force[name] != value for name, value in drawn.items())
        assert drawn == cure.random_change(args, count, case)


def test_ultralytics_accepts_every_case_and_every_random_change(cure: ModuleType) -> None:
    cfg = pytest.importorskip("ultralytics.cfg")
    for case, args in cure.CASES.items():
        for change in ({}, *(cure.random_change(args, 18, f"{case} {i}") for i in range(5))):
            cfg.get_cfg(overrides={**cure.COMMON, **args, **change})


def test_arms_are_compared_in_pairs(cure: ModuleType) -> None:
    names = list(cure.CASES)
    scores = {n: {"failed": 0.0, "advised": 0.2, "random": 0.2 if i == 0 else 0.0} for i, n in enumerate(names[:4])}
    rows = rows_of(cure, {**scores, names[4]: {"failed": 0.19}}, {"lr0": 0.01, "epochs": 100})
    found = cure.judged(rows)
    assert len(found) == 8
    assert all(healed["advised"] and not healed["unchanged"] for _, _, healed in found)
    text = cure.table(rows)
    assert "| advised | 8 of 8: 1.00" in text
    assert "| random | 2 of 8: 0.25" in text
    assert "| all: advised - random | +0.75 (" in text
    assert " | 6 | 0 | 0.031 |" in text, "exact McNemar of 6 to 0"
    assert f"Did not fail, hence not replayed (seed): {names[4]} (0), {names[4]} (1)." in text
    assert "epochs=100" not in text, "advice about the length is not followed"


def test_without_advice_the_advised_arm_is_the_unchanged_one(cure: ModuleType) -> None:
    name = next(iter(cure.CASES))
    rows = rows_of(cure, {name: {"failed": 0.0, "random": 0.2}}, {"epochs": 100})
    assert [healed["advised"] for _, _, healed in cure.judged(rows)] == [False, False]
    assert "| nothing |" in cure.table(rows)

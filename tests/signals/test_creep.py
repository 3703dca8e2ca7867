from __future__ import annotations

import math

import numpy as np
import pytest

from trainwatch.result import Where
from trainwatch.runs.run import Series
from trainwatch.signals.creep import (
    CreepRule,
    find_creep,
    forecast_detail,
    forecast_with_overhead,
    last_process_step,
    onset,
    per_epoch,
    start_of,
)

MIB = 2.0**20


def steps(values: list[float], epoch: list[int]) -> Series:
    n = len(values)
    return Series("rss_bytes", np.array(values), np.arange(n), np.array(epoch), np.zeros(n, np.int64))


def test_per_epoch_reduces_and_leaves_gaps_out() -> None:
    series = steps([1, 5, 3, np.nan, np.nan, 9, 7], [0, 0, 0, 1, 1, 2, 2])
    for how, wanted in (("median", [3, 8]), ("min", [1, 7]), ("max", [5, 9])):
        epoch, value = per_epoch(series, how)  # type: ignore[arg-type]
        assert epoch.tolist() == [0, 2]
        assert value.tolist() == wanted
    assert per_epoch(series, "max", since_step=5)[0].tolist() == [2]
    assert len(per_epoch(steps([], []), "max")[0]) == 0


def test_a_leak_is_measured_with_its_interval() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(30.0)
    creep = find_creep(x, (500 + 20 * x + rng.normal(0, 5, 30)) * MIB, CreepRule())
    assert creep is not None
    assert creep.low < 20 * MIB < creep.high
    assert creep.start_bytes == pytest.approx(540 * MIB, rel=0.02)
    assert creep.end_bytes == pytest.approx(1080 * MIB, rel=0.02)
    assert (creep.onset_epoch, creep.last_epoch, creep.epochs) == (0, 29, 28), "the first two lie on the line, too"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (CreepRule(min_slope=25 * MIB), "slope"),
        (CreepRule(min_growth=1000 * MIB), "growth"),
        (CreepRule(min_growth_share=2.0), "share"),
        (CreepRule(min_epochs=40), "length"),
        (CreepRule(max_p=0.0), "p-value"),
        (CreepRule(min_errors=1e6), "errors"),
        (CreepRule(min_tail_ratio=1.5), "tail"),
    ],
)
def test_every_threshold_decides(rule: CreepRule, why: str) -> None:
    x = np.arange(30.0)
    y = (500 + 20 * x + np.random.default_rng(0).normal(0, 1, 30)) * MIB
    assert find_creep(x, y, CreepRule()) is not None
    assert find_creep(x, y, rule) is None, why


def test_onset_is_the_knee_or_the_start() -> None:
    x = np.arange(50.0)
    noise = np.random.default_rng(1).normal(0, 0.5, 50)
    assert onset(x, np.maximum(0, x - 20) + noise) == pytest.approx(20, abs=2)
    assert onset(x, x + noise) == 0
    assert onset(x, np.ones(50)) == 0
    assert onset(x[:4], x[:4]) == 0
    long = np.arange(6000.0)
    assert onset(long, np.maximum(0, long - 3000)) == pytest.approx(3000, abs=60)


def test_forecast_detail_has_plain_numbers_and_an_open_end_is_none() -> None:
    x = np.arange(20.0)
    creep = find_creep(x, (500 + 20 * x + np.random.default_rng(2).normal(0, 2, 20)) * MIB, CreepRule())
    assert creep is not None
    detail = forecast_detail(creep, int(2500 * MIB))
    assert detail["forecast_epoch"] == pytest.approx(100, rel=0.05)
    assert detail["forecast_epoch_low"] < detail["forecast_epoch"] < detail["forecast_epoch_high"]
    assert forecast_detail(creep, None)["forecast_epoch"] is None
    assert all(v is None or not math.isinf(v) for v in detail.values())


def test_the_reserve_above_a_leak_is_taken_as_constant() -> None:
    rng = np.random.default_rng(3)
    x = np.arange(40.0)
    held = (500 + 20 * x + rng.normal(0, 2, 40)) * MIB
    creep = find_creep(x, held, CreepRule())
    assert creep is not None
    crossing = forecast_with_overhead(creep, x, held + (1000 + rng.normal(0, 20, 40)) * MIB, int(3500 * MIB))
    assert crossing is not None
    assert crossing.x == pytest.approx(100, rel=0.03)
    assert crossing.low < 100 < crossing.high
    alone = forecast_with_overhead(creep, np.empty(0), np.empty(0), int(2500 * MIB))
    assert alone is not None
    assert alone.x == pytest.approx(100, rel=0.03)
    assert forecast_with_overhead(creep, x, held, None) is None


def test_last_process_step() -> None:
    assert last_process_step([]) == -1
    assert last_process_step([{"kind": "start", "step": 0}]) == -1
    assert last_process_step([{"kind": "start", "step": 0}, {"kind": "start", "step": 80}]) == 80
    assert last_process_step([{"kind": "start", "step": 0}, {"kind": "start", "step": 7, "rank": 1}]) == -1
    assert last_process_step([{"kind": "start"}, {"kind": "start", "step": None}]) == -1


def test_start_of() -> None:
    series = steps([1, 2, 3, 4], [0, 0, 5, 5])
    assert start_of(series, 5) == Where(step=2, epoch=5)
    assert start_of(series, 3) == Where(epoch=3)

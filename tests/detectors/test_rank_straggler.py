from __future__ import annotations

import numpy as np
from ranks import make_ranks
from synthetic import lognormal, make_run

from trainwatch.detectors.rank_straggler import RankStraggler
from trainwatch.result import Finding


def detect(*levels: tuple[float, float], n: int = 600) -> list[Finding]:
    """One rank per pair (work, wait) in seconds."""
    ranks = [
        {"step_s": lognormal(n, 0.3, work, seed=2 * i), "data_s": lognormal(n, 0.3, wait, seed=2 * i + 1)}
        for i, (work, wait) in enumerate(levels)
    ]
    return RankStraggler().detect(make_ranks(ranks))


def test_a_slow_rank_is_named() -> None:
    (finding,) = detect((0.1, 0.001), (0.1, 0.001), (0.2, 0.001), (0.1, 0.001))
    assert finding.detail["rank"] == 2
    assert finding.detail["part"] == "work"
    assert finding.measured is not None
    assert 1.8 < finding.measured.value < 2.2


def test_a_slow_loader_shows_in_the_wait_though_the_others_wait_inside_the_step() -> None:
    (finding,) = detect((0.1, 0.05), (0.148, 0.002))
    assert finding.detail["rank"] == 0
    assert finding.series == "data_s"


def test_equal_ranks_are_quiet() -> None:
    assert detect((0.1, 0.01), (0.1, 0.01), (0.11, 0.01)) == []


def test_slow_in_turn_is_quiet() -> None:
    turns = np.arange(600) // 50 % 2
    ranks = [{"step_s": np.where(turns == i, 0.3, 0.1)} for i in range(2)]
    assert RankStraggler().detect(make_ranks(ranks)) == []


def test_short_nan_and_single_records_are_quiet() -> None:
    assert detect((0.1, 0.0), (0.3, 0.0), n=100) == []
    assert RankStraggler().detect(make_ranks([{"step_s": np.full(300, np.nan)}] * 2)) == []
    assert RankStraggler().missing(make_run({"rank": [0], "step_s": [1.0]})) == "the record is of one rank"

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ranks import make_ranks
from synthetic import lognormal, make_run

from trainwatch.detectors.rank_divergence import RankDivergence
from trainwatch.runs import Run


def both(n: int = 400, **second: np.ndarray) -> Run:
    """Two ranks with the same norms and rates; ``second`` replaces columns of rank 1."""
    same: dict[str, Any] = {"grad_norm": lognormal(n, 0.4), "lr/pg0": np.full(n, 0.01), "amp_scale": np.full(n, 1024.0)}
    loss = [{"loss": lognormal(n, 0.5, seed=s)} for s in (1, 2)]
    return make_ranks(
        [{**same, **loss[0]}, {**same, **loss[1], **{k.replace("__", "/"): v for k, v in second.items()}}]
    )


def test_norms_that_part_are_critical_and_dated() -> None:
    norm = lognormal(400, 0.4)
    norm[250:] *= np.exp(np.random.default_rng(1).normal(0, 0.5, 150))
    (finding,) = RankDivergence().detect(both(grad_norm=norm))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert 250 <= (finding.onset.step or 0) <= 260
    assert finding.detail["rank"] == 1


def test_a_scaler_that_parts_for_a_while_is_a_warning() -> None:
    scale = np.full(400, 1024.0)
    scale[100:150] = 512
    (finding,) = RankDivergence().detect(both(amp_scale=scale))
    assert finding.severity == "warning"
    assert finding.series == "amp_scale"


def test_a_norm_that_is_none_on_one_rank_only() -> None:
    norm = lognormal(400, 0.4)
    norm[300:] = np.nan
    (finding,) = RankDivergence().detect(both(grad_norm=norm))
    assert "being a number" in finding.summary


def test_a_rank_that_stops_early() -> None:
    short = {"loss": np.ones(200), "lr/pg0": np.full(200, 0.01)}
    long = {"loss": np.ones(400), "lr/pg0": np.full(400, 0.01)}
    events = [{"kind": "start", "time_s": 0.0}, {"kind": "end", "time_s": 1.0, "data": {"reason": "completed"}}]
    run = make_ranks([long, short], events=events)
    (finding,) = RankDivergence().detect(run)
    assert finding.detail == {"kind": "stopped", "rank": 1, "lag_steps": 200}


def test_equal_ranks_with_losses_of_their_own_are_quiet() -> None:
    assert RankDivergence().detect(both()) == []


@pytest.mark.parametrize("at", [100, 399])
def test_a_single_step_is_quiet(at: int) -> None:
    norm = lognormal(400, 0.4)
    norm[at] *= 2
    assert RankDivergence().detect(both(grad_norm=norm)) == []


def test_local_norms_are_not_judged() -> None:
    assert RankDivergence().detect(both(grad_norm=lognormal(400, 0.4, seed=9))) == []


def test_one_rank_is_not_applicable() -> None:
    assert RankDivergence().missing(make_run({"rank": [0, 0]})) == "the record is of one rank"

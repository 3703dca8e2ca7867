"""Toy faults with known onsets, as peers' tools were measured with: a small net of 200 steps, a fault at step 150.

SYNTHETIC traces with the numbers of a real toy net: the loss goes from 0.37 to 31 550 in one step, then to 1e23, then to NaN; one
bad batch is 60 times off; a rate of 0 from step 60 on; 4 MB of resident memory more per step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run
from traces import END, GIB, MIB

from trainwatch.analysis import Config, analyse
from trainwatch.result import Analysis, Finding

STEPS = 200


def healthy(seed: int) -> dict[str, Any]:
    """A loss that falls to 0.37 with 20 % of noise, and a gradient norm that follows."""
    rng = np.random.default_rng(seed)
    t = np.arange(STEPS)
    loss = (0.35 + 1.5 * np.exp(-t / 30)) * np.exp(0.2 * rng.normal(size=STEPS))
    return {
        "loss": loss, "grad_norm": 2.0 * loss * np.exp(0.3 * rng.normal(size=STEPS)), "lr/pg0": np.full(STEPS, 0.02),
        "rss_bytes": GIB + (MIB * rng.exponential(1, STEPS)).astype(np.int64), "time_s": t * 0.01,
        "step_s": 0.01 * np.exp(0.1 * rng.normal(size=STEPS)), "data_s": np.full(STEPS, 1e-4),
    }  # fmt: skip


def analysed(columns: dict[str, Any], **meta: Any) -> Analysis:
    return analyse(make_run(columns, steps_per_epoch=20, events=END, **meta), Config(strict=True))


def step(finding: Finding) -> int:
    assert finding.onset is not None
    assert finding.onset.step is not None
    return finding.onset.step


@pytest.mark.parametrize("seed", range(5))
def test_healthy_is_clean(seed: int) -> None:
    analysis = analysed(healthy(seed))
    assert analysis.verdict.status == "healthy"
    assert analysis.findings == ()


@pytest.mark.parametrize("seed", range(5))
def test_an_explosion_is_named_at_151_with_its_precursor_at_150(seed: int) -> None:
    columns = healthy(seed)
    columns["loss"][151:] = [31_550.0, 1e23, *[np.nan] * (STEPS - 153)]
    columns["grad_norm"][150:] = [900.0, 1e7, 1e25, *[np.nan] * (STEPS - 153)]
    columns["lr/pg0"][150:] *= 400
    analysis = analysed(columns)
    assert analysis.verdict.status == "diverged"
    found = {f.id: f for f in analysis.findings}
    assert step(found["loss-explosion"]) == 151
    assert step(found["gradient-explosion"]) == 150, "the gradient tells it one step before the loss"
    assert step(found["nonfinite-loss"]) == 153
    assert analysis.verdict.cause == "gradient-explosion"
    assert found["gradient-explosion"].severity == "critical"
    ids = {r.id for r in analysis.recommendations}
    assert "raise-lr" not in ids


@pytest.mark.parametrize("seed", range(5))
def test_an_explosion_without_gradient_norms_is_named_at_151(seed: int) -> None:
    columns = healthy(seed)
    columns["loss"][151:] = [31_550.0, 1e23, *[np.nan] * (STEPS - 153)]
    del columns["grad_norm"]
    analysis = analysed(columns)
    assert analysis.verdict.status == "diverged"
    assert min(step(f) for f in analysis.findings) == 151


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("times", [60.0, 3600.0])
def test_one_bad_batch_is_named_at_150_and_no_divergence(seed: int, times: float) -> None:
    columns = healthy(seed)
    columns["loss"][150] *= times
    columns["grad_norm"][150] *= times
    analysis = analysed(columns)
    assert analysis.verdict.status == "healthy"
    (finding,) = analysis.findings
    assert finding.id == "bad-batch"
    assert finding.severity == "info"
    assert step(finding) == 150


@pytest.mark.parametrize("steps", [STEPS, 160])
def test_a_rate_of_zero_is_named_within_100_steps(steps: int) -> None:
    columns = healthy(0)
    columns["lr/pg0"][60:] = 0.0
    analysis = analysed({k: v[:steps] for k, v in columns.items()})
    assert analysis.verdict.cause == "lr-too-small"
    assert step(analysis.findings[0]) == 60


def test_memory_that_creeps_has_a_time_to_the_limit() -> None:
    columns = healthy(0)
    columns["rss_bytes"] = columns["rss_bytes"] + np.arange(STEPS) * 4 * MIB
    analysis = analysed(columns, hardware={"memory_limit_bytes": 4 * GIB}, planned_epochs=100)
    assert analysis.verdict.cause == "host-memory-creep"
    finding = analysis.findings[0]
    # 1 GiB + 4 MiB a step reaches 4 GiB at step 768: epoch 38.4 of 20 steps.
    assert finding.detail["forecast_epoch"] == pytest.approx(38.4, abs=1.0)
    assert finding.severity == "critical"

from __future__ import annotations

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.gradient_explosion import GradientExplosion
from trainwatch.result import Finding


def detect(norm: np.ndarray, **columns: np.ndarray) -> list[Finding]:
    n = len(norm)
    steps = {
        "grad_norm": norm,
        "batch_size": np.full(n, 16),
        "accumulate": np.ones(n),
        "lr/pg0": np.full(n, 0.01),
        **columns,
    }
    return GradientExplosion().detect(make_run(steps, trainer="ultralytics"))


def exploding(at: int = 300, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    norm, loss = lognormal(n, 0.4, 1600.0), lognormal(n, 0.2, 100.0, seed=1)
    norm[at:] *= np.minimum(3.0 ** np.arange(n - at), 1e6)
    loss[at + 1 :] *= np.minimum(2.0 ** np.arange(n - at - 1), 1e5)
    return norm, loss


def test_found_at_its_onset_and_confirmed_by_the_loss() -> None:
    norm, loss = exploding(300)
    (finding,) = detect(norm, loss=loss)
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert 300 <= (finding.onset.step or 0) <= 304
    assert finding.onset.epoch == 30
    assert finding.detail["lr"] == 0.01
    assert finding.measured is not None
    assert finding.measured.value > 1000
    assert "epoch 31" in finding.title, "people count Ultralytics' epochs from 1"


def test_a_loss_that_ends_as_nan_confirms_it_in_words() -> None:
    norm, loss = exploding(300)
    loss[310:] = np.nan
    (finding,) = detect(norm, loss=loss)
    assert finding.severity == "critical"
    assert "stops being a number" in finding.summary


def test_first_steps_without_a_gradient_are_no_beginning() -> None:
    """Frozen at first: 20 times nothing is nothing, and no spike."""
    norm, loss = exploding(40, 140)
    norm[:8] = 0.0
    (finding,) = detect(norm, loss=loss)
    assert finding.onset.step >= 36


def test_without_the_loss_it_is_a_warning() -> None:
    norm, loss = exploding()
    (finding,) = detect(norm, loss=np.full(len(loss), 100.0))
    assert finding.severity == "warning"


def test_large_raw_norms_are_normal() -> None:
    """Ultralytics' loss is a sum over the batch: healthy YOLO12n norms reach 30 000 and fall by orders of magnitude."""
    assert detect(lognormal(2000, 0.5, 30_000.0, decay=6)) == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("sigma", [0.25, 0.5, 0.8])
def test_twenty_thousand_steps_of_noise_are_quiet(seed: int, sigma: float) -> None:
    assert detect(lognormal(20_000, sigma, seed=seed, decay=3)) == []


def test_a_single_spike_is_no_explosion() -> None:
    norm = lognormal(500, 0.3)
    norm[250] *= 1000
    assert detect(norm) == []


def test_skipped_amp_steps_are_no_spikes() -> None:
    norm, loss = exploding()
    assert detect(norm, loss=loss, amp_skipped=norm > 20 * 1600) == []


def test_a_growing_effective_batch_is_no_explosion() -> None:
    accumulate = np.r_[np.ones(100), np.full(300, 32)]
    norm = lognormal(400, 0.2) * accumulate
    assert detect(norm, accumulate=accumulate) == []


def test_steps_without_a_norm_are_passed_over() -> None:
    """With accumulation, most micro-batches have no norm (null)."""
    norm, loss = exploding(240)
    sparse = [float(v) if i % 4 == 3 else None for i, v in enumerate(norm)]
    (finding,) = GradientExplosion().detect(make_run({"grad_norm": sparse, "loss": loss}))
    assert finding.onset is not None
    assert 240 <= (finding.onset.step or 0) <= 256


def test_updates_that_grow_before_it_are_told() -> None:
    norm, loss = exploding(300)
    ratio: list[float | None] = [(1e-3 if s < 280 else 6e-3) if s % 10 == 0 else None for s in range(400)]
    (finding,) = detect(norm, loss=loss, update_ratio=ratio)  # type: ignore[arg-type]
    assert finding.detail["update_precursor_steps"] >= 20
    assert "6 times as far as usual" in finding.summary
    (without,) = detect(norm, loss=loss)
    assert without.detail["update_precursor_steps"] is None
    assert (without.onset, without.severity) == (finding.onset, finding.severity)


def test_an_explosion_close_behind_a_spike_without_a_past_began_there() -> None:
    norm, loss = exploding(30, 200)
    (late,) = detect(norm, loss=loss)
    norm[3:5] = norm[0] * np.array([400.0, 30.0])
    (finding,) = detect(norm, loss=loss)
    assert late.onset is not None
    assert finding.onset is not None
    assert (late.onset.step, finding.onset.step) == (33, 3)
    far, loss = exploding(300)
    far[3] *= 400
    (other,) = detect(far, loss=loss)
    assert other.onset is not None
    assert (other.onset.step or 0) >= 300, "not the same incident"

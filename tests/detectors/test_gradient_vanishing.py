from __future__ import annotations

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.gradient_vanishing import GradientVanishing
from trainwatch.result import Finding


def detect(norm: np.ndarray, **columns: object) -> list[Finding]:
    return GradientVanishing().detect(make_run({"grad_norm": norm, **columns}, trainer="ultralytics"))


def test_a_lasting_fall_by_ten_thousand_is_found_where_it_begins() -> None:
    norm = lognormal(1000, 0.5)
    norm[600:] *= 1e-4
    (finding,) = detect(norm, loss=lognormal(1000, 0.2))
    assert finding.severity == "warning"
    assert finding.onset is not None
    assert finding.onset.step == 600
    assert finding.measured is not None
    assert finding.measured.value < 1e-3


def test_exact_zeros_count_whatever_the_loss_is() -> None:
    norm, loss = lognormal(1000, 0.5), lognormal(1000, 0.2)
    norm[500:], loss[500:] = 0.0, 1e-9
    (finding,) = detect(norm, loss=loss)
    assert "exactly 0" in finding.summary
    assert finding.confidence > 0.8


def test_a_single_layer_is_named() -> None:
    layer = lognormal(1000, 0.3)
    layer[700:] *= 1e-5
    (finding,) = detect(lognormal(1000, 0.3), **{"grad_norm/model.3": layer, "grad_norm/model.4": lognormal(1000, 0.3)})
    assert finding.detail["layers"] == ["model.3"]
    assert finding.series == "grad_norm/model.3"


def test_a_model_that_has_learnt_its_data_is_quiet() -> None:
    norm, loss = lognormal(2000, 0.5, decay=9), lognormal(2000, 0.2, decay=9)
    assert detect(norm, loss=loss) == []


def test_the_usual_fall_by_forty_is_quiet() -> None:
    assert detect(lognormal(5000, 0.5, 5000.0, decay=np.log(40))) == []


def test_one_that_comes_back_is_quiet() -> None:
    norm = lognormal(2000, 0.5)
    norm[600:900] *= 1e-5
    assert detect(norm) == []


def test_a_shrinking_batch_is_no_vanishing_gradient() -> None:
    accumulate = np.r_[np.full(500, 4096), np.ones(500)]
    assert detect(lognormal(1000, 0.3) * accumulate, accumulate=accumulate) == []


@pytest.mark.parametrize("norm", [np.zeros(1000), np.full(1000, np.nan), np.ones(60)], ids=["frozen", "nan", "short"])
def test_nothing_to_compare_with_is_quiet(norm: np.ndarray) -> None:
    assert detect(norm) == []


def test_nan_at_the_end_is_no_small_gradient() -> None:
    norm = lognormal(1000, 0.3)
    norm[500:] = np.nan
    assert detect(norm) == []


def test_a_short_record_and_a_layer_recorded_rarely_are_judged() -> None:
    layer = np.full(600, np.nan)
    layer[::10] = 1.0
    layer[260:] = np.where(np.isfinite(layer[260:]), 0.0, np.nan)
    sparse = [None if np.isnan(v) else v for v in layer]
    (finding,) = detect(lognormal(600, 0.3), **{"grad_norm/first": sparse})
    assert finding.detail["layers"] == ["first"]
    assert finding.onset is not None
    assert finding.onset.step == 260

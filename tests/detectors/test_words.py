from __future__ import annotations

import pytest

from trainwatch.detectors._words import epoch_name, forecast_sentence, rate, size
from trainwatch.runs import Run


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (50 * 2**20, "50 MiB"), (1023 * 2**20, "1023 MiB"),
     (1.5 * 2**30, "1.5 GiB"), (-3 * 2**40, "-3 TiB")],
)  # fmt: skip
def test_size(count: float, text: str) -> None:
    assert size(count) == text


def test_epochs_are_counted_as_the_trainer_counts_them() -> None:
    assert epoch_name(Run("x", "ultralytics-csv"), 11) == "epoch 12"
    assert epoch_name(Run("x", "trainwatch", meta={"trainer": "ultralytics"}), 11) == "epoch 12"
    assert epoch_name(Run("x", "trainwatch", meta={"trainer": "loop"}), 11) == "epoch 11"


def test_forecast_sentence() -> None:
    run = Run("x", "trainwatch", meta={"planned_epochs": 60})
    detail = {"limit_bytes": 2**30, "forecast_epoch": 40.2, "forecast_epoch_low": 38.0, "forecast_epoch_high": None}
    assert forecast_sentence(run, detail) == (
        " At this rate the limit of 1 GiB is hit at epoch 40 (95 %: epoch 38 to no upper bound); 60 epochs are planned."
    )
    assert forecast_sentence(run, {**detail, "forecast_epoch": None}) == ""
    sharp = {**detail, "forecast_epoch_low": 39.9, "forecast_epoch_high": 40.4}
    assert forecast_sentence(run, sharp).startswith(" At this rate the limit of 1 GiB is hit at epoch 40; 60")


def test_a_rate_shows_its_interval_where_there_is_one() -> None:
    assert rate(2**20, 2**19, 2**21) == "1 MiB per epoch (95 %: 512 KiB to 2 MiB)"
    assert rate(2**20, 2**20, 2**20) == "1 MiB per epoch"

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.lr_overridden import LrOverridden
from trainwatch.result import Finding


def recorded(requested: dict[str, Any], args: dict[str, Any]) -> list[Finding]:
    return LrOverridden().detect(make_run({"loss": [1.0]}, requested=requested, args=args))


def test_auto_that_ignored_lr0_is_information() -> None:
    (finding,) = recorded({"lr0": 0.5, "model": "m"}, {"lr0": 0.002, "optimizer": "AdamW"})
    assert finding.severity == "info", "its own rate suits its optimizer; nothing shows harm"
    assert finding.detail == {"requested_lr0": 0.5, "lr0": 0.002, "optimizer": "AdamW", "auto": True}
    assert "optimizer=auto" in finding.summary


def test_a_resume_that_ignored_it() -> None:
    (finding,) = recorded({"lr0": 0.004, "optimizer": "SGD"}, {"lr0": 0.01, "optimizer": "SGD"})
    assert finding.severity == "warning", "the optimizer that was named, at a rate that nobody chose"
    assert "checkpoint" in finding.summary


def test_a_small_difference_is_information() -> None:
    assert recorded({"lr0": 0.0111}, {"lr0": 0.01, "optimizer": "MuSGD"})[0].severity == "info"


def log(lr0: float, optimizer: str, top: float, epochs: int = 30) -> list[Finding]:
    rate = np.r_[np.linspace(top / 3, top, 3), np.linspace(top, top / 100, epochs - 3)]
    run = make_run(
        None,
        {"lr/pg0": rate, "lr/pg2": np.maximum(rate, 0.0)},
        source="ultralytics-csv",
        args={"lr0": lr0, "optimizer": optimizer, "warmup_epochs": 3.0},
    )
    return LrOverridden().detect(run)


def test_a_log_of_epochs_shows_it_in_its_rates() -> None:
    (finding,) = log(0.008, "auto", 0.00097)
    assert finding.severity == "info"
    assert finding.detail["lr0"] == pytest.approx(0.00097)
    assert finding.series == "lr/pg0"


def test_defaults_and_matching_rates_are_quiet() -> None:
    assert log(0.01, "auto", 0.001) == [], "nobody asked for the default"
    assert log(0.008, "SGD", 0.001) == [], "an explicit optimizer takes lr0"
    assert log(0.002, "auto", 0.002) == []
    assert recorded({"model": "m"}, {"lr0": 0.002, "optimizer": "AdamW"}) == []
    assert recorded({"lr0": 0.005, "optimizer": "SGD"}, {"lr0": 0.005, "optimizer": "SGD"}) == []


def test_a_log_that_ends_in_the_warm_up_is_quiet() -> None:
    assert log(0.008, "auto", 0.0001, epochs=6) == []


def test_odd_values_are_quiet() -> None:
    assert recorded({"lr0": "fast"}, {"lr0": 0.01}) == []
    assert recorded({"lr0": float("nan")}, {"lr0": 0.01}) == []
    assert recorded({"lr0": -1.0}, {"lr0": 0.01}) == []
    assert LrOverridden().missing(make_run()) is not None

from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.base import Detector
from trainwatch.detectors.metrics_not_measured import MetricsNotMeasured
from trainwatch.registry import members


def unvalidated(n: int = 50, last: bool = True, zeros: bool = False) -> dict:
    columns = curves(n)
    for name, values in columns.items():
        if name.startswith(("val/", "metrics/")):
            values = [0.0 if zeros else None] * (n - 1) + [float(values[-1]) if last else (0.0 if zeros else None)]
            columns[name] = np.array(values, float) if zeros else values
    return columns


def test_only_the_last_row_was_measured() -> None:
    (finding,) = MetricsNotMeasured().detect(epoch_log(unvalidated(), args={"val": False}))
    assert finding.severity == "info"
    assert finding.measured.value == 49


def test_never_measured_is_a_warning() -> None:
    (finding,) = MetricsNotMeasured().detect(epoch_log(unvalidated(last=False), planned=100))
    assert finding.severity == "warning"


@pytest.mark.parametrize("last", [True, False])
def test_zeros_without_a_loss_where_the_arguments_do_not_tell(last: bool) -> None:
    run = epoch_log(unvalidated(last=last, zeros=True), args={"val": None})
    (finding,) = MetricsNotMeasured().detect(run)
    assert finding.confidence < 0.8


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_no_other_check_takes_it_for_a_fault(zeros: bool, last: bool) -> None:
    run = epoch_log(unvalidated(last=last, zeros=zeros), args={"val": None if zeros else False})
    every = members("trainwatch.detectors", Detector)
    told = [f.id for d in every.values() if d.missing(run) is None for f in d.detect(run)]
    assert told == ["metrics-not-measured"]


def test_zeros_are_believed_where_the_trainer_validated() -> None:
    assert MetricsNotMeasured().detect(epoch_log(unvalidated(zeros=True, last=False), args={"val": True})) == []


def test_a_validation_every_tenth_epoch_and_a_score_of_zero_are_quiet() -> None:
    columns = curves()
    columns[SCORE] = [float(v) if i % 10 == 9 else None for i, v in enumerate(columns[SCORE])]
    assert MetricsNotMeasured().detect(epoch_log(columns)) == []
    columns = curves()
    columns[SCORE] = np.zeros(100)
    assert MetricsNotMeasured().detect(epoch_log(columns, args={"val": None})) == []

"""Reads what is recorded of averaged weights (EMA) that hold NaN or infinity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainwatch.detectors.base import View
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import Nonfinite, nonfinite
from trainwatch.signals.origin import AVERAGE

COLUMN: Final = "epochs.ema/nonfinite"
"""What :func:`spoilt_average` reads; a detector that uses it declares it."""

NAMES_SHOWN: Final = 3


@dataclass(frozen=True)
class Spoilt:
    """An average that was not finite.

    Attributes:
        series: Tensors that are not finite, per epoch.
        bad: In which epochs.
        tensors: How many they were in the first of them.
        names: Some of them.
    """

    series: Series
    bad: Nonfinite
    tensors: int
    names: tuple[str, ...]

    def sentence(self) -> str:
        """Say which tensors, in one sentence."""
        names = (
            f" ({', '.join(self.names)}{' and others' if self.tensors > len(self.names) else ''})" if self.names else ""
        )
        hold = "tensors of the averaged weights (EMA) hold"
        if self.tensors == 1:
            hold = "tensor of the averaged weights (EMA) holds"
        return f"{self.tensors} {hold} NaN or infinity{names}."


def has_average(run: Run) -> bool:
    """Whether the record tells of averaged weights."""
    return COLUMN in run.column_names()


def spoilt_average(view: View) -> Spoilt | None:
    """Return in which epochs the average was not finite; None if in none, or if it was not recorded."""
    series = view.epochs(COLUMN.removeprefix("epochs."))
    bad = nonfinite(np.where(series.values > 0, np.nan, 0.0))
    if bad is None:
        return None
    return Spoilt(series, bad, int(series.values[bad.first]), _names(view.run))


def _names(run: Run) -> tuple[str, ...]:
    for event in run.events_of("nonfinite"):
        data: Any = event.get("data")
        if isinstance(data, dict) and data.get("place") == AVERAGE and isinstance(data.get("names"), list):
            return tuple(str(n) for n in data["names"][:NAMES_SHOWN])
    return ()

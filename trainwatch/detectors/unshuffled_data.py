"""Batches that come in the same order in every epoch.

What it does:
    Compares the losses of an epoch's batches, by their place in the epoch, between epochs, and says how much of them the
    place alone tells.

Why it matters:
    Where samples are not shuffled, neighbours (one class, one video, one place) come together, each batch pulls the
    weights its own way, and the last ones of an epoch are remembered best. Validation then depends on the order of files.

How it decides:
    Of epochs with the same number of batches, the first third left out (the loss falls within them), at least
    ``min_epochs``: the logarithm of the loss, a straight line per epoch taken out, is ranked within each epoch, the first and the
    last batch left out. Kendall's coefficient of concordance W, 1 if all epochs rank their batches alike and 1 over the
    number of epochs by chance, is at least ``min_concordance``, and Friedman's test has p at most ``max_p``. Ranks, so
    that the noise's tail does not matter. Warning.

What to do:
    ``shuffle=True`` in the loader; with a distributed sampler call ``set_epoch`` before each epoch.

Known false alarms:
    An order that is meant (a curriculum, videos frame by frame with a state that is carried on).

References:
    Friedman 1937, JASA 32 (ranks); Kendall & Babington Smith 1939 (W). PyTorch, DistributedSampler: without set_epoch
    the same order is used in every epoch. Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Series

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UnshuffledData(Detector):
    """Concordance of the epochs' losses.

    Attributes:
        min_epochs: Epochs at least that are compared.
        min_batches: Batches of an epoch at least.
        min_concordance: Kendall's W from which the order counts.
        max_p: Largest p-value of Friedman's test.
    """

    title: ClassVar[str] = "Data is not shuffled"
    requires: ClassVar[tuple[str, ...]] = ("steps.loss", "steps.batch")

    min_epochs: int = 4
    min_batches: int = 8
    min_concordance: float = 0.4
    max_p: float = 1e-6

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        grid = self._grid(view.steps("loss"), view.steps("batch"))
        if grid is None:
            return []
        epochs, batches = grid.shape
        ranks = np.empty_like(grid)
        np.put_along_axis(ranks, np.argsort(grid, axis=1), np.arange(1.0, batches + 1)[None], axis=1)
        spread = float(np.sum((ranks.sum(axis=0) - epochs * (batches + 1) / 2) ** 2))
        concordance = 12 * spread / (epochs**2 * (batches**3 - batches))
        if concordance < self.min_concordance or self._p(concordance, epochs, batches) > self.max_p:
            return []
        loss = view.steps("loss")
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.85,
                title="Batches come in the same order in every epoch",
                summary=(
                    f"In {epochs} epochs compared, the place of a batch in its epoch tells its loss (concordance "
                    f"{concordance:.2f}; {1 / epochs:.2f} by chance): the data is not shuffled between epochs."
                ),
                onset=loss.where(0),
                series="loss",
                measured=Quantity(concordance, "concordance"),
                threshold=Quantity(self.min_concordance, "concordance"),
                detail={"epochs": epochs, "batches": batches},
            )
        ]

    def _grid(self, loss: Series, batch: Series) -> Floats | None:
        """Return the detrended log losses of whole epochs, shape (epochs, batches); None if there are too few."""
        if len(loss) != len(batch) or not len(loss):
            return None
        count = int(batch.values.max()) + 1
        if count < self.min_batches + 2:
            return None
        starts = np.flatnonzero(batch.values == 0)
        whole = [i for i in starts if np.array_equal(batch.values[i : i + count], np.arange(count))]
        whole = whole[len(whole) // 3 :]
        if len(whole) < self.min_epochs:
            return None
        rows = np.stack([loss.values[i : i + count] for i in whole])[:, 1:-1]
        rows = rows[(np.isfinite(rows) & (rows > 0)).all(axis=1)]
        if len(rows) < self.min_epochs or not (np.ptp(rows, axis=1) > 0).all():
            return None
        grid: Floats = np.log(rows)
        grid = grid - grid.mean(axis=1, keepdims=True)
        x = np.arange(grid.shape[1]) - (grid.shape[1] - 1) / 2
        return np.asarray(grid - (grid @ x / (x @ x))[:, None] * x, np.float64)

    def _p(self, concordance: float, epochs: int, batches: int) -> float:
        from scipy import special

        return float(special.chdtrc(batches - 1, epochs * (batches - 1) * concordance))

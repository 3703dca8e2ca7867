"""Ranks that no longer train the same model.

What it does:
    Compares, step by step, what must be the same on every rank of a distributed training: learning rates, the scaler's
    factor, accumulation, and the norm of the averaged gradients. And it tells a rank that stopped long before the
    others.

Why it matters:
    Ranks average gradients, not weights. Once one skips a step that the others take, or steps with another rate, each
    trains a model of its own, and only rank 0's is saved. Or they wait for each other for three hours and die.

How it decides:
    Steps are matched by their number. Two ranks disagree on a step if a value differs by more than ``tolerance`` (1 %),
    or is a number on one and none on the other. Reported: ``consecutive`` (5) matched steps in a row on which a rank
    disagrees with the lowest one, critical if the gradient norm or the rates disagree and still do over the last
    ``consecutive`` steps; or a rank that ends at least ``lag_steps`` (50) steps and ``lag_share`` (5 %) of the run before
    the longest one, in a training that has ended. Losses are not compared: each rank has its own images.

What to do:
    Look at the first step named: a skipped step, a non-finite loss on one rank, an epoch of another length. Upgrade
    Ultralytics (before 2026-06 ranks could disagree about AMP). Train with ``amp=False`` to find out.

Known false alarms:
    A gradient norm that is taken before the ranks average differs by design; it differs from the first step on, and is
    then not judged.

References:
    https://pytorch.org/docs/stable/notes/ddp.html. Ultralytics PR 24810 (AMP broadcast), 22377 (validation on all ranks),
    issue 24536 (hang). Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series, how_it_ended
from trainwatch.signals.level import sustained


@dataclass(frozen=True)
class RankDivergence(Detector):
    """Disagreement between ranks.

    Attributes:
        tolerance: Relative difference that is none.
        consecutive: Matched steps in a row that make a disagreement.
        lag_steps: Steps by which a rank must end earlier ...
        lag_share: ... and the share of the run.
    """

    title: ClassVar[str] = "Ranks train different models"
    requires: ClassVar[tuple[str, ...]] = ("steps.rank",)
    optional: ClassVar[tuple[str, ...]] = ("steps.lr/*", "steps.amp_scale", "steps.accumulate", "steps.grad_norm")

    tolerance: float = 0.01
    consecutive: int = 5
    lag_steps: int = 50
    lag_share: float = 0.05

    def missing(self, run: Run) -> str | None:
        """Ask for several ranks."""
        return super().missing(run) or ("the record is of one rank" if len(run.ranks) < 2 else None)

    def judge(self, view: View) -> list[Finding]:
        """Return the earliest disagreement, or else a rank that stopped early, or none."""
        lowest, *others = view.run.ranks
        found: list[tuple[Series, int, str, int, float, bool]] = []
        for name in ["grad_norm", *view.names("steps.lr/*"), "amp_scale", "accumulate"]:
            base = view.steps(name, lowest)
            for rank in others:
                at = self._disagree(base, view.steps(name, rank), name)
                if at is not None:
                    found.append((base, at[0], name, rank, at[1], at[2]))
        if found:
            base, first, name, rank, difference, lasts = min(found, key=lambda f: (int(f[0].step[f[1]]), f[2]))
            also = sorted({f[2] for f in found} - {name})
            return [self._finding(view, base, first, name, rank, difference, lasts, also)]
        return self._stopped_early(view, lowest, others)

    def _disagree(self, base: Series, other: Series, name: str) -> tuple[int, float, bool] | None:
        """Return where it begins, by how much (a ratio minus 1) and whether it lasts to the end; None without one."""
        common, left, right = np.intersect1d(base.step, other.step, return_indices=True)
        if len(common) < self.consecutive:
            return None
        a, b = base.values[left], other.values[right]
        differs = _differs(a, b, self.tolerance)
        first = sustained(differs, self.consecutive)
        if first is None or (name == "grad_norm" and first == 0):
            return None  # norms that differ from the start are those of local gradients
        both = np.isfinite(a[first:]) & np.isfinite(b[first:]) & differs[first:]
        scale = np.maximum(np.minimum(np.abs(a[first:]), np.abs(b[first:])), 1e-300)
        relative = np.abs(a[first:] - b[first:])[both] / scale[both]
        return (
            int(left[first]),
            float(np.median(relative)) if len(relative) else np.inf,
            bool(differs[-self.consecutive :].all()),
        )

    def _finding(
        self,
        view: View,
        base: Series,
        first: int,
        name: str,
        rank: int,
        difference: float,
        lasts: bool,
        also: list[str],
    ) -> Finding:
        where = epoch_name(view.run, int(base.epoch[first]))
        severity: Severity = "critical" if lasts and (name == "grad_norm" or name.startswith("lr/")) else "warning"
        by = f"by {100 * difference:.3g} %" if np.isfinite(difference) else "in being a number at all"
        more = f" So do: {', '.join(also)}." if also else ""
        return Finding(
            id=self.id,
            severity=severity,
            confidence=0.9 if lasts else 0.7,
            title=f"Rank {rank} trains another model from {where} on",
            summary=(
                f"From {where} (step {base.step[first]}) on, {name} of rank {rank} differs from rank {view.run.ranks[0]} "
                f"{by}{' to the end' if lasts else ', for a while'}; it must be the same on all ranks.{more}"
            ),
            onset=base.where(first),
            series=name,
            measured=Quantity(min(difference, 1e9), "relative difference"),
            threshold=Quantity(self.tolerance, "relative difference"),
            detail={"kind": "disagreement", "rank": rank, "column": name, "lasts": lasts, "also": also},
        )

    def _stopped_early(self, view: View, lowest: int, others: list[int]) -> list[Finding]:
        if how_it_ended(view.run).kind == "running":
            return []
        last = {rank: self._last(view, rank) for rank in (lowest, *others)}
        longest = max(last.values(), key=lambda s: int(s.step[-1]) if len(s) else -1)
        top = int(longest.step[-1]) if len(longest) else -1
        early = min(last, key=lambda r: int(last[r].step[-1]) if len(last[r]) else -1)
        series = last[early]
        if not len(series):
            return []
        lag = top - int(series.step[-1])
        if lag < max(self.lag_steps, self.lag_share * (top + 1)):
            return []
        where = epoch_name(view.run, int(series.epoch[-1]))
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.8,
                title=f"Rank {early} stopped at {where}, the others went on",
                summary=f"Rank {early} has no step after {where} (step {series.step[-1]}), {lag} steps before the others.",
                onset=series.where(len(series) - 1),
                series="rank",
                measured=Quantity(float(lag), "steps"),
                threshold=Quantity(float(max(self.lag_steps, self.lag_share * (top + 1))), "steps"),
                detail={"kind": "stopped", "rank": early, "lag_steps": lag},
            )
        ]

    def _last(self, view: View, rank: int) -> Series:
        return view.steps("rank", rank)


def _differs(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.bool_]:
    finite = np.isfinite(a) & np.isfinite(b)
    far = np.abs(a - b) > tolerance * np.maximum(np.abs(a), np.abs(b))
    return np.where(finite, far, np.isfinite(a) != np.isfinite(b))

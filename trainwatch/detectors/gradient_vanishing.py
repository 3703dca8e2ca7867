"""Gradients that become thousands of times smaller while there is still something to learn.

What it does:
    Compares the level of the gradient norm per sample, over blocks of optimizer steps, with that of the first epochs,
    for the whole model and for each recorded layer.

Why it matters:
    Without a gradient nothing is learnt: the epochs that follow cost time and leave the weights where they are.

How it decides:
    n = grad_norm / (batch_size * accumulate). Levels are medians of ``block_steps`` (50) optimizer steps, of fewer in a
    short record (``blocks`` blocks of ``min_block_steps`` at least); the baseline is
    the median over the first ``baseline_epochs`` (5), at least two blocks. Vanished: at least ``min_blocks`` (2)
    consecutive blocks, up to the end, at no more than ``ratio`` (0.001) of the baseline, or exactly 0. If the loss is
    recorded and has fallen below ``learnt_share`` (5 %) of its own level at the start, the model has simply learnt its
    data, and nothing is reported unless the norm is exactly 0. A layer counts if it vanishes by the same rule while the
    whole model keeps ``alive_ratio`` (10 %) of its baseline. Warning; never critical.

What to do:
    Look at what precedes the onset: after an explosion a dead model has no gradient. Otherwise look for saturated
    activations, a loss that is masked or multiplied by zero, or layers frozen by mistake.

Known false alarms:
    Data sets that a model learns to a loss of nearly zero where the loss is not recorded. Healthy trainings with
    Ultralytics lose a factor of 40 between the first and the last epoch.

References:
    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks. Absolute bounds such
    as 1e-7 (mean gradient) of other tools depend on the size of the model and the sum over the batch, so ratios are
    used here. Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._samples import samples_behind
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Series
from trainwatch.signals.blocks import Floats, block_medians


@dataclass(frozen=True)
class GradientVanishing(Detector):
    """Gradients without effect.

    Attributes:
        block_steps: Optimizer steps that make one level.
        min_block_steps: Its smallest value, for short records and columns recorded rarely.
        blocks: Blocks at least that a record is divided into, as far as ``min_block_steps`` allows.
        baseline_epochs: Epochs that make the baseline.
        min_blocks: Blocks at the end that must have vanished.
        ratio: Level over baseline at which it has vanished.
        learnt_share: Loss over its level at the start below which small gradients are what they should be.
        alive_ratio: Level over baseline of the whole model above which a single layer is told apart.
    """

    title: ClassVar[str] = "Gradients vanish"
    requires: ClassVar[tuple[str, ...]] = ("steps.grad_norm",)
    optional: ClassVar[tuple[str, ...]] = (
        "steps.grad_norm/*", "steps.batch_size", "steps.accumulate", "steps.loss",
    )  # fmt: skip

    block_steps: int = 50
    min_block_steps: int = 5
    blocks: int = 16
    baseline_epochs: int = 5
    min_blocks: int = 2
    ratio: float = 1e-3
    learnt_share: float = 0.05
    alive_ratio: float = 0.1

    def judge(self, view: View) -> list[Finding]:
        """Return one finding about the model, or else one about its layers, or none."""
        norm = view.steps("grad_norm")
        samples = samples_behind(view, norm)
        steps = norm.step
        whole = self._vanished(norm, samples)
        if whole is not None:
            block, level, baseline = whole
            dead = level == 0.0
            if not dead and self._learnt(view):
                return []
            return [self._finding(view, norm, block, level, baseline, [])]
        if not self._alive(norm, samples):
            return []
        layers = []
        for name in view.names("steps.grad_norm/*"):
            layer = view.steps(name)
            # Layers are mostly recorded together with the whole norm, and the samples behind them are the same then.
            found = self._vanished(layer, samples if layer.step is steps else samples_behind(view, layer))
            if found is not None:
                layers.append((found, name, layer))
        if not layers:
            return []
        (block, level, baseline), _, layer = min(layers, key=lambda item: item[0][0])
        return [
            self._finding(view, layer, block, level, baseline, [name.split("/", 1)[1] for _, name, _ in layers]),
        ]

    def _vanished(self, norm: Series, samples: Floats) -> tuple[int, float, float] | None:
        """Return first vanished block, its last level and the baseline; None if the gradient is there."""
        ends, baseline = self._ends(norm, samples)
        if not baseline > 0:
            return None  # no baseline, or zero from the start: frozen
        if not (ends <= self.ratio * baseline).all():
            return None  # it is there at the end
        levels = block_medians(norm.values / samples, self._block(norm))
        gone = levels <= self.ratio * baseline
        alive = np.flatnonzero(~gone)  # blocks without a finite value are not gone
        first = int(alive[-1]) + 1 if len(alive) else len(levels)
        if len(levels) - first < self.min_blocks:
            return None
        return first, float(np.median(levels[first:])), baseline

    def _ends(self, norm: Series, samples: Floats) -> tuple[Floats, float]:
        """Return the levels of the last ``min_blocks`` blocks and the baseline, 0 without one; the rest is seldom needed."""
        size = self._block(norm)
        count = len(norm) // size
        if count < 2 + self.min_blocks:
            return np.empty(0), 0.0
        early = int(np.sum(norm.epoch < norm.epoch[0] + self.baseline_epochs)) // size
        head = slice(0, size * min(max(early, 2), count - self.min_blocks))
        tail = slice(size * (count - self.min_blocks), size * count)
        first, last = (block_medians(norm.values[part] / samples[part], size) for part in (head, tail))
        finite = first[np.isfinite(first)]
        return last, float(np.median(finite)) if len(finite) else 0.0

    def _block(self, series: Series) -> int:
        """Return the length of a block: a layer's norm may be recorded rarely, and a training may be short."""
        return int(np.clip(len(series) // self.blocks, self.min_block_steps, self.block_steps))

    def _begin(self, norm: Series, per_sample: Floats, block: int, baseline: float) -> int:
        """Return the value near the first vanished block that best divides living gradients from vanished ones."""
        size = self._block(norm)
        low = max((block - 1) * size, 0)
        gone = per_sample[low : (block + 1) * size] <= np.sqrt(self.ratio) * baseline
        # Vanished values before the cut, and living ones behind it, are on the wrong side.
        wrong = np.r_[0, np.cumsum(gone)] + np.r_[np.cumsum(~gone[::-1])[::-1], 0]
        return min(low + int(np.argmin(wrong)), len(norm) - 1)

    def _alive(self, norm: Series, samples: Floats) -> bool:
        ends, baseline = self._ends(norm, samples)
        return bool(baseline > 0 and (ends >= self.alive_ratio * baseline).all())

    def _learnt(self, view: View) -> bool:
        loss = view.steps("loss")
        levels = block_medians(loss.values, self._block(loss))
        levels = levels[np.isfinite(levels)]
        return len(levels) >= 2 and bool(levels[-1] < self.learnt_share * levels[0])

    def _finding(
        self, view: View, norm: Series, block: int, level: float, baseline: float, layers: list[str]
    ) -> Finding:
        first = self._begin(norm, norm.values / samples_behind(view, norm), block, baseline)
        where = epoch_name(view.run, int(norm.epoch[first]))
        what = f"of {'layer' if len(layers) == 1 else 'layers'} {', '.join(layers)} " if layers else ""
        small = f"{level / baseline:.2g} times" if level else "exactly 0, against"
        return Finding(
            id=self.id,
            severity="warning",
            confidence=0.9 if level == 0 else 0.75,
            title=f"Gradients vanish from {where} on" if not layers else f"Layers stop learning from {where} on",
            summary=(
                f"From {where} (step {norm.step[first]}) to the end the gradient norm per sample {what}is {small} its level "
                f"in the first epochs ({level:.3g} against {baseline:.3g})."
            ),
            onset=norm.where(first),
            series=norm.name,
            measured=Quantity(level / baseline, "of its first level"),
            threshold=Quantity(self.ratio, "of its first level"),
            detail={"level_per_sample": level, "baseline_per_sample": baseline, "layers": layers},
        )

"""Kendall's tau of a series against its own order, with its p-value, in numpy: importing scipy.stats takes a second.

References:
    Kendall, M. G. (1938). A new measure of rank correlation. Biometrika 30 (exact distribution of the discordant pairs).
    Kendall, M. G. & Gibbons, J. D. (1990). Rank Correlation Methods, 5th ed., ch. 3-5 (variance with ties).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

EXACT_VALUES = 33
"""Series without ties of up to so many values get the exact p-value, longer ones that of the normal approximation."""


def kendall(values: npt.NDArray[np.float64]) -> tuple[int, float]:
    """Return the sign of tau and the two-sided p-value.

    Args:
        values: Finite, not all equal, shape (n,), n from 3 to a few thousand (the count of pairs is quadratic).
    """
    n = len(values)
    pairs = n * (n - 1) // 2
    down = int(np.triu(values[:, None] > values[None, :], 1).sum())
    ties = np.unique(values, return_counts=True)[1].astype(object)
    ties = ties[ties > 1]
    tied = int(sum(t * (t - 1) // 2 for t in ties))
    score = pairs - tied - 2 * down
    fewest = min(down, pairs - down)
    if not tied and (n <= EXACT_VALUES or fewest <= 1):
        return int(np.sign(score)), _exact(n, fewest)
    more = sum(t * (t - 1) * (2 * t + 5) for t in ties)
    deviation = math.sqrt((n * (n - 1) * (2 * n + 5) - more) / 18)
    return int(np.sign(score)), math.erfc(abs(score) / deviation / math.sqrt(2.0))


def _exact(n: int, fewest: int) -> float:
    """Return twice the share of the n! orders with at most so many discordant pairs, 1 at most."""
    if fewest == 0:
        return 2 / math.factorial(n)
    if fewest == 1:
        return 2 / math.factorial(n - 1)
    counts = [1]  # orders of j values by their number of discordant pairs
    for j in range(2, n + 1):
        longer = [0] * min(len(counts) + j - 1, fewest + 1)
        running = 0
        for i in range(len(longer)):
            running += counts[i] if i < len(counts) else 0
            running -= counts[i - j] if 0 <= i - j < len(counts) else 0
            longer[i] = running
        counts = longer
    return min(2 * sum(counts) / math.factorial(n), 1.0)

from __future__ import annotations

import numpy as np

from trainwatch.signals.blocks import block_medians, longest_run


def test_medians_of_whole_blocks_and_finite_values() -> None:
    assert block_medians([1, 2, 9, 4, 5, 6, 7], 3).tolist() == [2.0, 5.0]
    values = block_medians([1, np.nan, 3, np.nan, np.inf, np.nan], 3)
    assert values[0] == 2.0
    assert np.isnan(values[1])
    assert len(block_medians([], 50)) == 0


def test_longest_run() -> None:
    assert longest_run(np.array([True, False, True, True, False, True, True])) == (2, 3)
    assert longest_run(np.zeros(3, bool)) is None
    assert longest_run(np.ones(3, bool)) == (0, 2)

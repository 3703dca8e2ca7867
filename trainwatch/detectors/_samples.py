"""How many samples a gradient is the sum of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainwatch.detectors.base import View
from trainwatch.runs import Series


def samples_behind(view: View, norm: Series) -> npt.NDArray[np.float64]:
    """Return the samples behind each gradient, shape (n,); 1 where not recorded, which leaves all ratios as they are.

    Args:
        view: Must hold ``steps.batch_size`` and ``steps.accumulate``.
        norm: The gradient norms.
    """
    samples = np.ones(1)
    for name in ("batch_size", "accumulate"):
        column = view.steps(name)
        if len(column) and len(norm):
            in_force = column.at_steps(norm)
            if (in_force == in_force[0]).all():  # nearly always: one number instead of a million
                in_force = in_force[:1]
            samples = samples * np.maximum(np.nan_to_num(in_force, nan=1.0), 1.0)
    return np.broadcast_to(samples, len(norm))

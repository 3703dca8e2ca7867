"""Steps whose bad gradient never reached the weights, because the stabiliser ``rescue`` skipped or undid them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainwatch.runs.run import Run, Series

SOURCE = "stabiliser/rescue"
ACTS = ("skip", "rollback")


def rescued_steps(run: Run) -> frozenset[int]:
    """Return the steps (micro-batches) of the optimizer steps that rescue did not let through.

    An event carries the micro-batches of its optimizer step; it is written before the last of them is recorded, so that
    one is the step after the event's.
    """
    found: set[int] = set()
    for event in run.events_of("intervention"):
        data, step = event.get("data"), event.get("step")
        if event.get("source") != SOURCE or not isinstance(data, dict) or data.get("action") not in ACTS:
            continue
        last, batches = data.get("batch"), data.get("batches")
        if isinstance(step, int) and isinstance(last, int) and isinstance(batches, list):
            found |= {step + 1 - (last - b) for b in batches if isinstance(b, int) and 0 <= last - b <= last}
    return frozenset(found)


def rescued(run: Run, series: Series) -> npt.NDArray[np.bool_]:
    """Mark the values of a step series that belong to such steps; shape (n,)."""
    steps = rescued_steps(run)
    return np.isin(series.step, list(steps)) if steps else np.zeros(len(series), bool)

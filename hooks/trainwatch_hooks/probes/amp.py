"""Gradient scaler: its factor, and whether it skipped a step.

Columns: ``amp_scale``, ``amp_skipped``. Cost: below 1 us; no synchronisation: the scale stays a device tensor
(``get_scale()`` would wait for the device). A skip is a fall of the scale from one optimizer step to the next;
counting optimizer calls would miss it, because fused Adam is called also when the step is skipped.
"""

from __future__ import annotations

from typing import Any


def scale(scaler: Any) -> Any | None:
    """Return the scale as a 0-d tensor (or a float before the first step), None where there is no active scaler."""
    if scaler is None or not scaler.is_enabled():
        return None
    tensor = getattr(scaler, "_scale", None)
    return tensor if tensor is not None else getattr(scaler, "_init_scale", None)


class SkipDetector:
    """Tells from consecutive scales whether the step between them was skipped."""

    def __init__(self) -> None:
        self._last: float | None = None

    def skipped(self, value: float) -> bool:
        """Take the scale after a step and tell whether it fell."""
        fell = self._last is not None and value < self._last
        self._last = value
        return fell

"""Where the time goes: waiting for data, and working.

Columns: ``time_s`` (Unix), ``data_s``, ``step_s``. Cost: below 1 us; no synchronisation, so that on a device
``step_s`` is the time of the host's side; queued work shows in the step that has to wait for it.
"""

from __future__ import annotations

import time


class Stopwatch:
    """Splits the time between two step ends into data wait and step."""

    def __init__(self) -> None:
        self._mark = time.perf_counter()
        self._data_s = 0.0

    def begin_epoch(self) -> None:
        """Forget what came before: validation is no data wait."""
        self._mark = time.perf_counter()

    def begin_step(self) -> None:
        """The batch is there."""
        now = time.perf_counter()
        self._data_s, self._mark = now - self._mark, now

    def end_step(self, row: dict[str, float | None]) -> None:
        """Put the three columns into a row."""
        now = time.perf_counter()
        row["time_s"] = time.time()
        row["data_s"] = self._data_s
        row["step_s"] = now - self._mark
        self._mark, self._data_s = now, 0.0


class NoStopwatch(Stopwatch):
    """Stands in its place where the probe is off."""

    def end_step(self, row: dict[str, float | None]) -> None:
        """Put nothing into a row."""

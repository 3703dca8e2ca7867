"""Rows of an epoch log to columns: epochs from 0, starts of the training told apart, nothing padded."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from trainwatch.runs.arrays import floats, integers

MAX_EPOCH: Final = 10**7
"""An epoch number above it is damage."""


@dataclass
class EpochTable:
    """One row per epoch: epochs from 0, attempts, columns (None: not measured), and what was repaired."""

    epoch: list[int] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def arrow(self, fitness: Sequence[float | None] | None = None) -> pa.Table:
        """Return the table, with fitness and the best so far if they are known."""
        arrays: dict[str, pa.Array] = {
            "epoch": integers(self.epoch),
            "attempt": integers(self.attempt),
        }
        arrays |= {name: floats(values) for name, values in self.columns.items()}
        if fitness is not None:
            arrays["fitness"] = floats(fitness)
            arrays["best_fitness"] = floats(best_so_far(fitness, self.attempt))
        return pa.table(arrays)


def csv_rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number in the file (from 1) and the stripped fields of every line that is not blank."""
    for number, line in enumerate(lines, start=2):
        if line.strip(" ,\t"):
            try:
                fields = next(csv.reader(io.StringIO(line)), [])
            except csv.Error:  # a field beyond 128 kB, a stray quote
                fields = []
            yield number, [f.strip() for f in fields]


def legal_epoch(epoch: float | None) -> bool:
    """Whether a number can be an epoch."""
    return epoch is not None and math.isfinite(epoch) and 0 <= epoch <= MAX_EPOCH and epoch == int(epoch)


def tabulate(
    rows: Sequence[tuple[int, Mapping[str, float | None]]],
    bad: Sequence[int] = (),
    words: int = 0,
    base: int | None = None,
) -> EpochTable:
    """Put rows together.

    Args:
        rows: Epoch as the file counts it, and values by column.
        bad: Line numbers of damaged rows that were left out.
        words: Fields that hold no number.
        base: Number of the first epoch in the file; None: 0 if there is an epoch 0, else 1.
    """
    table = EpochTable()
    if base is None:
        base = 0 if any(epoch == 0 for epoch, _ in rows) else 1
    names = list(dict.fromkeys(n for _, values in rows for n in values))
    table.columns = {"time_s" if n == "time" else n: [values.get(n) for _, values in rows] for n in names}
    attempt, previous = 0, -1
    for epoch, _ in rows:
        if epoch <= previous:
            attempt += 1
            table.notes.append(
                f"The epoch column starts again at epoch {epoch} after epoch {previous}: the file holds "
                "more than one start of the training."
            )
        table.epoch.append(epoch - base)
        table.attempt.append(attempt)
        previous = epoch
    if len(table.notes) > 3:
        table.notes = [*table.notes[:3], f"The epoch column starts again {attempt} times in all."]
    if bad:
        where = ", ".join(map(str, bad[:5])) + (" ..." if len(bad) > 5 else "")
        table.notes.append(f"{len(bad)} damaged row(s) left out (line {where}): wrong number of fields, or no epoch.")
    if words:
        table.notes.append(f"{words} field(s) hold no number; they are read as missing.")
    return table


def best_so_far(fitness: Sequence[float | None], attempt: Sequence[int]) -> list[float | None]:
    """Running maximum of the finite values; it begins anew with every start of the training."""
    best: list[float | None] = []
    top: float | None = None
    start = attempt[0] if attempt else 0
    for value, this in zip(fitness, attempt, strict=True):
        if this != start:
            top, start = None, this
        if value is not None and math.isfinite(value):
            top = value if top is None else max(top, value)
        best.append(top)
    return best

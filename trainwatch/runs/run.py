"""Run: the tables, events and meta data of one training, in one shape for every source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainwatch.result import Where

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """The measured values of one column, in the order of the record.

    Rows where the column was not measured (null) are absent; a measured NaN or infinity is present. All arrays have the
    shape (n,).

    Attributes:
        name: Column name without table prefix.
        values: float64.
        step: Step of each value, int64; -1 throughout for epoch logs without steps.
        epoch: Epoch of each value, int64, 0-based.
        attempt: How often that epoch had been started before, int64.
    """

    name: str
    values: Floats
    step: Ints
    epoch: Ints
    attempt: Ints

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Mask of finite values, shape (n,)."""
        return np.isfinite(self.values)

    def where(self, index: int) -> Where:
        """Return the place of one value."""
        step = int(self.step[index])
        return Where(step=step if step >= 0 else None, epoch=int(self.epoch[index]))

    def take(self, mask: npt.NDArray[Any]) -> Series:
        """Return the values selected by a boolean mask or an index array."""
        return Series(self.name, self.values[mask], self.step[mask], self.epoch[mask], self.attempt[mask])


def empty_series(name: str) -> Series:
    """Return a series of length 0."""
    none = np.empty(0, np.int64)
    return Series(name, np.empty(0, np.float64), none, none, none)


class Run:
    """One training.

    Args:
        path: Folder or file it was read from.
        source: Id of the importer (``trainwatch``, ``ultralytics-csv`` ...).
        steps: Arrow table of step rows, columns as in ``trainwatch_hooks.schema``; None if the log has epochs only.
        epochs: Arrow table of epoch rows; must hold ``epoch`` (int64, 0-based) if it has rows.
        events: Event records in time order.
        meta: ``run.json`` or what an importer could reconstruct of it. Keys used by the analysis: ``trainer``,
            ``args`` (in force), ``requested``, ``planned_epochs``, ``hardware``, ``dataset``, ``process``, ``versions``;
            of a foreign log ``ended``, its own word on how it ended (``kind`` and ``reason``).
        notes: What may mislead the reader (torn rows, gaps), one sentence each.
    """

    def __init__(
        self,
        path: Path | str,
        source: str,
        *,
        steps: pa.Table | None = None,
        epochs: pa.Table | None = None,
        events: Sequence[Mapping[str, Any]] = (),
        meta: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.path = Path(path)
        self.source = source
        self.step_table: pa.Table = steps if steps is not None else pa.table({})
        self.epoch_table: pa.Table = epochs if epochs is not None else pa.table({})
        self.events: list[dict[str, Any]] = [dict(e) for e in events]
        self.meta: dict[str, Any] = dict(meta or {})
        self.notes: list[str] = list(notes)
        self._series: dict[tuple[str, str], Series] = {}
        self._by_rank: dict[int, pa.Table] = {}
        self._keys: dict[str, dict[str, Ints]] = {}
        self.cache: dict[Any, Any] = {}
        """Derived data computed once by name (``signals``)."""

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Step rows as pandas; null and NaN both become NaN (use :meth:`step_series` to tell them apart)."""
        frame: pd.DataFrame = self.step_table.to_pandas()
        return frame

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """Epoch rows as pandas."""
        frame: pd.DataFrame = self.epoch_table.to_pandas()
        return frame

    @cached_property
    def ranks(self) -> tuple[int, ...]:
        """Ranks that have step rows, ascending; ``(0,)`` where the record does not tell them apart."""
        if "rank" not in self.step_table.column_names or not self.step_table.num_rows:
            return (0,)
        found = sorted(int(r) for r in pc.unique(self.step_table["rank"]).to_pylist() if r is not None)
        return tuple(found) or (0,)

    def rank_table(self, rank: int) -> pa.Table:
        """Return the step rows of one rank, in the order of the record."""
        if len(self.ranks) == 1:
            return self.step_table
        if rank not in self._by_rank:
            self._by_rank[rank] = self.step_table.filter(pc.equal(self.step_table["rank"], rank))
        return self._by_rank[rank]

    @property
    def step_rows(self) -> int:
        """Steps in the record, as the lowest rank counts them: ranks take the same steps together."""
        return int(self.rank_table(self.ranks[0]).num_rows)

    @property
    def args(self) -> dict[str, Any]:
        """The trainer's arguments in force after set-up."""
        return dict(self.meta.get("args") or {})

    @property
    def requested(self) -> dict[str, Any]:
        """The arguments as the user gave them."""
        return dict(self.meta.get("requested") or {})

    @property
    def planned_epochs(self) -> int | None:
        """Epochs asked for, None if unknown."""
        planned = self.meta.get("planned_epochs", self.args.get("epochs"))
        return int(planned) if planned else None

    @property
    def epochs_done(self) -> int:
        """Number of the last epoch that has an epoch row, counted from 1; 0 if there is none."""
        epoch = self.epoch_series("epoch").values
        return int(epoch.max()) + 1 if len(epoch) else 0

    @cached_property
    def _column_names(self) -> list[str]:
        return [f"steps.{n}" for n in self.step_table.column_names] + [
            f"epochs.{n}" for n in self.epoch_table.column_names
        ]

    def column_names(self) -> list[str]:
        """List all columns as ``steps.<name>`` and ``epochs.<name>``."""
        return self._column_names

    def step_series(self, column: str, rank: int | None = None) -> Series:
        """Return the measured values of a step column; empty if the run lacks it.

        Args:
            column: Name of the column.
            rank: Whose steps; None: the lowest rank's. Ranks are never mixed in one series.
        """
        rank = self.ranks[0] if rank is None else rank
        table = self.rank_table(rank) if column in self.step_table.column_names else self.step_table
        return self._get(f"steps of rank {rank}", table, column)

    def epoch_series(self, column: str) -> Series:
        """Return the measured values of an epoch column, without rows that a later start of the training superseded."""
        return self._get("epochs", self.epoch_table, column)

    def events_of(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events of the given kinds, in time order."""
        return [e for e in self.events if e.get("kind") in kinds]

    def _get(self, table_name: str, table: pa.Table, column: str) -> Series:
        key = (table_name, column)
        if key not in self._series:
            keys = self._keys.setdefault(table_name, {})
            series = _series(table, column, keys) if column in table.column_names else empty_series(column)
            self._series[key] = _last_attempts(series) if table_name == "epochs" else series
        return self._series[key]


def _series(table: pa.Table, column: str, keys: dict[str, Ints]) -> Series:
    """Take a column out of a table; ``keys`` keeps the key columns, which all whole columns share."""
    for name, missing in (("step", -1), ("epoch", 0), ("attempt", 0)):
        if name not in keys:
            keys[name] = _integers(table, name, missing)
    values: Floats = table[column].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if table[column].null_count == 0:
        return Series(column, values, keys["step"], keys["epoch"], keys["attempt"])
    valid = pc.is_valid(table[column]).to_numpy().astype(bool)
    return Series(column, values[valid], keys["step"][valid], keys["epoch"][valid], keys["attempt"][valid])


def _integers(table: pa.Table, name: str, missing: int) -> Ints:
    if name not in table.column_names:
        return np.full(table.num_rows, missing, np.int64)
    values: Ints = pc.fill_null(table[name].cast(pa.int64()), missing).to_numpy()
    return values


def _last_attempts(series: Series) -> Series:
    """Drop every row after which the training began again at its epoch or an earlier one."""
    if len(series) < 2 or not series.attempt.any():
        return series
    later = np.minimum.accumulate(series.epoch[::-1])[::-1]  # smallest epoch from each row on
    keep = np.append(series.epoch[:-1] < later[1:], True)
    return series if keep.all() else series.take(keep)

"""Run: the tables, events and meta data of one training, in one shape for every source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trainwatch.notebook import block
from trainwatch.result import Where
from trainwatch.runs.columns import KEYS, Columns, memory_of, of_table

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FINISHED = ("completed", "early-stop")
"""Ends by which the last epoch is a whole one."""

TRAINER = "ultralytics"
"""Source of the checkpoints that end an epoch; one's own loop may write some in the middle of one."""

HELD_BYTES = 64 << 20
"""Memory of the series that a run keeps for the next who asks; a series of a million steps takes 8 MB."""


class Damage(str):
    """A note of a run that says that a file with rows or events of it could not be read: they may be all there was."""

    __slots__ = ()


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
        weight: Rows of the record that each value stands for, itself and those before it that were not kept, int64; None:
            none was left out.
    """

    name: str
    values: Floats
    step: Ints
    epoch: Ints
    attempt: Ints
    weight: Ints | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Mask of finite values, shape (n,)."""
        return np.isfinite(self.values)

    @property
    def rows(self) -> int:
        """Rows of the record that the values stand for."""
        return len(self) if self.weight is None else int(self.weight.sum())

    @property
    def weights(self) -> Ints:
        """The weight of each value, 1 where none was left out."""
        return np.ones(len(self), np.int64) if self.weight is None else self.weight

    @property
    def nbytes(self) -> int:
        """Memory of its arrays."""
        return sum(a.nbytes for a in (self.values, self.step, self.epoch, self.attempt, self.weight) if a is not None)

    def where(self, index: int) -> Where:
        """Return the place of one value."""
        step = int(self.step[index])
        return Where(step=step if step >= 0 else None, epoch=int(self.epoch[index]))

    def at_steps(self, other: Series) -> Floats:
        """Return the value in force at each step of another series: the first that was measured at it or later.

        Of this series, which must not be empty, the last value stands for everything behind it; shape (len(other),).
        """
        if self.step is other.step:
            return self.values
        if (self.values == self.values[0]).all():
            return np.full(len(other), self.values[0])
        return self.values[np.clip(np.searchsorted(self.step, other.step), 0, len(self) - 1)]

    def take(self, mask: npt.NDArray[Any]) -> Series:
        """Return the values selected by a boolean mask or an index array."""
        weight = None if self.weight is None else self.weight[mask]
        return Series(self.name, self.values[mask], self.step[mask], self.epoch[mask], self.attempt[mask], weight)


def empty_series(name: str) -> Series:
    """Return a series of length 0."""
    none = np.empty(0, np.int64)
    return Series(name, np.empty(0, np.float64), none, none, none)


class Run:
    """One training.

    Args:
        path: Folder or file it was read from.
        source: Id of the importer (``trainwatch``, ``ultralytics-csv`` ...).
        steps: Step rows, columns as in ``trainwatch_hooks.schema``; None if the log has epochs only.
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
        steps: pa.Table | Columns | None = None,
        epochs: pa.Table | None = None,
        events: Sequence[Mapping[str, Any]] = (),
        meta: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.path = Path(path)
        self.source = source
        self.step_columns = (
            steps if isinstance(steps, Columns) else of_table(steps if steps is not None else pa.table({}))
        )
        self.epoch_table: pa.Table = epochs if epochs is not None else pa.table({})
        self.events: list[dict[str, Any]] = [dict(e) for e in events]
        self.meta: dict[str, Any] = dict(meta or {})
        self.notes: list[str] = list(notes)
        self._series: dict[tuple[str, str], Series] = {}
        self._by_rank: dict[int, Columns] = {}
        self._keys: dict[str, dict[str, Ints]] = {}
        self._lock = RLock()
        self.cache: dict[Any, Any] = {}
        """Derived data computed once by name (``signals``)."""

    @property
    def damage(self) -> tuple[Damage, ...]:
        """The files that could not be read, one sentence each; more of a run that is still written may be read later."""
        return tuple(note for note in self.notes if isinstance(note, Damage))

    @property
    def step_table(self) -> pa.Table:
        """Step rows as an Arrow table, made anew each time."""
        return self.step_columns.table()

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

    def to_pandas(self) -> dict[str, pd.DataFrame]:
        """Return ``steps``, ``epochs`` and ``events`` as pandas frames."""
        import pandas as pd

        return {"steps": self.steps, "epochs": self.epochs, "events": pd.DataFrame(self.events)}

    def _repr_html_(self) -> str:
        """Show the run in a notebook: what it is, and its columns."""
        names = [n.split(".", 1) for n in self.column_names()]
        columns = {t: ", ".join(n for table, n in names if table == t) for t in ("steps", "epochs")}
        planned = f" of {self.planned_epochs}" if self.planned_epochs else ""
        facts = [
            ("read as", self.source),
            ("epochs", f"{self.epochs_done}{planned}"),
            ("steps", str(self.step_rows)),
            ("events", str(len(self.events))),
            *((f"{table} columns", text) for table, text in columns.items()),
            *(("note", note) for note in self.notes),
        ]
        return block(f"Run {self.path}", facts)

    @cached_property
    def ranks(self) -> tuple[int, ...]:
        """Ranks that have step rows, ascending; ``(0,)`` where the record does not tell them apart."""
        if "rank" not in self.step_columns or not self.step_columns.num_rows:
            return (0,)
        rank = self.step_columns.values("rank")
        return tuple(sorted({int(r) for r in np.unique(rank[~np.isnan(rank)])})) or (0,)

    def rank_columns(self, rank: int) -> Columns:
        """Return the step rows of one rank, in the order of the record."""
        if len(self.ranks) == 1:
            return self.step_columns
        if rank not in self._by_rank:
            self._by_rank[rank] = self.step_columns.take(self.step_columns.values("rank") == rank)
        return self._by_rank[rank]

    @property
    def step_rows(self) -> int:
        """Steps in the record, as the lowest rank counts them: ranks take the same steps together."""
        columns = self.rank_columns(self.ranks[0])
        if columns.row is None or not columns.num_rows:
            return columns.num_rows
        return int(columns.row[-1]) + 1

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
        """Number of the last epoch that has an epoch row, counted from 1; 0 if there is none.

        An exception between the checkpoint of an epoch and its row leaves no row: such an epoch is done, too. A loop of one's
        own may record steps only: then the epochs before the last one are done, and the last one, too, if the record was ended.
        """
        done = self._epochs_recorded()
        own = (e for e in reversed(self.events) if e.get("kind") == "checkpoint" and e.get("source") == TRAINER)
        saved: dict[str, Any] = next(own, {})
        attempts = [e["attempt"] for e in self.events if isinstance(e.get("attempt"), int)]
        same = saved.get("attempt") == max(attempts, default=None)
        return done + 1 if same and saved.get("epoch") == done else done

    def _epochs_recorded(self) -> int:
        epoch = self.epoch_series("epoch").values
        if len(epoch):
            return int(epoch.max()) + 1
        steps = self.step_series("step").epoch if self.source == "trainwatch" else epoch
        ended = any(
            e.get("kind") == "end" and (e.get("data") or {}).get("reason") in FINISHED for e in self.events[-3:]
        )
        return max(int(steps.max()) + ended, 0) if len(steps) else 0

    @cached_property
    def _column_names(self) -> list[str]:
        return [f"steps.{n}" for n in self.step_columns.names] + [f"epochs.{n}" for n in self.epoch_table.column_names]

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
        if column not in self.step_columns:
            return empty_series(column)
        return self._get(f"steps of rank {rank}", column, lambda: self.rank_columns(rank))

    def epoch_series(self, column: str) -> Series:
        """Return the measured values of an epoch column, without rows that a later start of the training superseded."""
        if column not in self.epoch_table.column_names:
            return empty_series(column)
        return self._get("epochs", column, lambda: of_table(self.epoch_table))

    def events_of(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events of the given kinds, in time order."""
        return [e for e in self.events if e.get("kind") in kinds]

    def _get(self, table: str, column: str, read: Callable[[], Columns]) -> Series:
        key = (table, column)
        with self._lock:  # checks run in threads
            series = self._series.pop(key, None)
            if series is None:
                series = _series(read(), column, self._keys.setdefault(table, {}))
                series = _last_attempts(series) if table == "epochs" else series
            self._series[key] = series  # the newest last
            self._forget()
        return series

    def _forget(self) -> None:
        """Drop the series that were asked for longest ago; what they were made of is still there."""
        held = sum(memory_of(s.values) for s in self._series.values())
        while held > HELD_BYTES and len(self._series) > 1:
            held -= memory_of(self._series.pop(next(iter(self._series))).values)


def _series(columns: Columns, column: str, keys: dict[str, Ints]) -> Series:
    """Take a column out; ``keys`` keeps the key columns, which all whole columns share."""
    if not keys:
        keys.update({name: columns.key(name) for name in KEYS})
        if columns.row is not None:
            keys["weight"] = np.diff(columns.row, prepend=-1)
    values, measured = columns.values(column), columns.measured(column)
    whole = Series(column, values, keys["step"], keys["epoch"], keys["attempt"], keys.get("weight"))
    return whole if measured is None else whole.take(measured)


def _last_attempts(series: Series) -> Series:
    """Drop every row after which the training began again at its epoch or an earlier one."""
    if len(series) < 2 or not series.attempt.any():
        return series
    later = np.minimum.accumulate(series.epoch[::-1])[::-1]  # smallest epoch from each row on
    keep = np.append(series.epoch[:-1] < later[1:], True)
    return series if keep.all() else series.take(keep)

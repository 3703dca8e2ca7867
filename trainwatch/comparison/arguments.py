"""What differs between two sides before the first step: arguments, versions, data, machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainwatch.compared import ArgumentChange
from trainwatch.runs import Run

IGNORED = frozenset({"name", "save_dir", "project", "exist_ok", "mode", "task", "cfg", "verbose", "plots", "tracker"})
"""Arguments that name a run or its output and change nothing of the training."""

SURROUNDINGS = ("versions", "stabilisers", "dataset", "model", "git")
"""Tables of the record beyond the arguments."""

NOT_TOLD = frozenset({"git.dirty", "git.branch", "versions.platform"})


def changed_arguments(old: Sequence[Run], new: Sequence[Run]) -> tuple[ArgumentChange, ...]:
    """Return the arguments that differ, as in force where that is known, sorted by name."""
    return _changes(old, new, lambda run: {k: v for k, v in (run.args or run.requested).items() if k not in IGNORED})


def changed_surroundings(old: Sequence[Run], new: Sequence[Run]) -> tuple[ArgumentChange, ...]:
    """Return what else differs; a table that one side did not record is no difference."""
    changes: list[ArgumentChange] = []
    for table in SURROUNDINGS:
        if all(run.meta.get(table) for run in (*old, *new)) or table == "stabilisers":
            changes += _changes(old, new, lambda run, table=table: _flat(table, run.meta.get(table)))  # type: ignore[misc]
    return tuple(c for c in changes if c.arg not in NOT_TOLD)


def _flat(name: str, table: Any) -> dict[str, Any]:
    return {f"{name}.{k}": v for k, v in table.items()} if isinstance(table, Mapping) else {}


def _changes(
    old: Sequence[Run], new: Sequence[Run], read: Callable[[Run], Mapping[str, Any]]
) -> tuple[ArgumentChange, ...]:
    sides = [[read(run) for run in side] for side in (old, new)]
    names = sorted({name for side in sides for table in side for name in table})
    changes = []
    for name in names:
        first, second = (_values(side, name) for side in sides)
        if first != second:
            changes.append(ArgumentChange(name, first, second))
    return tuple(changes)


def _values(side: Sequence[Mapping[str, Any]], name: str) -> str | None:
    """Write the value; where the runs of one side differ (seeds), all of them."""
    found = list(dict.fromkeys(_text(table[name]) for table in side if table.get(name) is not None))
    return ", ".join(found) if found else None


def _text(value: Any) -> str:
    """Write 10.0 and 10 alike: trainers turn one into the other."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)

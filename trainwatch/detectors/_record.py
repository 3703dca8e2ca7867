"""Whole numbers that the recorder wrote into ``run.json``, which a stranger's file may hold as anything."""

from __future__ import annotations

from collections.abc import Mapping

from trainwatch.runs import Run


def count(run: Run, block: str, name: str) -> int | None:
    """Return a whole number of ``meta[block][name]``, 0 or more; None if it is absent or something else."""
    values = run.meta.get(block)
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

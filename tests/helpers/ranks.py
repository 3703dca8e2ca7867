"""Synthetic runs of several ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from synthetic import make_run

from trainwatch.runs import Run


def make_ranks(ranks: Sequence[Mapping[str, Any]], **more: Any) -> Run:
    """Make a run whose step rows are those of rank 0, then those of rank 1 ..., as the shards are read."""
    tables = [
        make_run({**steps, "rank": [i] * len(next(iter(steps.values())))}).step_table for i, steps in enumerate(ranks)
    ]
    whole = make_run({"step": []}, **more)
    return Run(whole.path, "trainwatch", steps=pa.concat_tables(tables, promote_options="permissive"), events=whole.events,
               meta=whole.meta)  # fmt: skip

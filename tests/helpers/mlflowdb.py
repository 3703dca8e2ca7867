"""Writes an mlflow.db, as little as tests need."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def write(file: Path, runs: dict[str, list[tuple[str, float, int, bool]]]) -> Path:
    """Write a database; each run starts later than the one before and holds (name, value, step, is NaN)."""
    with closing(sqlite3.connect(file)) as store:
        store.execute("CREATE TABLE runs (run_uuid TEXT, status TEXT, start_time INTEGER)")
        store.execute(
            "CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan INTEGER)"
        )
        store.execute("CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT)")
        for start, (run, values) in enumerate(runs.items()):
            store.execute("INSERT INTO runs VALUES (?, 'FINISHED', ?)", (run, start))
            store.execute("INSERT INTO params VALUES ('epochs', '3', ?)", (run,))
            for at, (name, value, step, nan) in enumerate(values):
                store.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", (name, value, at, run, step, nan))
        store.commit()
    return file

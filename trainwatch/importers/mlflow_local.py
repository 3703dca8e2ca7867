"""MLflow's local store: ``mlruns/<experiment>/<run>/`` or ``mlflow.db`` (SQLite), read without MLflow.

What it reads:
    ``metrics/<name>``, one line per value: time (ms), value, step; ``params/<name>``; the status in ``meta.yaml``. Of a
    database the tables ``runs``, ``metrics``, ``params``. Scalars are named as in any foreign log, see ``_scalars.py``.
    Several runs: the one that started last counts, and a note says how many were left aside.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from trainwatch.errors import UnreadableRun
from trainwatch.importers._exported import exported_tables
from trainwatch.importers._scalars import EPOCH_NAMES, MAX_STEP, by_step, planned_epochs, tables
from trainwatch.importers._text import legible, number, read_yaml
from trainwatch.runs.run import Run

SOURCE: Final = "mlflow-local"
DATABASE: Final = "mlflow.db"
SQLITE: Final = b"SQLite format 3\0"
MAX_FILE_BYTES: Final = 64 << 20
MAX_PARAM_BYTES: Final = 8192
MAX_NAMES: Final = 2000
MAX_RUNS: Final = 10_000
MAX_ROWS: Final = 20_000_000
STATUS: Final = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
INFINITE: Final = 1.79769313486231e308
"""MLflow writes infinity into SQLite as the largest double."""

Scalars = dict[str, dict[int, float]]


def sniff(path: Path) -> float:
    """Return 0.45 for a run, experiment or store of MLflow (meta.yaml and metrics, or a database), else 0."""
    try:
        if _database(path) is not None:
            return 0.45
        return 0.45 if _runs(path) else 0.0
    except OSError:
        return 0.0


def load(path: Path) -> Run:
    """Read a run's folder, or the newest run of an experiment's folder, of ``mlruns`` or of ``mlflow.db``.

    Args:
        path: The folder or the database.

    Raises:
        UnreadableRun: If there is none, or it holds no number.
    """
    path = Path(path)
    try:
        database = _database(path)
        runs = _runs(path) if database is None else []
        if database is not None:
            scalars, args, status, others, name = _from_database(database)
        elif runs:
            scalars, args, status = _from_folder(runs[0])
            others, name = len(runs) - 1, legible(runs[0].name)
        else:
            raise UnreadableRun(f"{path}: there is no run of MLflow in it; give mlruns/<experiment>/<run>")
    except OSError as error:
        raise UnreadableRun(f"{path}: {error.strerror or error}; make it readable or copy it") from error
    columns, step = by_step(scalars)
    epoch = next((columns[n] for n in EPOCH_NAMES if n in columns), None)
    made = exported_tables(scalars) or tables({n: c for n, c in columns.items() if n not in EPOCH_NAMES}, step, epoch)
    if made.steps is None and made.epochs is None:
        raise UnreadableRun(
            f"{path}: run {name} of MLflow holds no loss, metric or learning rate; nothing was logged yet"
        )
    notes = [f"The run that started last was read ({name}); {others} other(s) were left aside."] if others else []
    if status:
        notes.append(f"MLflow recorded the status {status}.")
    if made.aside:
        notes.append(f"{len(made.aside)} logged name(s) left aside: {', '.join(made.aside[:12])}.")
    planned = None if made.counted else planned_epochs(args)
    meta = {"trainer": "loop", "args": args, "planned_epochs": planned, "ended": _ended(status, planned)}
    return Run(path, SOURCE, steps=made.steps, epochs=made.epochs, meta=meta, notes=[*notes, *made.notes])


def _ended(status: str, planned: int | None) -> dict[str, str] | None:
    """Return how a run ended whose planned epochs were not reached, None if the status does not say."""
    kind = {"FINISHED": "completed" if planned is None else "early-stop", "FAILED": "exception", "KILLED": "killed"}
    return {"kind": kind[status], "reason": f"MLflow recorded the status {status}"} if status in kind else None


def _database(path: Path) -> Path | None:
    file = path / DATABASE if path.is_dir() else path
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        return file if stream.read(len(SQLITE)) == SQLITE else None


def _runs(path: Path) -> list[Path]:
    """Return the folders of runs, the newest first."""
    if not path.is_dir():
        return []
    found: list[Path] = []
    for pattern in (".", "*", "*/*"):
        for folder in path.glob(pattern) if pattern != "." else [path]:
            if (folder / "meta.yaml").is_file() and (folder / "metrics").is_dir():
                found.append(folder)
                if len(found) >= MAX_RUNS:
                    break
        if found:
            break
    return sorted(found, key=_started, reverse=True) if len(found) > 1 else found


def _started(folder: Path) -> float:
    started = read_yaml(folder / "meta.yaml")[0].get("start_time")
    return float(started) if isinstance(started, int | float) and abs(started) < 1e15 else 0.0


def _from_folder(folder: Path) -> tuple[Scalars, dict[str, Any], str]:
    scalars: Scalars = {}
    root = folder / "metrics"
    for file in sorted(root.rglob("*"))[:MAX_NAMES]:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
            continue
        name = legible(file.relative_to(root).as_posix())
        for at, line in enumerate(file.read_bytes().split(b"\n")):
            parts = line.decode("utf-8", errors="replace").split()
            value = number(parts[1]) if len(parts) in (2, 3) else None
            step = number(parts[2]) if len(parts) == 3 else float(at)
            _put(scalars, name, step, value)
    args: dict[str, Any] = {}
    for file in sorted((folder / "params").rglob("*"))[:MAX_NAMES]:
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as stream:
                text = stream.read(MAX_PARAM_BYTES).decode("utf-8", errors="replace")
            args[legible(file.relative_to(folder / "params").as_posix())] = _value(text)
    status = str(read_yaml(folder / "meta.yaml")[0].get("status", ""))[:20]
    return scalars, args, STATUS.get(status, status)


def _from_database(file: Path) -> tuple[Scalars, dict[str, Any], str, int, str]:
    import sqlite3
    from contextlib import closing

    scalars: Scalars = {}
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as store:
            store.text_factory = lambda data: data.decode("utf-8", errors="replace")
            store.execute("PRAGMA trusted_schema = OFF")
            budget = [2000]  # times 100 000 instructions of SQLite's machine: about a minute; a view may never end

            def spent() -> int:
                budget[0] -= 1
                return int(budget[0] < 0)

            store.set_progress_handler(spent, 100_000)
            runs = store.execute("SELECT run_uuid, status FROM runs ORDER BY start_time DESC").fetchmany(MAX_RUNS)
            if not runs:
                raise UnreadableRun(f"{file}: the database of MLflow holds no run")
            run, status = runs[0]
            query = "SELECT key, value, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp"
            for count, (name, value, step, is_nan) in enumerate(store.execute(query, (run,))):
                if count >= MAX_ROWS:
                    break
                measured = math.nan if is_nan else value
                if isinstance(measured, int | float) and abs(measured) >= INFINITE:
                    measured = math.copysign(math.inf, measured)
                _put(scalars, str(name)[:200], step, measured)
            pairs = store.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run,)).fetchmany(MAX_NAMES)
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise UnreadableRun(
            f"{file}: no database of MLflow that can be read ({str(error)[:100]}); copy it again"
        ) from error
    args = {str(k)[:200]: _value(str(v)[:MAX_PARAM_BYTES]) for k, v in pairs}
    return scalars, args, STATUS.get(str(status), str(status)[:20]), len(runs) - 1, str(run)[:80]


def _put(scalars: Scalars, name: str, step: object, value: object) -> None:
    if not isinstance(step, int | float) or not isinstance(value, int | float) or not 0 <= step < MAX_STEP:
        return
    if name in scalars or len(scalars) < MAX_NAMES:
        scalars.setdefault(name, {})[int(step)] = float(value)


def _value(text: str) -> Any:
    """Return a parameter, which MLflow keeps as text, as the number that it is."""
    try:
        return int(text) if len(text) < 19 else float(text)
    except ValueError:
        found = number(text)
        return text if found is None or not math.isfinite(found) else found

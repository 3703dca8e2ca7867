"""What several commands do: analyse a path, write a file safely, turn findings into an exit code."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from trainwatch.errors import OutputExists, TrainwatchError, UnreadableRun

if TYPE_CHECKING:
    from trainwatch.result import Analysis
    from trainwatch.runs import Run


def analyse_path(path: str, *, strict: bool = False, mapping: str | None = None) -> Analysis:
    """Read and judge a run.

    Args:
        path: Run folder or log.
        strict: A check that cannot run is an error.
        mapping: ``--map`` as it was typed.

    Raises:
        TrainwatchError: If it cannot be read.
    """
    from trainwatch.analysis import Config, analyse, load

    if os.path.isdir(os.path.join(path, "trainwatch", "steps")):  # may take seconds to read, most without Python's lock
        threading.Thread(target=load, daemon=True).start()
    return analyse(read_whole(path, mapping), Config(strict=strict))


def read_whole(path: str, mapping: str | None = None) -> Run:
    """Read a run for a verdict: what nothing of can be read is no run of no step.

    Who follows a training that is still written calls ``read_run`` itself, and looks again.

    Raises:
        UnreadableRun: If the path is no run, an empty file, or a record of which every file with rows is damaged.
    """
    from trainwatch.runs import read_run

    # os.path: a name that no file system takes is no file, not an error; reading it says what is wrong
    if os.path.isfile(path) and not os.path.getsize(path):
        raise UnreadableRun(f"{path}: the file is empty; name the run's folder, or a log that has rows")
    if mapping is not None and os.path.isfile(os.path.join(path, "trainwatch", "run.json")):
        raise TrainwatchError(f"{path}: this is a record of trainwatch, whose columns have names; leave --map out")
    if mapping is not None:
        from trainwatch.importers.generic import parse_mapping

        run = read_run(path, parse_mapping(mapping))
    else:
        run = read_run(path)
    if run.damage and not run.step_rows and not run.epochs_done:
        more = f", and {len(run.damage) - 1} more files" if len(run.damage) > 1 else ""
        raise UnreadableRun(
            f"{path}: the record is damaged, no step and no epoch of it can be read: {run.damage[0]}{more}; "
            "copy it anew from the machine that trained, or give its results.csv"
        )
    return run


def exit_code(analysis: Analysis, fail_on: str) -> int:
    """Return 1 if a finding is at least as severe as ``fail_on``, or if the run crashed, else 0."""
    order = ("critical", "warning", "info")
    if fail_on == "never":
        return 0
    if analysis.verdict.status == "crashed":
        return 1
    return int(any(order.index(f.severity) <= order.index(fail_on) for f in analysis.findings))


def format_of(output: Path | None, *known: str) -> str:
    """Return the format that a file's ending asks for, if it is known; else, and for the terminal, ``text``."""
    ending = output.suffix.lower() if output is not None else ""
    asked = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown"}.get(ending, "text")
    return asked if asked in known else "text"


def write_file(path: Path, content: str | bytes, *, force: bool) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputExists: If the file exists and ``force`` is not given.
        TrainwatchError: If it cannot be written.
    """
    if path.exists() and not force:
        raise OutputExists(f"{path} exists and is not overwritten; add --force, or name another file with -o")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        os.replace(temporary, path)
    except OSError as error:
        raise TrainwatchError(
            f"{path}: cannot be written ({error.strerror or error}); name another file with -o"
        ) from error
    finally:
        if temporary.exists():
            temporary.unlink()

"""Finds the importer for a path: every file of ``importers/`` looks at the content and says how sure it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from trainwatch.errors import UnreadableRun
from trainwatch.registry import modules
from trainwatch.runs.run import Run

LOOKED_BELOW = 200
"""Files and folders that are looked at for runs at each depth, where the one that was given is none."""
NAMED_BELOW = 5


def read_run(path: Path | str, mapping: Mapping[str, str] | None = None) -> Run:
    """Read a run folder or log file in any known format.

    A folder may hold several: our own recording wins if it has steps or epochs, else the surest importer whose log can be
    read; the others are named in a note.

    Args:
        path: Run folder (``runs/exp3``), its ``trainwatch`` folder, or a log file such as ``results.csv``.
        mapping: For a table of any other tool: its column by our name, see ``importers/generic.py``.

    Raises:
        UnreadableRun: If nothing there can be read as a run; the message names what was looked for.
    """
    path = Path(path)
    try:
        exists = path.exists()
    except OSError as error:  # name too long, embedded null ...
        raise UnreadableRun(f"{str(path)[:200]}: {error.strerror or error}; give the folder of a run") from error
    except ValueError as error:
        raise UnreadableRun(f"{str(path)[:200]!r} is no path: {error}") from error
    if not exists:
        raise UnreadableRun(
            f"{path}: no such file or folder; give the folder that the training wrote, e.g. runs/detect/train"
        )
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise UnreadableRun(f"{path}: permission denied; make it readable or copy it")
    importers = modules("trainwatch.importers")
    if mapping is not None:
        mapped: Run = importers["generic"].load(path, mapping)
        return mapped
    sure = {name: importer.sniff(path) for name, importer in importers.items()}
    order = sorted((n for n in sure if sure[n] > 0), key=lambda n: -sure[n])
    if not order:
        below = _below(path, importers)
        if below:
            raise UnreadableRun(f"{path}: no run itself, but runs lie below it: {', '.join(below)}; give one of them")
        what = (
            "folder is empty"
            if path.is_dir() and not any(path.iterdir())
            else "nothing here is a log that trainwatch knows"
        )
        raise UnreadableRun(
            f"{path}: {what}; looked for {', '.join(importers)}; for another table say which column is which with --map"
        )
    failed: dict[str, UnreadableRun] = {}
    bare: Run | None = None
    for name in order:
        try:
            run: Run = importers[name].load(path)
        except UnreadableRun as error:
            failed[name] = error
            continue
        if name == "trainwatch" and not run.step_columns.num_rows and not run.epoch_table.num_rows:
            bare = run  # events alone: any log beside it knows more of the curves
            continue
        if name != "trainwatch":
            run.notes += _aside(name, order, failed, bare)
        return run
    if bare is not None:
        return bare
    raise failed[order[0]]


def _below(path: Path, importers: Mapping[str, Any]) -> list[str]:
    """Return some runs in the folders of a folder, or in theirs."""
    found: list[str] = []
    for pattern in ("*", "*/*") if path.is_dir() else ():
        for folder in sorted(islice(path.glob(pattern), LOOKED_BELOW)):
            if len(found) == NAMED_BELOW:
                return found
            readable = folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
            if readable and any(importer.sniff(folder) > 0 for importer in importers.values()):
                found.append(str(folder))
        if found:
            return found
    return found


def _aside(name: str, order: list[str], failed: Mapping[str, UnreadableRun], bare: Run | None) -> list[str]:
    """Say which logs of a folder were not used."""
    notes = [f"Read as {name}; {other} could not be read: {error}" for other, error in failed.items()]
    if bare is not None:
        notes.append(f"Read as {name}; trainwatch's own recording beside it holds no step and was left aside.")
    others = [o for o in order if o != name and o not in failed and o not in ("trainwatch", "generic", "keras-csv")]
    if others:
        notes.append(f"Read as {name}; left aside: {', '.join(others)}.")
    return notes

"""Finds the importer for a path: every file of ``importers/`` looks at the content and says how sure it is."""

from __future__ import annotations

import os
from pathlib import Path

from trainwatch.errors import UnreadableRun
from trainwatch.registry import modules
from trainwatch.runs.run import Run


def read_run(path: Path | str) -> Run:
    """Read a run folder or log file in any known format.

    Args:
        path: Run folder (``runs/exp3``), its ``trainwatch`` folder, or a log file such as ``results.csv``.

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
    best = max(importers, key=lambda name: importers[name].sniff(path))
    if importers[best].sniff(path) <= 0:
        what = (
            "folder is empty"
            if path.is_dir() and not any(path.iterdir())
            else "nothing here is a log that trainwatch knows"
        )
        raise UnreadableRun(f"{path}: {what}; looked for {', '.join(importers)}")
    run: Run = importers[best].load(path)
    return run

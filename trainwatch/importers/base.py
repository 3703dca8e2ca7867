"""What an importer is.

A file ``importers/<format>.py`` holds two functions; its public id (file name with hyphens) is the run's ``source``:

``sniff(path: Path) -> float``
    How sure it is that it can read the path, 0 to 1, from content rather than names, without reading large files
    whole. It never raises. Our own recording answers 1.0, a log beside it less, so that the richest wins.

``load(path: Path) -> Run``
    Reads it. Raises ``UnreadableRun`` with one line: what, where, the way out. Never unpickles, never executes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from trainwatch.runs.run import Run


class Importer(Protocol):
    """The two functions that every module of this folder has."""

    @staticmethod
    def sniff(path: Path) -> float:
        """Say how sure this importer is, 0 to 1."""
        ...

    @staticmethod
    def load(path: Path) -> Run:
        """Read the run."""
        ...

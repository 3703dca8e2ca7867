"""What an exporter is, and how a target is written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainwatch.errors import OutputExists, TrainwatchError


@contextmanager
def new_folder(target: Path, *, force: bool) -> Iterator[Path]:
    """Give a temporary folder that becomes the target if the block ends well.

    Raises:
        OutputExists: If the target exists and ``force`` is not given.
        TrainwatchError: If it cannot be written.
    """
    if target.exists() and not force:
        raise OutputExists(f"{target} exists and is not overwritten; add --force, or name another folder with -o")
    if target.exists() and not target.is_dir():
        raise OutputExists(f"{target} is a file, and the export a folder; name another with -o")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.mkdir(parents=True)
        except OSError as error:
            raise _cannot(target, error) from error
        yield temporary
        try:
            if target.exists():
                _remove_export(target)
            os.replace(temporary, target)
        except OSError as error:
            raise _cannot(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


MARK = ".trainwatch-export"
"""File that marks a folder as one of our exports: ``--force`` replaces nothing else."""


def _remove_export(target: Path) -> None:
    if any(target.iterdir()) and not (target / MARK).is_file():
        raise OutputExists(f"{target} was not written by trainwatch export and is not replaced; name another with -o")
    shutil.rmtree(target)


def mark(folder: Path) -> None:
    """Mark a folder as ours."""
    (folder / MARK).write_text("written by trainwatch export\n", encoding="utf-8")


def _cannot(target: Path, error: OSError) -> TrainwatchError:
    return TrainwatchError(f"{target}: cannot be written ({error.strerror or error}); name another folder with -o")


def missing(package: str, extra: str) -> TrainwatchError:
    """Return the error for a package that is not installed."""
    return TrainwatchError(f'this export needs {package}: pip install "trainwatch-toolkit[{extra}]"')

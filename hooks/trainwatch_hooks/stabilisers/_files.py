"""The checkpoint folder: files written whole or not at all, counted against a budget, verified when they are read.

A file is written under a temporary name, forced to the disk, renamed, and only then entered with its SHA-256 into
``checkpoints.json``. Whoever is killed in between leaves a whole file that the list does not know yet, never half a one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from trainwatch_hooks.store import write_json

FOLDER: Final = "checkpoints"
MANIFEST: Final = "checkpoints.json"
LATEST: Final = "latest.pt"
PREVIOUS: Final = "previous.pt"
LIGHT: Final = "light.pt"
BEST: Final = re.compile(r"best_(\d+)\.pt")
MAX_MANIFEST_BYTES: Final = 1 << 20


class NoRoom(Exception):
    """The file would not fit into the budget, even after pruning."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the folder as the list knows it.

    Attributes:
        name: File name.
        epoch: Last epoch (from 0) that the weights have seen, in part if ``batch`` is not None.
        batch: Micro-batch of the epoch (from 0) after which it was written; None: the epoch was complete.
        bytes: Size.
        sha256: Hexadecimal digest.
        saved_s: Wall clock (Unix).
        fitness: Fitness of the epoch, None if it was not validated.
    """

    name: str
    epoch: int
    batch: int | None
    bytes: int
    sha256: str
    saved_s: float
    fitness: float | None


class CheckpointFolder:
    """Writes, prunes and lists the files of one run.

    Args:
        path: ``<run dir>/trainwatch/checkpoints``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries = read_manifest(path)

    def write(
        self,
        name: str,
        into: Callable[[IO[bytes]], None],
        *,
        epoch: int,
        batch: int | None = None,
        fitness: float | None = None,
        keep_previous: bool = True,
    ) -> Entry:
        """Write one file atomically and durably.

        Args:
            name: File name; an older file of that name is replaced. An older ``latest.pt`` becomes ``previous.pt``.
            into: Writes the content into an open file.
            epoch: See :class:`Entry`.
            batch: See :class:`Entry`.
            fitness: See :class:`Entry`.
            keep_previous: Whether an older ``latest.pt`` is kept.

        Raises:
            OSError: If the disk refuses; nothing is then changed and no temporary file is left.
        """
        if not self.path.parent.parent.is_dir():
            raise FileNotFoundError(2, "the run's folder has vanished", str(self.path.parent.parent))
        self.path.mkdir(parents=True, exist_ok=True)
        for left in self.path.glob(".*.tmp"):  # of a killed predecessor
            left.unlink(missing_ok=True)
        temporary = self.path / f".{name}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:
                into(file)
                file.flush()
                os.fsync(file.fileno())
            with open(temporary, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            entry = Entry(name, epoch, batch, temporary.stat().st_size, digest, time.time(), fitness)
            if name == LATEST and keep_previous and (self.path / LATEST).exists():
                os.replace(self.path / LATEST, self.path / PREVIOUS)
                older = self.entries.pop(LATEST, None)
                if older is not None:
                    self.entries[PREVIOUS] = Entry(**{**asdict(older), "name": PREVIOUS})
            os.replace(temporary, self.path / name)
            sync_folder(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        self.entries[name] = entry
        self._write_manifest()
        return entry

    def copy(self, name: str, source: str, **known: Any) -> Entry:
        """Write a file of the same content as another one, sharing no block with it."""

        def into(file: IO[bytes]) -> None:
            with open(self.path / source, "rb") as original:
                shutil.copyfileobj(original, file, 1 << 20)

        return self.write(name, into, **known)

    def full(self) -> list[str]:
        """Names of the files with full state that exist: bests from old to new, previous, latest."""
        bests = sorted((p for p in self._files() if BEST.fullmatch(p.name)), key=self._age)
        return [p.name for p in bests] + [n for n in (PREVIOUS, LATEST) if (self.path / n).exists()]

    def bytes(self) -> int:
        """Bytes that all files together take."""
        return sum(p.stat().st_size for p in self._files())

    def prune_bests(self, keep: int) -> list[str]:
        """Remove the oldest bests beyond ``keep``; return their names."""
        bests = [n for n in self.full() if BEST.fullmatch(n)]
        return self._remove(bests[: max(len(bests) - keep, 0)])

    def make_room(self, name: str, size: int, limit: float) -> tuple[list[str], bool]:
        """Prune until a file fits: oldest bests first, then ``previous.pt``, never the last one with full state.

        Args:
            name: File about to be written.
            size: Its bytes.
            limit: Bytes that all files together may take.

        Returns:
            Names of the files that went, and whether an older ``latest.pt`` can stay as ``previous.pt``.

        Raises:
            NoRoom: If it cannot fit.
        """
        gone: list[str] = []
        while self._after(name, size, keep_previous=True) > limit:
            full = self.full()
            spare = [n for n in full if n not in (LATEST, name)]
            if not spare or len(full) < 2:
                break
            gone += self._remove(spare[:1])
        if self._after(name, size, keep_previous=True) <= limit:
            return gone, True
        if name == LATEST and self._after(name, size, keep_previous=False) <= limit:
            return gone, False
        raise NoRoom(f"{size / 2**20:.1f} MiB do not fit into {limit / 2**20:.1f} MiB")

    def _after(self, name: str, size: int, *, keep_previous: bool) -> int:
        replaced = PREVIOUS if name == LATEST and keep_previous and (self.path / LATEST).exists() else name
        path = self.path / replaced
        return self.bytes() + size - (path.stat().st_size if path.exists() else 0)

    def _remove(self, names: list[str]) -> list[str]:
        for name in names:
            (self.path / name).unlink(missing_ok=True)
            self.entries.pop(name, None)
        if names:
            self._write_manifest()
        return names

    def _files(self) -> list[Path]:
        return [p for p in self.path.glob("*.pt") if p.is_file()]

    def _age(self, path: Path) -> float:
        entry = self.entries.get(path.name)
        return entry.saved_s if entry is not None else path.stat().st_mtime

    def _write_manifest(self) -> None:
        files = {n: asdict(e) for n, e in self.entries.items() if (self.path / n).exists()}
        write_json(self.path / MANIFEST, {"schema": 1, "files": files})


def read_manifest(path: Path) -> dict[str, Entry]:
    """Return the list of a folder by file name; empty if there is none or it is damaged."""
    try:
        if (path / MANIFEST).stat().st_size > MAX_MANIFEST_BYTES:
            return {}
        files = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(n): _entry(str(n), e) for n, e in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _entry(name: str, e: Mapping[str, Any]) -> Entry:
    return Entry(
        name,
        int(e["epoch"]),
        None if e["batch"] is None else int(e["batch"]),
        int(e["bytes"]),
        str(e["sha256"]),
        float(e["saved_s"]),
        None if e["fitness"] is None else float(e["fitness"]),
    )


def sync_folder(path: Path) -> None:
    """Force a folder's names to the disk (not every system can open folders)."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def damage(path: Path, entry: Entry | None) -> str | None:
    """Say what is wrong with a file; None if it is whole.

    The digest decides if it agrees. If not, the file may be newer than the list (killed between the two), so the
    checksums inside the zip archive have the last word.
    """
    try:
        if entry is not None and path.stat().st_size == entry.bytes:
            with open(path, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256:
                    return None
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except FileNotFoundError:
        return "it is missing"
    except zipfile.BadZipFile:
        return "it is truncated or no checkpoint"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    except Exception as error:  # zipfile raises many kinds on garbage
        return f"it is damaged ({type(error).__name__})"
    return f"{bad} inside is damaged" if bad else None


def newest_first(path: Path) -> list[str]:
    """Names of the files with full state, newest first."""
    folder = CheckpointFolder(path)
    return sorted(folder.full(), key=lambda n: folder._age(path / n), reverse=True)


def best_first(path: Path) -> list[str]:
    """Names of the best files, best fitness first."""
    folder = CheckpointFolder(path)
    bests = [n for n in folder.full() if BEST.fullmatch(n)]

    def rank(name: str) -> tuple[float, float]:
        entry = folder.entries.get(name)
        known = entry.fitness if entry is not None and entry.fitness is not None else float("-inf")
        return known, folder._age(path / name)

    return sorted(bests, key=rank, reverse=True)

"""The checkpoint folder: whole files only, and what is done with those that are not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from trainwatch_hooks.stabilisers import _files
from trainwatch_hooks.stabilisers._files import (
    CheckpointFolder,
    NoRoom,
    best_first,
    damage,
    newest_first,
    read_manifest,
)

torch = pytest.importorskip("torch")


def content(value: int, size: int = 1000):
    def into(file):
        torch.save({"value": value, "tensor": torch.full((size,), float(value))}, file)

    return into


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    (tmp_path / "trainwatch").mkdir()
    return CheckpointFolder(tmp_path / "trainwatch" / "checkpoints")


def value(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["value"])


def test_the_list_holds_what_is_needed_to_verify(folder: CheckpointFolder) -> None:
    folder.write("best_3.pt", content(3), epoch=3, fitness=0.5)
    entry = read_manifest(folder.path)["best_3.pt"]
    assert (entry.epoch, entry.fitness, entry.bytes) == (3, 0.5, (folder.path / "best_3.pt").stat().st_size)
    assert damage(folder.path / "best_3.pt", entry) is None
    assert damage(folder.path / "best_3.pt", None) is None, "the zip's own checksums"


def test_latest_has_two_generations(folder: CheckpointFolder) -> None:
    for i in range(3):
        folder.write("latest.pt", content(i), epoch=i)
    assert (value(folder.path / "latest.pt"), value(folder.path / "previous.pt")) == (2, 1)
    entries = read_manifest(folder.path)
    assert (entries["latest.pt"].epoch, entries["previous.pt"].epoch) == (2, 1)
    assert all(damage(folder.path / n, e) is None for n, e in entries.items())
    assert newest_first(folder.path) == ["latest.pt", "previous.pt"]


@pytest.mark.parametrize("what", ["cut", "flipped", "empty", "text", "missing"])
def test_a_damaged_file_is_known(folder: CheckpointFolder, what: str) -> None:
    folder.write("latest.pt", content(1), epoch=1)
    path = folder.path / "latest.pt"
    data = bytearray(path.read_bytes())
    if what == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif what == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif what == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if what == "empty" else b"no checkpoint")
    assert damage(path, read_manifest(folder.path)["latest.pt"])
    assert damage(path, None)


def test_killed_between_the_file_and_the_list(folder: CheckpointFolder) -> None:
    folder.write("latest.pt", content(1), epoch=1)
    old = (folder.path / "checkpoints.json").read_bytes()
    folder.write("latest.pt", content(2), epoch=2)
    (folder.path / "checkpoints.json").write_bytes(old)
    entries = read_manifest(folder.path)
    assert damage(folder.path / "latest.pt", entries["latest.pt"]) is None, "newer than the list, but whole"
    assert "latest.pt" in newest_first(folder.path)


def test_killed_while_writing(folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("latest.pt", content(1), epoch=1)
    left = folder.path / ".latest.pt.12345.tmp"
    left.write_bytes(b"half")
    assert newest_first(folder.path) == ["latest.pt"]
    folder.write("latest.pt", content(2), epoch=2)
    assert not left.exists(), "a dead writer's rest goes"


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_refusing_disk_changes_nothing(folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    folder.write("latest.pt", content(1), epoch=1)
    before = {p.name: p.read_bytes() for p in folder.path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, where, full)
        with pytest.raises(OSError, match="No space"):
            folder.write("latest.pt", content(2), epoch=2)
    assert {p.name: p.read_bytes() for p in folder.path.iterdir()} == before
    assert folder.entries["latest.pt"].epoch == 1


def test_a_list_that_anybody_may_have_written(folder: CheckpointFolder) -> None:
    folder.write("best_1.pt", content(1), epoch=1, fitness=0.3)
    for text in ("", "[]", "{", '{"files": 3}', '{"files": {"best_1.pt": {"epoch": "x"}}}', "[" * 100_000):
        (folder.path / "checkpoints.json").write_text(text)
        assert read_manifest(folder.path) == {}
        assert newest_first(folder.path) == ["best_1.pt"]
        assert best_first(folder.path) == ["best_1.pt"]


def test_the_best_is_the_fittest(folder: CheckpointFolder) -> None:
    for epoch, fitness in ((1, 0.3), (4, 0.9), (2, 0.5)):
        folder.write(f"best_{epoch}.pt", content(epoch), epoch=epoch, fitness=fitness)
    assert best_first(folder.path)[0] == "best_4.pt"
    assert newest_first(folder.path)[0] == "best_2.pt"


def test_room_is_made_and_refused(folder: CheckpointFolder) -> None:
    for epoch in range(3):
        folder.write(f"best_{epoch}.pt", content(epoch), epoch=epoch, fitness=float(epoch))
    size = folder.bytes() / 3
    assert folder.make_room("best_3.pt", int(size), 3.5 * size) == (["best_0.pt"], True)
    with pytest.raises(NoRoom):
        folder.make_room("best_3.pt", int(size), 0.5 * size)
    assert folder.full() == ["best_2.pt"], "the last one with full state stays"


def test_a_copy_shares_nothing(folder: CheckpointFolder) -> None:
    folder.write("best_1.pt", content(1), epoch=1)
    folder.copy("latest.pt", "best_1.pt", epoch=1)
    assert (folder.path / "latest.pt").read_bytes() == (folder.path / "best_1.pt").read_bytes()
    assert (folder.path / "latest.pt").stat().st_ino != (folder.path / "best_1.pt").stat().st_ino
    files = json.loads((folder.path / "checkpoints.json").read_text())["files"]
    assert files["latest.pt"]["sha256"] == files["best_1.pt"]["sha256"]
    assert _files.damage(folder.path / "latest.pt", None) is None

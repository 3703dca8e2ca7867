"""Snapshots of the shape that torch documents, injected: there is no device here. The last test takes a real one."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from trainwatch.analysis import analyse
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder
from trainwatch_hooks.probes import oom_snapshot
from trainwatch_hooks.probes.oom_snapshot import packed, write

OOM = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB")


def segment(size: int) -> dict[str, Any]:
    block = {"size": size, "requested_size": size, "address": 4096, "state": "active_allocated", "frames": []}
    return {"address": 4096, "total_size": size, "segment_type": "large", "blocks": [block]}


def snapshot(segments: int = 4, history: int = 0) -> dict[str, Any]:
    trace = [{"action": "alloc", "addr": i, "size": i, "frames": []} for i in range(history)]
    return {"segments": [segment(i + 1) for i in range(segments)], "device_traces": [trace], "allocator_settings": {}}


def test_what_the_allocator_held_is_kept(tmp_path: Path) -> None:
    assert write(tmp_path, 1, OOM, snapshot) == "oom-rank1.pickle"
    assert pickle.loads((tmp_path / "oom-rank1.pickle").read_bytes()) == snapshot()
    assert [p.name for p in tmp_path.iterdir()] == ["oom-rank1.pickle"]


def test_only_for_the_allocator_of_a_device_that_is_in_use(tmp_path: Path) -> None:
    assert write(tmp_path, 0, RuntimeError("DefaultCPUAllocator: can't allocate memory"), snapshot) is None
    assert write(tmp_path, 0, MemoryError(), snapshot) is None
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_initialized():
        assert write(tmp_path, 0, OOM) is None
    assert list(tmp_path.iterdir()) == []


def test_the_size_is_bounded_and_the_most_telling_stays() -> None:
    whole = snapshot(400, 20_000)
    size = len(pickle.dumps(snapshot(400)))
    data = packed(whole, size + 20_000)
    assert data is not None
    assert len(data) <= size + 20_000
    kept = pickle.loads(data)
    assert len(kept["segments"]) == 400, "history goes first"
    assert kept["device_traces"][0][-1]["addr"] == 19_999, "the oldest of it"
    small = packed(whole, size // 4)
    assert small is not None
    assert len(small) <= size // 4
    sizes = [s["total_size"] for s in pickle.loads(small)["segments"]]
    assert sizes[0] == 400
    assert min(sizes) > 400 - 2 * len(sizes)
    assert packed(whole, 10) is None


def end_in_oom(folder: Path, **settings: Any) -> Any:
    with pytest.raises(RuntimeError), Recorder(folder, report=False, **settings) as rec:
        for _ in range(3):
            rec.step(loss=1.0)
        raise OOM
    return read_run(folder)


def test_the_event_and_the_page_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oom_snapshot, "_of_torch", lambda: snapshot)
    run = end_in_oom(tmp_path / "run")
    (event,) = run.events_of("oom")
    assert event["data"]["snapshot"] == "trainwatch/oom-rank0.pickle"
    assert (tmp_path / "run" / event["data"]["snapshot"]).is_file()
    finding = next(f for f in analyse(run).findings if f.id == "out-of-memory")
    assert "trainwatch/oom-rank0.pickle" in finding.summary
    assert finding.measured is not None
    assert finding.measured.value == 2 << 30, "the message is what it was"


def test_it_can_be_switched_off_and_without_a_device_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "snapshot" not in end_in_oom(tmp_path / "none").events_of("oom")[0]["data"]
    monkeypatch.setattr(oom_snapshot, "_of_torch", lambda: snapshot)
    run = end_in_oom(tmp_path / "off", probes={"oom_snapshot": False})
    assert "snapshot" not in run.events_of("oom")[0]["data"]
    assert not list((tmp_path / "off" / "trainwatch").glob("*.pickle"))


def test_a_snapshot_that_fails_leaves_the_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Any:
        raise RuntimeError("planted in the allocator")

    monkeypatch.setattr(oom_snapshot, "_of_torch", lambda: broken)
    run = end_in_oom(tmp_path / "run")
    assert "snapshot" not in run.events_of("oom")[0]["data"]
    assert "planted in the allocator" in capsys.readouterr().err


@pytest.mark.cuda
def test_on_a_device(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    with pytest.raises(torch.OutOfMemoryError), Recorder(tmp_path, report=False) as rec:
        held = torch.zeros(64 << 20, dtype=torch.uint8, device="cuda")
        rec.step(loss=held.sum())
        torch.zeros(1 << 50, dtype=torch.uint8, device="cuda")
    (event,) = read_run(tmp_path).events_of("oom")
    kept = pickle.loads((tmp_path / event["data"]["snapshot"]).read_bytes())
    assert max(s["total_size"] for s in kept["segments"]) >= 64 << 20

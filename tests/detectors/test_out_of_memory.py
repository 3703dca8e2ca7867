from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from trainwatch.detectors.out_of_memory import OutOfMemory
from trainwatch.evidence import build_panels
from trainwatch.runs import Run

CPU = "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 52428800 bytes. Error code 12"
CUDA = "OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB."


def event(kind: str, message: str = "", **data: Any) -> dict[str, Any]:
    return {"time_s": 100.0, "step": 41, "epoch": 2, "rank": 0, "kind": kind, "message": message, "data": data}


def run_of(*events: dict[str, Any], **meta: Any) -> Run:
    steps = pa.table({
        "step": [40, 41], "epoch": [2, 2], "time_s": [98.0, 99.0], "rss_bytes": [2**30, 2**31],
        "vram_reserved_bytes": [2**33, 2**33],
    })  # fmt: skip
    events = ({**event("start"), "time_s": 1.0}, *events)
    return Run("x", "trainwatch", steps=steps, events=events, meta={"trainer": "ultralytics", **meta})


@pytest.mark.parametrize(
    ("message", "type_", "place", "asked", "held"),
    [
        (CPU, "RuntimeError", "host", 52428800, 2**31),
        (CUDA, "OutOfMemoryError", "device", 3 * 2**29, 2**33),
        ("MemoryError: ", "MemoryError", "host", None, 2**31),
        ("RuntimeError: cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", "RuntimeError", "device", None, 2**33),
    ],
)
@pytest.mark.parametrize("kind", ["oom", "exception"])
def test_a_fatal_failure(kind: str, message: str, type_: str, place: str, asked: int | None, held: int) -> None:
    (finding,) = OutOfMemory().detect(run_of(event(kind, message, type=type_)))
    assert finding.id == "out-of-memory"
    assert finding.severity == "critical"
    assert finding.detail["place"] == place
    assert finding.detail["asked_bytes"] == asked
    assert finding.detail["held_bytes"] == held
    assert finding.onset is not None
    assert (finding.onset.step, finding.onset.epoch) == (41, 2)
    assert finding.title == f"Out of {place} memory in epoch 3, step 41"
    assert (finding.measured is not None) == (asked is not None)


def test_the_summary_says_how_much_was_asked_for() -> None:
    (finding,) = OutOfMemory().detect(run_of(event("oom", CPU, type="RuntimeError")))
    assert "50 MiB more were asked for, with 2 GiB held at the last recorded step" in finding.summary


SPACE = {
    "address_space_limit_bytes": 20 << 30,
    "address_space_bytes": 20 << 30,
    "rss_bytes": 2 << 30,
    "machine_bytes": 64 << 30,
}


@pytest.mark.parametrize(
    ("memory", "says"),
    [
        (SPACE, "The limit that it hit is that of the address space, 20 GiB (ulimit -v), of which 20 GiB were in use"),
        ({**SPACE, "address_space_bytes": 1 << 30}, "No smaller limit than the machine's memory was in force, 64 GiB"),
        ({"cgroup_limit_bytes": 4 << 30, "machine_bytes": 64 << 30}, "container or control group, 4 GiB."),
        ({"machine_bytes": "64", "rss_bytes": None}, "The limit that it hit was not recorded"),
        (None, "The limit that it hit was not recorded; it is not the 64 GiB of the start, but a smaller one"),
    ],
)
def test_the_limit_that_was_in_force_is_named(memory: Any, says: str) -> None:
    hardware = {"gpus": [], "memory_limit_bytes": 64 << 30}
    (finding,) = OutOfMemory().detect(run_of(event("oom", CPU, type="RuntimeError", memory=memory), hardware=hardware))
    assert says in finding.summary


def test_the_chart_draws_no_limit_that_was_not_in_force() -> None:
    hardware = {"gpus": [], "memory_limit_bytes": 64 << 30}
    drawn = {}
    for name, memory in (("space", SPACE), ("container", {"cgroup_limit_bytes": 4 << 30}), ("unknown", None)):
        run = run_of(event("oom", CPU, type="RuntimeError", memory=memory), hardware=hardware)
        drawn[name] = next(p.limit for p in build_panels(run, ()) if p.id == "host_memory")
    assert drawn == {"space": None, "container": float(4 << 30), "unknown": None}
    assert next(p.limit for p in build_panels(run_of(hardware=hardware), ()) if p.id == "host_memory") == float(
        64 << 30
    )


def test_a_retry_is_a_warning_and_names_the_batches() -> None:
    retried = event("oom", "out of memory with batch=16", handled=True, batch_before=16, batch_after=8)
    (finding,) = OutOfMemory().detect(run_of(retried, event("end", reason="completed")))
    assert finding.severity == "warning"
    assert "the batch became 8 instead of 16" in finding.summary
    assert finding.detail["handled"] is True
    (on_cpu,) = OutOfMemory().detect(run_of(retried, event("end", reason="completed"), hardware={"gpus": []}))
    assert on_cpu.detail["place"] == "host"


def test_retries_then_death_are_one_finding() -> None:
    retried = event("oom", "out of memory with batch=16", handled=True)
    (finding,) = OutOfMemory().detect(run_of(retried, retried, event("oom", CUDA, type="OutOfMemoryError")))
    assert finding.severity == "critical"
    assert finding.detail["retries"] == 2


def test_other_exceptions_and_clean_runs_are_quiet() -> None:
    assert OutOfMemory().detect(run_of(event("exception", "ValueError: boom", type="ValueError"))) == []
    assert OutOfMemory().detect(run_of(event("end", reason="completed"))) == []
    assert OutOfMemory().detect(Run("x", "trainwatch")) == []


def test_not_applicable_to_logs_without_events() -> None:
    assert OutOfMemory().missing(Run("x", "ultralytics-csv")) == "the log holds no events"
    assert OutOfMemory().missing(run_of()) is None

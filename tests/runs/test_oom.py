from __future__ import annotations

import pytest

from trainwatch.runs.oom import bytes_asked, place_of

CPU = (
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "52428800 bytes. Error code 12 (Cannot allocate memory)"
)
CUDA = "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 15.77 GiB."
NUMPY = "Unable to allocate 2.33 GiB for an array with shape (25000, 12500) and data type float64"


@pytest.mark.parametrize(
    ("kind", "type_", "message", "place"),
    [
        ("exception", "RuntimeError", CPU, "host"),
        ("exception", "torch.OutOfMemoryError", CUDA, "device"),
        ("exception", "torch.OutOfMemoryError", "Allocation on device", "device"),
        ("exception", "MemoryError", "", "host"),
        ("exception", "numpy._core._exceptions._ArrayMemoryError", NUMPY, "host"),
        ("exception", "OSError", "[Errno 12] Cannot allocate memory", "host"),
        ("exception", "RuntimeError", "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", "device"),
        ("exception", "RuntimeError", "GET was unable to find an engine to execute this computation", "device"),
        ("oom", "", "batch reduced to 8", "device"),
        ("exception", "ValueError", "x was out of range", None),
        ("warning", "RuntimeError", CUDA, None),
    ],
)
def test_place(kind: str, type_: str, message: str, place: str | None) -> None:
    assert place_of({"kind": kind, "message": message, "data": {"type": type_}}) == place


def test_a_traceback_that_names_memory_is_no_proof() -> None:
    event = {
        "kind": "exception",
        "message": "boom",
        "data": {"type": "ValueError", "traceback": "File out of memory.py"},
    }
    assert place_of(event) is None


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        (CPU, 52428800),
        (CUDA, round(1.5 * 2**30)),
        (NUMPY, round(2.33 * 2**30)),
        ("Tried to allocate 20.00 MiB (GPU 0; 15.78 GiB total)", 20 * 2**20),
        ("Tried to allocate 512 bytes", 512),
        ("CUDA error: out of memory", None),
        ("", None),
    ],
)
def test_bytes_asked(message: str, asked: int | None) -> None:
    assert bytes_asked(message) == asked

"""Recognises an out-of-memory failure in an exception's text, and how much was asked for.

The texts are those of torch's CUDA and CPU allocators, CPython's MemoryError, errno ENOMEM, and the cuDNN and cuBLAS
messages that are an allocation failure in disguise (Ultralytics itself treats them so since 8.4.53, trainer.py:566).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

Place = Literal["device", "host"]

DEVICE_TEXTS: Final = (
    "cuda out of memory", "mps backend out of memory", "hip out of memory", "xpu out of memory", "npu out of memory",
    "cuda error: out of memory", "cublas_status_alloc_failed", "cudnn_status_internal_error",
    "cudnn_status_alloc_failed", "unable to find an engine", "outofmemoryerror",
)  # fmt: skip
HOST_TEXTS: Final = (
    "can't allocate memory", "cannot allocate memory", "not enough memory", "unable to allocate", "bad_alloc",
    "memoryerror", "errno 12]", "enomem", "paging file is too small", "defaultcpuallocator",
)  # fmt: skip

_ASKED: Final = (
    re.compile(r"tried to allocate ([\d.,]+) ?([kmgt]?i?b(?:ytes)?)", re.IGNORECASE),
    re.compile(r"you tried to allocate (\d+) (bytes)", re.IGNORECASE),
    re.compile(r"unable to allocate ([\d.,]+) ?([kmgt]?i?b(?:ytes)?)", re.IGNORECASE),
)
_UNIT: Final = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def text_of(event: Mapping[str, Any]) -> str:
    """Return the exception's type and message, without its traceback (a file name there may contain anything)."""
    data = event.get("data")
    kind = data.get("type", "") if isinstance(data, Mapping) else ""
    return f"{kind}: {event.get('message') or ''}"


def place_of(event: Mapping[str, Any]) -> Place | None:
    """Say whether an event is an out-of-memory failure, and of which memory; None if it is none.

    An event of kind ``oom`` always is one; its memory is the device's unless the text says otherwise.
    """
    if event.get("kind") not in ("oom", "exception"):
        return None
    text = text_of(event).lower()
    if any(t in text for t in DEVICE_TEXTS):  # first: "OutOfMemoryError" contains "MemoryError"
        return "device"
    if any(t in text for t in HOST_TEXTS):
        return "host"
    if "out of memory" in text:
        return "device"
    return "device" if event.get("kind") == "oom" else None


def bytes_asked(message: str) -> int | None:
    """Return the size of the allocation that failed, if the message tells it."""
    for pattern in _ASKED:
        found = pattern.search(message)
        if found:
            try:
                number = float(found.group(1).replace(",", "").rstrip("."))
            except ValueError:
                continue
            return round(number * _UNIT[found.group(2)[0].lower()])
    return None

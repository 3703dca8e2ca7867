"""What the CUDA allocator held when memory ran out: its segments and blocks, as torch's own memory snapshot.

Writes ``oom-rank<r>.pickle`` beside the record (the last one stays) and its name into the ``oom`` event; no column. The
viewer at pytorch.org/memory_viz draws it. Without ``torch.cuda.memory._record_memory_history()`` it holds sizes and states of
all blocks and no stacks; with it, what it holds is kept as far as it fits. trainwatch itself never reads the file.

Taken while the exception passes, so that the tensors of its frames are still alive. An exception that a trainer catches and
retries is not seen. Cost: nothing until then; afterwards a snapshot, at most ``MAX_BYTES``.

References:
    torch/cuda/memory.py: _snapshot, _dump_snapshot.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 32 << 20
"""Largest file; a large model has some 10 000 blocks of about 150 bytes."""

TEXTS: Final = ("CUDA out of memory", "CUDA error: out of memory", "HIP out of memory")
"""How torch's allocator and the driver say it; the type ``torch.OutOfMemoryError`` also tells of other devices."""

Take = Callable[[], Mapping[str, Any]]


def write(folder: Path, rank: int, error: BaseException, take: Take | None = None) -> str | None:
    """Write the snapshot if the error is of the CUDA allocator; return the file's name, None if there is none.

    Args:
        folder: The record's folder.
        rank: This process' rank.
        error: What ends the training.
        take: Returns the snapshot; default: torch's own, where CUDA is in use.

    Raises:
        OSError: If it cannot be written.
    """
    if not any(text in str(error) for text in TEXTS):
        return None
    take = take or _of_torch()
    if take is None:
        return None
    data = packed(take(), MAX_BYTES)
    if data is None:
        return None
    path = folder / f"oom-rank{rank}.pickle"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.name


def packed(snapshot: Mapping[str, Any], limit: int) -> bytes | None:
    """Pickle a snapshot into at most ``limit`` bytes; None if nothing of it fits.

    Of what does not fit, the oldest history goes first, then the smallest segments.
    """
    kept = dict(snapshot)
    data = pickle.dumps(kept)
    while len(data) > limit:
        traces, segments = list(kept.get("device_traces") or ()), list(kept.get("segments") or ())
        if any(traces):
            kept["device_traces"] = [t[-(len(t) // 2) :] if len(t) > 1 else [] for t in traces]
        elif segments:
            largest = sorted(segments, key=lambda s: -int(s.get("total_size", 0)))
            kept["segments"] = largest[: len(largest) // 2]
        else:
            return None
        data = pickle.dumps(kept)
    return data


def _of_torch() -> Take | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    take: Take = torch.cuda.memory._snapshot
    return take

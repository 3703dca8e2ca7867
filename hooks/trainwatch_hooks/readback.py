"""Brings device scalars to the host without waiting for the device.

Per step the scalars are stacked into one tensor and copied by one non-blocking transfer into pinned memory; the row is
handed on when its CUDA event has passed, usually one or two steps later. CPU tensors are read at once. Never on the hot
path: ``item``, ``cpu``, ``synchronize`` on a device that is still working, unless ``MAX_PENDING`` rows wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

Row = dict[str, float | None]

MAX_PENDING: Final = 64
"""Rows that may wait for the device; beyond it the oldest is waited for, so that memory and loss at a kill are
bounded."""


class Readback:
    """Completes rows with device values, in order.

    Args:
        emit: Called with each finished row.
    """

    def __init__(self, emit: Callable[[Row], None]) -> None:
        self._emit = emit
        self._pending: deque[tuple[Row, list[str], Any, Any]] = deque()

    def submit(
        self, row: Row, scalars: Mapping[str, Any], vector: tuple[list[str], torch.Tensor] | None = None
    ) -> None:
        """Take a row whose remaining values are tensors.

        Args:
            row: Values known on the host.
            scalars: Column to tensor with one element, or to a number.
            vector: Column names and a 1-D tensor with their values.
        """
        tensors: dict[str, torch.Tensor] = {}
        for name, value in scalars.items():
            if value is None or type(value) is float:
                row[name] = value
            elif getattr(value, "is_cuda", False):
                tensors[name] = value
            elif hasattr(value, "item"):
                row[name] = float(value.item())
            else:
                row[name] = float(value)
        if tensors or (vector is not None and vector[1].is_cuda):
            self._defer(row, tensors, vector)
            return
        if vector is not None:
            row.update(zip(vector[0], vector[1].tolist(), strict=True))
        self._emit(row)

    def _defer(self, row: Row, tensors: dict[str, torch.Tensor], vector: tuple[list[str], torch.Tensor] | None) -> None:
        import torch

        names = list(tensors)
        device = next((t.device for t in tensors.values() if t.is_cuda), vector[1].device if vector else None)
        pieces = [
            t.detach().reshape(1).to(device=device, dtype=torch.float64, non_blocking=True) for t in tensors.values()
        ]
        if vector is not None:
            names += vector[0]
            pieces.append(vector[1].detach().to(torch.float64))
        stacked = torch.cat(pieces)
        host = torch.empty(stacked.shape, dtype=torch.float64, pin_memory=True)
        host.copy_(stacked, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(device))
        self._pending.append((row, names, host, event))
        self.drain()

    def drain(self, *, wait: bool = False) -> None:
        """Emit the rows whose values have arrived; with ``wait`` all of them (at the end and on a crash)."""
        while self._pending:
            row, names, host, event = self._pending[0]
            if not event.query():
                if not wait and len(self._pending) <= MAX_PENDING:
                    return
                event.synchronize()
            self._pending.popleft()
            row.update(zip(names, host.tolist(), strict=True))
            self._emit(row)

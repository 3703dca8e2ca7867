"""Brings device scalars to the host without waiting for the device.

Per step the scalars are stacked into one tensor and copied by one non-blocking transfer into pinned memory; the row is
handed on when its CUDA event has passed, usually one or two steps later. CPU tensors are read at once. Never on the hot
path: ``item``, ``cpu``, ``synchronize`` on a device that is still working, unless ``MAX_PENDING`` rows wait.

A value that cannot be read is null; what is known on the host is recorded all the same, also when the device is lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

Row = dict[str, float | None]

MAX_PENDING: Final = 64
"""Rows that may wait for the device; beyond it the oldest is waited for, so that memory and loss at a kill are
bounded."""


WAIT_S: Final = 10.0
"""What the end of a training waits for the device at most: one that hangs must not keep a process from ending."""

_POLL_S: Final = 0.001

Unreadable = Callable[[Row, Sequence[str], Exception], None]


class Readback:
    """Completes rows with device values, in order.

    Args:
        emit: Called with each finished row.
        unreadable: Called with a row, the columns whose values could not be read, and why; it fills them in.
    """

    def __init__(self, emit: Callable[[Row], None], unreadable: Unreadable) -> None:
        self._emit = emit
        self._unreadable = unreadable
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
                if value.numel() == 1:
                    tensors[name] = value
                else:
                    self._unreadable(row, (name,), ValueError(f"a tensor of {value.numel()} elements is no number"))
            else:
                try:
                    row[name] = float(value.item() if hasattr(value, "item") else value)
                except Exception as error:
                    self._unreadable(row, (name,), error)
        if tensors or (vector is not None and vector[1].is_cuda):
            try:
                self._defer(row, tensors, vector)
            except Exception as error:
                self._unreadable(row, [*tensors, *(vector[0] if vector is not None else ())], error)
                self._pending.append((row, [], None, None))  # in its turn
            self.drain()
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
            pieces.append(vector[1].detach().to(device=device, dtype=torch.float64, non_blocking=True))
        stacked = torch.cat(pieces)
        host = torch.empty(stacked.shape, dtype=torch.float64, device="cpu", pin_memory=True)
        host.copy_(stacked, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(device))
        self._pending.append((row, names, host, event))

    def drain(self, *, wait: bool = False) -> None:
        """Emit the rows whose values have arrived.

        Args:
            wait: Emit all of them (at the end and on a crash): wait for the device, but ``WAIT_S`` at most.
        """
        deadline = time.monotonic() + WAIT_S if wait else 0.0
        while self._pending:
            row, names, host, event = self._pending[0]
            lost: Exception | None = None
            try:
                if event is not None and not event.query():
                    if wait:
                        _wait(event, deadline)
                    elif len(self._pending) <= MAX_PENDING:
                        return
                    else:
                        event.synchronize()
            except Exception as error:  # the device is lost, and with it what has not arrived
                lost = error
            try:
                self._pending.popleft()
            except IndexError:  # the handler of a signal came in between and has emitted it
                return
            if lost is not None:
                self._unreadable(row, names, lost)
            elif host is not None:
                row.update(zip(names, host.tolist(), strict=True))
            self._emit(row)


def _wait(event: Any, deadline: float) -> None:
    """Wait for a device, in pieces, so that signals are heard meanwhile.

    Raises:
        TimeoutError: At the deadline (monotonic clock, seconds).
    """
    while not event.query():
        if time.monotonic() >= deadline:
            raise TimeoutError(f"the device has not answered for {WAIT_S:g} s")
        time.sleep(_POLL_S)

"""Where the first number that is not finite came from, in an Ultralytics training: batch, module, kind."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from trainwatch_hooks.probes import losses, nonfinite
from trainwatch_hooks.readback import MAX_PENDING, Row
from trainwatch_hooks.recorder import Recorder


class NonfiniteOrigin:
    """Holds the batch of the running step, and tells of the first few non-finite numbers by an event each.

    Args:
        recorder: The record.
        on: Whether the probe is on; nothing is told otherwise.
    """

    def __init__(self, recorder: Recorder, on: bool) -> None:
        self._recorder, self._on = recorder, on
        self._batch: dict[str, Any] | None = None
        self._images: deque[tuple[int, tuple[str, ...]]] = deque(maxlen=MAX_PENDING + 1)
        self._told = 0
        self._traced_step = -1
        if on:
            recorder.listen(self.look_at_row)

    def hold(self, batch: dict[str, Any]) -> None:
        """Keep the batch of the step that begins, and the names of its images."""
        self._batch = batch
        self._images.append((self._recorder.next_step, tuple(batch.get("im_file") or ())))

    def let_go(self) -> None:
        """Forget the last batch, so that it lives no longer than without us."""
        self._batch = None

    def look_before_the_step(self, trainer: Any) -> None:
        """On a CPU the loss can be read at once, while the weights are still those that made it."""
        if not self._on:
            return
        with self._recorder.guard("looking at the loss"):
            loss = trainer.loss
            if loss is not None and not loss.is_cuda and not bool(loss.detach().isfinite().all()):
                self.trace(trainer, "loss")

    def trace(self, trainer: Any, seen: str) -> None:
        """Say where the first non-finite number came from; the batch is run again, the training stays as it is."""
        step = self._recorder.next_step
        if not self._on or self._batch is None or self._told >= nonfinite.MOST_EVENTS or step == self._traced_step:
            return
        self._told += 1
        self._traced_step = step
        data = self._batch
        with self._recorder.guard("tracing a non-finite number"):
            model = getattr(trainer.model, "module", trainer.model)

            def again() -> Any:
                total, items = model(data)
                return total, losses.components(items, trainer.loss_names)

            origin = nonfinite.trace(model, data, again, tuple(data.get("im_file") or ()))
            self._recorder.event(
                "nonfinite",
                f"the {seen} of step {step} is not finite: {origin.detail}",
                source="ultralytics",
                seen=seen,
                at_step=step,
                **origin.event(),
            )

    def look_at_row(self, row: Row) -> None:
        """Name the batch of a non-finite row that came from a device, where it was not traced before the step."""
        step = row.get("step")
        bad = [n for n in ("loss", "grad_norm") if (value := row.get(n)) is not None and not math.isfinite(value)]
        if not bad or step == self._traced_step or self._told >= nonfinite.MOST_EVENTS:
            return
        if bad == ["grad_norm"] and row.get("amp_skipped"):
            return  # how a scaler finds its scale; five of these would leave none for the loss that is lost later
        self._told += 1
        images = next((files for s, files in self._images if s == step), ())
        parts = [n for n, v in row.items() if n.startswith("loss/") and v is not None and not math.isfinite(v)]
        origin = nonfinite.Origin(
            "unknown", parts[0] if parts else bad[0], "seen after the optimizer had moved", images
        )
        self._recorder.event(
            "nonfinite",
            f"{' and '.join([*bad, *parts])} of step {step:.0f} not finite; the batch is known, the module is not: it was "
            "seen after the optimizer had moved",
            source="ultralytics",
            seen=bad[0],
            at_step=step,
            **origin.event(),
        )

    def average_spoilt(self, count: int, names: tuple[str, ...]) -> bool:
        """Tell that ``count`` tensors of the averaged weights are not finite; False if enough was told already."""
        if self._told >= nonfinite.MOST_EVENTS:
            return False
        self._told += 1
        self._recorder.event(
            "nonfinite",
            f"{count} tensors of the averaged weights (EMA) are not finite: {', '.join(names[:3])}",
            source="ultralytics",
            place="average",
            count=count,
            names=list(names[: nonfinite.NAMES_SHOWN]),
        )
        return True

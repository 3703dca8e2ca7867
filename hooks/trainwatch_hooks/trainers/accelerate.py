"""Hugging Face Accelerate without its Trainer: a loop of your own that knows its accelerator.

    from trainwatch_hooks.trainers.accelerate import record

    with record(accelerator, "runs/exp3", optimizer=optimizer) as rec:      # after accelerator.prepare(...)
        for epoch in range(epochs):
            for batch in loader:
                with accelerator.accumulate(model):
                    loss = loss_of(model, batch)
                    accelerator.backward(loss)
                    if accelerator.sync_gradients:
                        accelerator.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    optimizer.zero_grad()
                rec.step(epoch=epoch, loss=loss)                             # once per micro-batch

Filled in: the gradient norm that ``clip_grad_norm_`` returns (unscaled, before clipping), whether the optimizer moved
(``sync_gradients``), the accumulation, the learning rates, the update of the weights; the rank is the process index. ``loss`` is
the loss as you hand it to ``backward``, before Accelerate divides it. A loop that clips nothing has no norm. Cost: nothing
beyond :class:`Recorder` and the probes; no value is read on the device.
"""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

from trainwatch_hooks import switches
from trainwatch_hooks.probes import learning_rate
from trainwatch_hooks.probes.update_ratio import UpdateRatio
from trainwatch_hooks.recorder import Recorder


def record(accelerator: Any, run_dir: str | Path, *, optimizer: Any = None, **settings: Any) -> AccelerateRecorder:
    """Record a loop of your own; use it as a context, or call ``close()`` at the end.

    Args:
        accelerator: The ``accelerate.Accelerator`` of the loop.
        run_dir: The run's folder.
        optimizer: The optimizer, prepared or bare; without it learning rates and updates are not recorded.
        **settings: Further arguments of :class:`Recorder`, ``probes`` among them.

    Raises:
        TypeError: If it is no accelerator.
        ProbesError: If ``probes`` names one that does not exist.
    """
    if not hasattr(accelerator, "clip_grad_norm_") or not hasattr(accelerator, "sync_gradients"):
        raise TypeError(f"record() takes an accelerate.Accelerator, not {type(accelerator).__name__}")
    return AccelerateRecorder(accelerator, run_dir, optimizer, **settings)


class AccelerateRecorder(Recorder):
    """What :func:`record` returns: a :class:`Recorder` that asks the accelerator."""

    def __init__(self, accelerator: Any, run_dir: str | Path, optimizer: Any, **settings: Any) -> None:
        probes = switches.parse(settings.pop("probes", None))
        described = {
            "accumulate": int(accelerator.gradient_accumulation_steps),
            "world_size": int(accelerator.num_processes),
            "precision": str(accelerator.mixed_precision),
        }
        meta = {"loop": described, **settings.pop("meta", {})}
        given = {"rank": int(accelerator.process_index), "trainer": "accelerate", **settings}
        super().__init__(run_dir, probes=probes, meta=meta, **given)
        self._accelerator, self._optimizer = accelerator, optimizer
        self._norm: Any = None
        self._update: UpdateRatio | None = None
        self._own_clip = vars(accelerator).get("clip_grad_norm_")
        self._tapped: Any = None
        with self.guard("tapping the accelerator"):
            if probes.on("grad_norm"):
                self._tap()
            if probes.on("update_ratio") and optimizer is not None:
                self._update = UpdateRatio(optimizer, probes.every("update_ratio")).attach()
                self.expect(self._update.columns)

    def _tap(self) -> None:
        clip = self._accelerator.clip_grad_norm_

        @wraps(clip)
        def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
            norm = clip(*args, **kwargs)
            self._norm = norm
            return norm

        self._accelerator.clip_grad_norm_ = self._tapped = clip_grad_norm_
        self.expect(["grad_norm"])

    def step(self, **given: Any) -> None:
        """Record one micro-batch; arguments as of :meth:`Recorder.step`. Never raises."""
        filled: dict[str, Any] = {}
        with self.guard("asking the accelerator"):
            stepped = bool(self._accelerator.sync_gradients)
            filled = {
                "optimizer_stepped": stepped,
                "accumulate": int(self._accelerator.gradient_accumulation_steps),
                **(self._update.take() if self._update is not None else {}),
            }
            if stepped:
                filled["grad_norm"], self._norm = self._norm, None
            if self._optimizer is not None and self.probes.on("learning_rate"):
                filled.update(learning_rate.read(self._optimizer))
        super().step(**{**filled, **given})

    def close(self, reason: str = "completed") -> None:
        """End the record, and leave the accelerator and the optimizer as they were."""
        super().close(reason)
        if self._update is not None:
            self._update.detach()
        if self._tapped is not None and vars(self._accelerator).get("clip_grad_norm_") is self._tapped:
            if self._own_clip is None:
                del self._accelerator.clip_grad_norm_
            else:
                self._accelerator.clip_grad_norm_ = self._own_clip
            self._tapped = None

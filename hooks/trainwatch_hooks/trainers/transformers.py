"""Hugging Face's ``Trainer`` (transformers 4.46 and newer): ``record(trainer)`` before ``trainer.train()``.

    on_train_begin          open the record
    training_step           (wrapped) the loss of a micro-batch; callbacks are not given it
    clip_grad_norm_         (wrapped, on the accelerator) the norm before clipping, which the trainer computes anyway
    on_substep_end, on_step_end   one row
    on_epoch_end            validation may follow
    on_evaluate             its metrics go into the row of the epoch, which is written when the next begins
    on_save, on_train_end   checkpoints, the end

``loss`` is what ``training_step`` returned: for models that are told ``num_items_in_batch`` a part of the step's loss, else
the mean over the micro-batch divided by the accumulation. No value is read on the device. With ``max_grad_norm=0`` the
trainer clips nothing, and there is no norm. ``record(trainer, probes={"update_ratio": 50})`` switches probes.
"""

from __future__ import annotations

import importlib
from functools import wraps
from pathlib import Path
from typing import Any

from trainwatch_hooks import switches
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.probes import learning_rate
from trainwatch_hooks.probes.update_ratio import UpdateRatio
from trainwatch_hooks.recorder import Recorder


def _base() -> Any:
    try:
        return importlib.import_module("transformers").TrainerCallback
    except ImportError:
        raise ImportError(
            "record() needs Hugging Face's Trainer, which is not installed: pip install transformers accelerate"
        ) from None


_Callback: Any = _base()


def record(trainer: Any, run_dir: str | Path | None = None, **settings: Any) -> TrainwatchCallback:
    """Record every training of a ``transformers.Trainer`` from now on.

    Args:
        trainer: The trainer.
        run_dir: The run's folder; default: ``args.output_dir``.
        **settings: Further arguments of :class:`Recorder`, ``probes`` among them.

    Returns:
        The callback that was added.

    Raises:
        TypeError: If it is no such trainer.
        ProbesError: If ``probes`` names one that does not exist.
    """
    if not hasattr(trainer, "add_callback") or not hasattr(trainer, "training_step"):
        raise TypeError(f"record() takes a transformers.Trainer, not {type(trainer).__name__}")
    callback = TrainwatchCallback(trainer, run_dir, **settings)
    trainer.add_callback(callback)
    return callback


class TrainwatchCallback(_Callback):  # type: ignore[misc]
    """What :func:`record` adds."""

    def __init__(self, trainer: Any, run_dir: str | Path | None, **settings: Any) -> None:
        self.recorder: Recorder | None = None
        self._run_dir = run_dir
        self._probes = switches.parse(settings.pop("probes", None))
        self._settings = settings
        self._guard = Guard()
        self._update: UpdateRatio | None = None
        self._loss: Any = None
        self._norm: Any = None
        self._stepped = False
        self._epoch = -1
        self._metrics: dict[str, float] = {}
        self._tap(trainer)

    def _tap(self, trainer: Any) -> None:
        step = trainer.training_step

        @wraps(step)
        def training_step(*args: Any, **kwargs: Any) -> Any:
            loss = step(*args, **kwargs)
            self._loss = loss
            return loss

        trainer.training_step = training_step
        accelerator = getattr(trainer, "accelerator", None)
        clip = getattr(accelerator, "clip_grad_norm_", None)
        if clip is None:
            return

        @wraps(clip)
        def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
            norm = clip(*args, **kwargs)
            self._norm = norm
            return norm

        accelerator.clip_grad_norm_ = clip_grad_norm_  # type: ignore[union-attr]

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the record."""
        with self._guard("on_train_begin"):
            model = kwargs.get("model")
            self.recorder = Recorder(
                self._run_dir or args.output_dir,
                rank=int(args.process_index),
                trainer="transformers",
                args=args.to_sanitized_dict(),
                planned_epochs=int(-(-state.num_train_epochs // 1)) or None,
                meta={
                    "loop": {"accumulate": int(args.gradient_accumulation_steps), "world_size": int(args.world_size)},
                    "model": {
                        "name": type(model).__name__,
                        "parameters": sum(p.numel() for p in model.parameters()) if model is not None else None,
                    },
                },
                probes=self._probes,
                **self._settings,
            )
            if self._probes.on("grad_norm"):
                self.recorder.expect(["grad_norm"])
            if self._probes.on("update_ratio") and kwargs.get("optimizer") is not None:
                self._update = UpdateRatio(kwargs["optimizer"], self._probes.every("update_ratio")).attach()
                self.recorder.expect(self._update.columns)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write the row of the epoch before; start one."""
        with self._guard("on_epoch_begin"):
            self._write_epoch()
            self._epoch = int(state.epoch or 0.0)
            if self.recorder is not None:
                self.recorder.begin_epoch(self._epoch)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The batch has arrived."""
        if self.recorder is not None:
            self.recorder.begin_step()

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record a micro-batch that moved nothing."""
        self._row(args, kwargs, stepped=False)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the micro-batch after which the optimizer moved."""
        self._row(args, kwargs, stepped=True)

    def _row(self, args: Any, given: dict[str, Any], *, stepped: bool) -> None:
        recorder = self.recorder
        if recorder is None:
            return
        with self._guard("recording a step"):
            on = self._probes.on
            scalars = {} if self._loss is None or not on("losses") else {"loss": self._loss}
            if stepped and self._norm is not None and on("grad_norm"):
                scalars["grad_norm"] = self._norm
            if self._update is not None:
                scalars.update(self._update.take())
            row: dict[str, float | None] = {}
            if given.get("optimizer") is not None and on("learning_rate"):
                row.update(learning_rate.read(given["optimizer"]))
            if on("batch"):
                row["batch_size"] = float(args.train_batch_size * args.world_size)
            row["accumulate"] = float(args.gradient_accumulation_steps)
            row["optimizer_stepped"] = float(stepped)
            self._loss = self._norm = None
            recorder.record(row, scalars)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluation may follow."""
        if self.recorder is not None:
            self.recorder.begin_validation()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Keep the metrics for the epoch's row."""
        self._metrics = {str(k): float(v) for k, v in (metrics or {}).items() if isinstance(v, int | float)}

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the checkpoint."""
        if self.recorder is not None:
            name = f"checkpoint-{state.global_step}"
            self.recorder.event("checkpoint", f"{name} written", source="transformers", path=name)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say how the training came to its end, and close."""
        recorder, self_ended = self.recorder, state.global_step >= state.max_steps
        update, self._update = self._update, None
        if update is not None:
            update.detach()
        if recorder is None:
            return
        with self._guard("on_train_end"):
            self._write_epoch()
            done = f"{state.global_step} of {state.max_steps} steps"
            recorder.end("completed" if self_ended else "early-stop", done)
        self.recorder = None
        recorder.close()

    def _write_epoch(self) -> None:
        if self.recorder is None or self._epoch < 0:
            return
        losses = {k: v for k, v in self._metrics.items() if k.endswith("loss")}
        others = {k: v for k, v in self._metrics.items() if k not in losses}
        self.recorder.epoch_end(self._epoch, val=losses, metrics=others)
        self._epoch, self._metrics = -1, {}

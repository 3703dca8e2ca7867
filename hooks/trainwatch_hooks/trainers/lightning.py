"""Lightning (``lightning`` or ``pytorch_lightning``, 2.x): ``Trainer(callbacks=[TrainwatchCallback()])``.

    on_fit_start                 open the record (Lightning's own signal handlers are in place by then, and are chained)
    on_train_start               compare the data sets, hook the first optimizer, for the update of its weights
    on_train_batch_start/_end    one row
    on_before_optimizer_step     gradient norm, unscaled, before clipping; it stays on the device
    on_validation_start          validation is no silence
    on_train_epoch_end           one epoch row, after validation
    on_exception, teardown       how it ended

``loss`` is the loss as your step returned it, whatever Lightning divides it by for accumulation; a component is every
logged value with "loss" in its name. Cost: the norm is one ``torch.nn.utils.get_total_norm`` per optimizer step.
``TrainwatchCallback(probes={"grad_norm": False})`` switches off what is not wanted.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from trainwatch_hooks import switches
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.probes import learning_rate
from trainwatch_hooks.probes.update_ratio import UpdateRatio
from trainwatch_hooks.recorder import Recorder


def _base() -> Any:
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            return importlib.import_module(name).Callback
        except ImportError:
            continue
    raise ImportError('TrainwatchCallback needs Lightning, which is not installed: pip install "lightning>=2.0"')


_Callback: Any = _base()


class TrainwatchCallback(_Callback):  # type: ignore[misc]
    """Records the trainings of one ``Trainer``.

    Args:
        run_dir: The run's folder; default: the logger's, else ``default_root_dir``.
        **settings: Further arguments of :class:`Recorder`, ``probes`` among them.

    Raises:
        ProbesError: If ``probes`` names one that does not exist.
    """

    def __init__(self, run_dir: str | Path | None = None, **settings: Any) -> None:
        super().__init__()
        self.recorder: Recorder | None = None
        self._run_dir = run_dir
        self._probes = switches.parse(settings.pop("probes", None))
        self._settings = settings
        self._guard = Guard()
        self._update: UpdateRatio | None = None
        self._norm: Any = None
        self._stepped = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "recorder": None, "_norm": None, "_update": None}

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the record."""
        with self._guard("on_fit_start"):
            self.recorder = Recorder(
                self._run_dir or trainer.log_dir or trainer.default_root_dir,
                rank=int(trainer.global_rank),
                trainer="lightning",
                args=dict(getattr(pl_module, "hparams", None) or {}),
                planned_epochs=trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None,
                meta={
                    "loop": {
                        "accumulate": int(trainer.accumulate_grad_batches),
                        "world_size": int(trainer.world_size),
                        "precision": str(trainer.precision),
                        "gradient_clip_val": trainer.gradient_clip_val,
                    },
                    "model": {
                        "name": type(pl_module).__name__,
                        "parameters": sum(p.numel() for p in pl_module.parameters()),
                    },
                },
                probes=self._probes,
                **self._settings,
            )
            if self._probes.on("grad_norm"):
                self.recorder.expect(["grad_norm"])

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Compare the data sets, and hook the optimizer."""
        if self.recorder is not None:
            with self._guard("comparing the data sets"):
                self.recorder.datasets(trainer.train_dataloader, trainer.val_dataloaders)
        if self.recorder is not None and self._probes.on("update_ratio") and trainer.optimizers:
            with self._guard("hooking the optimizer"):
                self._update = UpdateRatio(trainer.optimizers[0], self._probes.every("update_ratio")).attach()
                self.recorder.expect(self._update.columns)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Start an epoch."""
        if self.recorder is not None:
            with self._guard("on_train_epoch_start"):
                self.recorder.begin_epoch(int(trainer.current_epoch))

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """The batch has arrived."""
        if self.recorder is not None:
            self.recorder.begin_step()

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Take the norm of the gradients that this optimizer is about to use."""
        with self._guard("reading the gradient norm"):
            import torch

            self._stepped = True
            if not self._probes.on("grad_norm"):
                return
            grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
            with torch.no_grad():
                self._norm = torch.nn.utils.get_total_norm(grads) if grads else None

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record a row."""
        recorder = self.recorder
        if recorder is None:
            return
        with self._guard("on_train_batch_end"):
            scalars = self._losses(trainer, outputs) if self._probes.on("losses") else {}
            if self._norm is not None:
                scalars["grad_norm"] = self._norm
            if self._update is not None:
                scalars.update(self._update.take())
            row: dict[str, float | None] = {}
            for optimizer in trainer.optimizers[:1] if self._probes.on("learning_rate") else ():
                row.update(learning_rate.read(optimizer))
            row["accumulate"] = float(trainer.accumulate_grad_batches)
            row["optimizer_stepped"] = float(self._stepped)
            size = _batch_size(batch) if self._probes.on("batch") else None
            if size is not None:
                row["batch_size"] = float(size * int(trainer.world_size))
            self._norm, self._stepped = None, False
            recorder.record(row, scalars)

    def _losses(self, trainer: Any, outputs: Any) -> dict[str, Any]:
        found: dict[str, Any] = {
            f"loss/{name}": value for name, value in trainer.logged_metrics.items() if _is_training_loss(name)
        }
        total = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if total is not None:
            found["loss"] = total.detach() * int(trainer.accumulate_grad_batches)
        return found

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Validation begins."""
        if self.recorder is not None and not trainer.sanity_checking:
            self.recorder.begin_validation()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the epoch."""
        if self.recorder is None:
            return
        with self._guard("on_train_epoch_end"):
            families: dict[str, Any] = {"train": {}, "val": {}, "metrics": {}}
            for name, value in trainer.callback_metrics.items():
                if name.endswith("_step"):
                    continue
                training = _is_training_loss(name)
                family = "train" if training else "val" if "loss" in name else "metrics"
                families[family][name] = float(value)
            self.recorder.epoch_end(
                int(trainer.current_epoch),
                train=families["train"],
                val=families["val"],
                metrics=families["metrics"],
            )

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
        """Record that a checkpoint is written."""
        if self.recorder is not None:
            self.recorder.event("checkpoint", f"after epoch {trainer.current_epoch}", source="lightning")

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Say how the training came to its end."""
        if self.recorder is None:
            return
        with self._guard("on_train_end"):
            done, planned = int(trainer.current_epoch), int(trainer.max_epochs or 0)
            stoppers = [c for c in trainer.callbacks if getattr(c, "stopped_epoch", 0)]
            if stoppers:
                self.recorder.end("early-stop", f"EarlyStopping after epoch {stoppers[0].stopped_epoch}")
            elif trainer.interrupted:
                self.recorder.end("stopped", f"interrupted after {done} epochs")
            else:
                self.recorder.end("completed", f"{done} of {planned} epochs" if planned > 0 else f"{done} epochs")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Record the exception that ends the training, and close: Lightning calls no teardown then."""
        recorder, self.recorder = self.recorder, None
        self._let_go()
        if recorder is not None:
            recorder.flush()
            recorder.exception(exception)
            recorder.close(reason="stopped")

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Close the record."""
        recorder, self.recorder = self.recorder, None
        self._let_go()
        if recorder is not None:
            recorder.close(reason="stopped")

    def _let_go(self) -> None:
        update, self._update = self._update, None
        if update is not None:
            update.detach()


def _is_training_loss(name: str) -> bool:
    return "loss" in name and not name.startswith(("val", "test", "valid"))


def _batch_size(batch: Any) -> int | None:
    """Return the length of the first tensor in a batch, None where there is none."""
    if hasattr(batch, "shape"):
        return int(batch.shape[0]) if len(batch.shape) else None
    inner = batch.values() if isinstance(batch, dict) else batch if isinstance(batch, list | tuple) else ()
    return next((found for value in inner if (found := _batch_size(value)) is not None), None)

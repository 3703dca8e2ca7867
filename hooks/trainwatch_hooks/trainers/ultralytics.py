"""Ultralytics (8.3.78 and newer): ``record(model)`` records every training of that model.

    on_pretrain_routine_start    open the record, arguments as requested
    on_pretrain_routine_end      arguments in force, wrap optimizer_step and preprocess_batch on this trainer
    on_train_epoch_start         a new epoch, or a replay of one (attempt + 1)
    on_train_batch_start/_end    one row
    on_train_epoch_end           read the averaged weights (a newer trainer mends them while it saves); validation begins
    on_val_end                   validation took place
    on_model_save                checkpoint event
    on_fit_epoch_end             one epoch row (it fires once more after training, for the final validation)
    on_train_end, teardown       how it ended; teardown also runs when an exception passes

Gradient norms exist only inside ``trainer.optimizer_step``. While it runs, ``torch.nn.utils.clip_grad_norm_`` is
ours: same arithmetic, same result, norms kept. So every version's own ``optimizer_step``, and any subclass', stays in
charge.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trainwatch_hooks import environment, switches
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.probes import amp, augmentation, batch, gpu, learning_rate, losses, vram
from trainwatch_hooks.probes.ema import Average
from trainwatch_hooks.probes.grad_norm import GradNorm
from trainwatch_hooks.probes.update_ratio import UpdateRatio
from trainwatch_hooks.recorder import Recorder
from trainwatch_hooks.trainers import _ultralytics_facts as facts
from trainwatch_hooks.trainers._ultralytics_nonfinite import NonfiniteOrigin
from trainwatch_hooks.trainers._ultralytics_step import OptimizerStep

EVENTS = (
    "on_pretrain_routine_start",
    "on_pretrain_routine_end",
    "on_train_epoch_start",
    "on_train_batch_start",
    "on_train_batch_end",
    "on_train_epoch_end",
    "on_val_end",
    "on_model_save",
    "on_fit_epoch_end",
    "on_train_end",
    "teardown",
)


def record(
    model: Any,
    *,
    probes: Any = None,
    report: bool = True,
    rows_per_segment: int = 4096,
    fsync_seconds: float = 5.0,
) -> UltralyticsHook:
    """Record every training of an Ultralytics model from now on, into ``<save_dir>/trainwatch/``.

    Args:
        model: A ``YOLO`` (or other Ultralytics) model, or a trainer; anything with ``add_callback``.
        probes: Probes that are on, as for :func:`trainwatch_hooks.switches.parse`.
        report: Write ``report.html`` when a training ends in an exception.
        rows_per_segment: Step rows per Parquet file.
        fsync_seconds: What a power loss may take at most (seconds).

    Returns:
        The hook; ``session`` is the recording while a training runs.

    Raises:
        TypeError: If the model has no ``add_callback``.
        ProbesError: If ``probes`` names one that does not exist.
    """
    if not hasattr(model, "add_callback"):
        raise TypeError(
            f"watch() takes an Ultralytics model or trainer, not {type(model).__name__}; for your own loop use Recorder"
        )
    hook = UltralyticsHook(
        probes=switches.parse(probes), report=report, rows_per_segment=rows_per_segment, fsync_seconds=fsync_seconds
    )
    for event in EVENTS:
        model.add_callback(event, getattr(hook, event))
    return hook


def is_recorded(model: Any) -> bool:
    """Tell whether a model or trainer carries a hook of ours."""
    return any(isinstance(getattr(c, "__self__", None), UltralyticsHook) for c in model.callbacks[EVENTS[0]])


class UltralyticsHook:
    """The callbacks of one watched model; holds plain settings and, while a training runs, its :class:`Session`.

    It is pickled with the callbacks when Ultralytics launches distributed workers; the session stays behind.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.session: Session | None = None
        self._guard = Guard()

    def __getstate__(self) -> dict[str, Any]:
        return {"_settings": self._settings, "session": None, "_guard": Guard()}

    def _of(self, trainer: Any) -> Session:
        if self.session is None or self.session.save_dir != Path(trainer.save_dir) or self.session.closed:
            self.session = Session(trainer, self._settings)
        return self.session

    def on_pretrain_routine_start(self, trainer: Any) -> None:
        """Open the record; close one that was left open, where an exception ends a training without a teardown."""
        with self._guard("on_pretrain_routine_start"):
            left, self.session = self.session, None
            if left is not None:
                left.close(None)
            self._of(trainer)

    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """Record what is in force and tap the trainer."""
        with self._guard("on_pretrain_routine_end"):
            self._of(trainer).ready(trainer)

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Start an epoch or its replay."""
        with self._guard("on_train_epoch_start"):
            self._of(trainer).begin_epoch(trainer)

    def on_train_batch_start(self, trainer: Any) -> None:
        """The batch has arrived."""
        if self.session is not None:
            self.session.origin.let_go()
            self.session.recorder.begin_step()

    def on_train_batch_end(self, trainer: Any) -> None:
        """Record a row."""
        with self._guard("on_train_batch_end"):
            if self.session is not None:
                self.session.end_step(trainer)

    def on_train_epoch_end(self, trainer: Any) -> None:
        """Validation begins: its time is no silence."""
        with self._guard("on_train_epoch_end"):
            if self.session is not None:
                self.session.read_average(trainer)
                self.session.recorder.begin_validation()

    def on_val_end(self, validator: Any) -> None:
        """Note that validation took place in this epoch."""
        if self.session is not None:
            self.session.validated = True

    def on_model_save(self, trainer: Any) -> None:
        """Record the checkpoint."""
        with self._guard("on_model_save"):
            if self.session is not None:
                self.session.saved(trainer)

    def on_fit_epoch_end(self, trainer: Any) -> None:
        """Record the epoch."""
        with self._guard("on_fit_epoch_end"):
            if self.session is not None:
                self.session.end_epoch(trainer)

    def on_train_end(self, trainer: Any) -> None:
        """Record that training came to its end."""
        with self._guard("on_train_end"):
            if self.session is not None:
                self.session.end(trainer)

    def teardown(self, trainer: Any) -> None:
        """Close the record, with the exception that is passing if there is one."""
        with self._guard("teardown"):
            session, self.session = self.session, None
            if session is not None:
                session.close(sys.exc_info()[1])


class Session:
    """One training of one trainer."""

    def __init__(self, trainer: Any, settings: dict[str, Any]) -> None:
        self.save_dir = Path(trainer.save_dir)
        self.validated = False
        self.stop_reason: tuple[str, str, dict[str, Any]] | None = None
        self._step: OptimizerStep | None = None
        self._average = Average()
        self._average_row: dict[str, float] = {}
        self._average_told = False
        self._batch_row: dict[str, float] = {}
        self._batch_size = 0
        self._train_epoch = -1
        self._epoch_written = False
        self._since_vram = 0
        args = facts.plain_args(trainer.args)
        self.recorder = Recorder(
            self.save_dir,
            trainer="ultralytics",
            args=args,
            planned_epochs=args.get("epochs"),
            meta={"requested": facts.differing_from_default(args)},
            **settings,
        )
        self.probes = self.recorder.probes
        self.origin = NonfiniteOrigin(self.recorder, self.probes.on("nonfinite"))

    @property
    def closed(self) -> bool:
        """Whether the record has been closed."""
        return self.recorder.closed

    @property
    def grad_norm(self) -> GradNorm | None:
        """The norms of the last optimizer step; None before the first, and where the probe is off."""
        return None if self._step is None else self._step.norms

    def ready(self, trainer: Any) -> None:
        """Everything is set up: record it, and tap the two methods on this trainer instance."""
        recorder = self.recorder
        recorder.update_meta(
            args=facts.plain_args(trainer.args) | facts.in_force(trainer),
            planned_epochs=int(trainer.epochs),
            hardware=environment.hardware(),
            model=facts.model(trainer),
            loop={
                "steps_per_epoch": len(trainer.train_loader),
                "accumulate": int(trainer.accumulate),
                "world_size": environment.world_size(trainer),
                "amp": bool(trainer.amp),
                "start_epoch": int(trainer.start_epoch),
            },
        )
        with recorder.guard("counting the images"):  # a data set of the user's own may lack anything
            recorder.update_meta(dataset=facts.dataset(trainer))
        self._batch_size = int(trainer.batch_size)
        on = self.probes.on
        device = gpu.of_device(trainer.device) if on("gpu") else None
        if device is not None:
            recorder.sample(device, gpu.COLUMNS)
        norms = GradNorm(trainer.model.named_parameters()) if on("grad_norm") else None
        if norms is not None:
            recorder.expect(["grad_norm", *norms.columns])
        update = UpdateRatio(trainer.optimizer, self.probes.every("update_ratio")) if on("update_ratio") else None
        if update is not None:
            recorder.expect(update.columns)
        if on("learning_rate"):
            recorder.expect([*learning_rate.read(trainer.optimizer)])
        self._step = OptimizerStep(trainer, norms, update, self.origin, recorder.guard)
        trainer.preprocess_batch = self._tapped_preprocess(trainer.preprocess_batch, environment.world_size(trainer))

    def _tapped_preprocess(self, original: Callable[[Any], Any], world_size: int) -> Callable[[Any], Any]:
        @wraps(original)
        def preprocess_batch(data: Any) -> Any:
            data = original(data)
            with self.recorder.guard("reading the batch's shape"):
                if self.probes.on("batch"):
                    self._batch_row = batch.read(data, world_size)
                self.origin.hold(data)
            return data

        return preprocess_batch

    def begin_epoch(self, trainer: Any) -> None:
        """Count attempts; say why an epoch is replayed."""
        recorder, epoch = self.recorder, int(trainer.epoch)
        attempt = recorder.begin_epoch(epoch)
        replayed = epoch == self._train_epoch
        self._train_epoch, self.validated, self._epoch_written = epoch, False, False
        if replayed and trainer.batch_size != self._batch_size:
            recorder.event(
                "oom",
                f"out of memory with batch={self._batch_size}; the trainer retries with batch={trainer.batch_size}",
                source="ultralytics",
                handled=True,
                batch_before=self._batch_size,
                batch_after=int(trainer.batch_size),
            )
            self._batch_size = int(trainer.batch_size)
        elif replayed:
            recorder.event(
                "nan_recovery",
                f"the trainer replays epoch {epoch + 1} from last.pt (attempt {attempt})",
                source="ultralytics",
                attempts=int(getattr(trainer, "nan_recovery_attempts", 0)),
            )
        close = getattr(trainer.args, "close_mosaic", 0)
        if close and epoch == trainer.epochs - close and not replayed:
            recorder.event(
                "mosaic_closed", f"mosaic, mixup and copy_paste off for the last {close} epochs", source="ultralytics"
            )

    def end_step(self, trainer: Any) -> None:
        """Put one row together; tensors are handed on as they are."""
        on = self.probes.on
        scalars: dict[str, Any] = {}
        row: dict[str, float | None] = {**self._batch_row}
        if on("learning_rate"):
            row.update(learning_rate.read(trainer.optimizer))
        row["accumulate"] = float(trainer.accumulate)
        stepped = self._step is not None and self._step.stepped
        row["optimizer_stepped"] = float(stepped)
        if on("losses"):
            items = losses.components(trainer.loss_items, trainer.loss_names)
            scalars.update({f"loss/{name}": value.detach() for name, value in items.items()})
            if trainer.loss is not None:
                scalars["loss"] = trainer.loss.detach()
            for name, gain in losses.gains(list(items), trainer.args, trainer.args.task).items():
                row[f"gain/{name}"] = gain
        vector = None
        if self._step is not None:
            measured, vector = self._step.take()
            scalars.update(measured)
        if stepped and on("amp") and (scale := amp.scale(trainer.scaler)) is not None:
            scalars["amp_scale"] = scale
        if on("vram") and self._since_vram % self.probes.every("vram") == 0:
            row.update(vram.read(trainer.device))
        self._since_vram += 1
        self.recorder.record(row, scalars, vector)

    def read_average(self, trainer: Any) -> None:
        """Compare the averaged weights with the model; say it once if they are spoilt."""
        self._average_row = {}
        average = getattr(trainer, "ema", None)
        if not self.probes.on("ema") or average is None or not average.enabled:
            return
        with self.recorder.guard("reading the averaged weights"):
            self._average_row = self._average.read(trainer.model, average.ema)
            count, spoilt = int(self._average_row["nonfinite"]), self._average.spoilt
            if count and not self._average_told:
                self._average_told = self.origin.average_spoilt(count, spoilt)

    def saved(self, trainer: Any) -> None:
        """A checkpoint was written: last.pt always, best.pt if this epoch is the best."""
        best = trainer.best_fitness == trainer.fitness
        self.recorder.event(
            "checkpoint",
            f"weights/last.pt{' and weights/best.pt' if best else ''} after epoch {trainer.epoch + 1}",
            source="ultralytics",
            path="weights/last.pt",
            best=bool(best),
            fitness=facts.as_float(trainer.fitness),
        )

    def end_epoch(self, trainer: Any) -> None:
        """Write the epoch's row; the extra call after training carries the final validation of best.pt."""
        metrics = dict(trainer.metrics or {})
        if int(trainer.epoch) != self._train_epoch or self._epoch_written:  # before 8.4 it counts as the last epoch
            self.recorder.update_meta(final_metrics={k: facts.as_float(v) for k, v in metrics.items()})
            return
        means = losses.components(trainer.tloss, trainer.loss_names)
        families: dict[str, Any] = {
            "train": means,
            "lr": {k.split("/", 1)[1]: v for k, v in getattr(trainer, "lr", {}).items()},
        }
        if self._average_row:
            families["ema"] = self._average_row
        if self.probes.on("losses"):
            families["gain"] = losses.gains(list(means), trainer.args, trainer.args.task)
        if self.probes.on("augmentation"):
            with self.recorder.guard("reading the augmentation"):
                families["augment"] = augmentation.read(trainer.train_loader.dataset)
        fitness: dict[str, Any] = {}
        if self.validated:  # otherwise metrics are those of an earlier epoch, or zeros that nobody measured
            families["val"] = {k[4:]: v for k, v in metrics.items() if k.startswith("val/")}
            families["metrics"] = {k[8:]: v for k, v in metrics.items() if k.startswith("metrics/")}
            fitness = {"fitness": facts.as_float(trainer.fitness), "best_fitness": facts.as_float(trainer.best_fitness)}
        self.recorder.epoch_end(int(trainer.epoch), **families, **fitness)
        self._epoch_written = True

    def end(self, trainer: Any) -> None:
        """Say how the training came to its end (fires on rank 0, after the final validation)."""
        done, planned = int(trainer.epoch) + 1, int(trainer.epochs)
        stopper = getattr(trainer, "stopper", None)
        patience = getattr(stopper, "patience", 0)
        if done >= planned:
            self.recorder.end("completed", f"{done} of {planned} epochs")
        elif self.stop_reason is not None:
            reason, message, data = self.stop_reason
            self.recorder.end(reason, message, **data)
            self.recorder.report_due = reason == "stopped"  # it could not go on
        elif stopper is not None and done - stopper.best_epoch >= patience:
            self.recorder.end(
                "early-stop", f"no better fitness for {patience} epochs", best_epoch=int(stopper.best_epoch) - 1
            )
        else:
            self.recorder.end("stopped", f"stopped after {done} of {planned} epochs")
        self._say_where()

    def _say_where(self) -> None:
        """Say on Ultralytics' own log what to type next."""
        from ultralytics.utils import LOGGER

        told = f"{self.recorder.next_step} steps are on record"
        if self.recorder.dropped:
            told += f", {self.recorder.dropped} of them lost to a disk that refused"
        look = f"; next: trainwatch analyze {shlex.quote(str(self.save_dir))}" if find_spec("trainwatch") else ""
        LOGGER.info(f"trainwatch: {told}{look}")

    def close(self, error: BaseException | None) -> None:
        """Close the record; ``error`` is the exception that ends the training, if one does."""
        self.recorder.flush()
        if error is not None:
            self.recorder.exception(error)
        self.recorder.close(reason="stopped")

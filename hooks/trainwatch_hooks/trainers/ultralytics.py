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

import math
import shlex
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trainwatch_hooks import environment, switches
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.probes import amp, augmentation, batch, gpu, learning_rate, losses, nonfinite, vram
from trainwatch_hooks.probes.ema import Average
from trainwatch_hooks.probes.grad_norm import GradNorm, MixedGradients, stock_clip_arguments
from trainwatch_hooks.probes.update_ratio import UpdateRatio
from trainwatch_hooks.readback import MAX_PENDING, Row
from trainwatch_hooks.recorder import Recorder

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
            self.session.let_batch_go()
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
        self.grad_norm: GradNorm | None = None
        self.update_ratio: UpdateRatio | None = None
        self._stepped = False
        self._average = Average()
        self._average_row: dict[str, float] = {}
        self._average_told = False
        self._batch_row: dict[str, float] = {}
        self._batch_size = 0
        self._train_epoch = -1
        self._epoch_written = False
        self._since_vram = 0
        self._batch: dict[str, Any] | None = None
        self._images: deque[tuple[int, tuple[str, ...]]] = deque(maxlen=MAX_PENDING + 1)
        self._nonfinite_told = 0
        self._traced_step = -1
        args = _plain_args(trainer.args)
        self.recorder = Recorder(
            self.save_dir,
            trainer="ultralytics",
            args=args,
            planned_epochs=args.get("epochs"),
            meta={"requested": _differing_from_default(args)},
            **settings,
        )
        self.probes = self.recorder.probes

    @property
    def closed(self) -> bool:
        """Whether the record has been closed."""
        return self.recorder.closed

    def ready(self, trainer: Any) -> None:
        """Everything is set up: record it, and tap the two methods on this trainer instance."""
        recorder = self.recorder
        recorder.update_meta(
            args=_plain_args(trainer.args) | _in_force(trainer),
            planned_epochs=int(trainer.epochs),
            hardware=environment.hardware(),
            dataset=_dataset(trainer),
            model=_model(trainer),
            loop={
                "steps_per_epoch": len(trainer.train_loader),
                "accumulate": int(trainer.accumulate),
                "world_size": environment.world_size(trainer),
                "amp": bool(trainer.amp),
                "start_epoch": int(trainer.start_epoch),
            },
        )
        self._batch_size = int(trainer.batch_size)
        on = self.probes.on
        if on("nonfinite"):
            recorder.listen(self._look_at_row)
        device = gpu.of_device(trainer.device) if on("gpu") else None
        if device is not None:
            recorder.sample(device, gpu.COLUMNS)
        if on("grad_norm"):
            self.grad_norm = GradNorm(trainer.model.named_parameters())
            recorder.expect(["grad_norm", *self.grad_norm.columns])
        if on("update_ratio"):
            self.update_ratio = UpdateRatio(trainer.optimizer, self.probes.every("update_ratio"))
            recorder.expect(self.update_ratio.columns)
        if on("learning_rate"):
            recorder.expect([*learning_rate.read(trainer.optimizer)])
        trainer.optimizer_step = self._tapped_optimizer_step(
            trainer, trainer.optimizer_step, self.grad_norm, _has_stock_step(trainer)
        )
        trainer.preprocess_batch = self._tapped_preprocess(trainer.preprocess_batch, environment.world_size(trainer))

    def _tapped_optimizer_step(
        self, trainer: Any, original: Callable[[], None], norms: GradNorm | None, stock: bool
    ) -> Callable[[], None]:
        import torch

        @wraps(original)
        def optimizer_step() -> None:
            self._stepped = True
            self._look_before_the_step(trainer)
            self._keep_weights(trainer)
            if norms is None:
                original()
            else:
                step_with(norms)
            self._measure_update()

        def step_with(norms: GradNorm) -> None:
            stock_clip = torch.nn.utils.clip_grad_norm_

            def clip(parameters: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
                max_norm = stock_clip_arguments(args, kwargs)
                # Only the stock optimizer_step is known to pass all of the model's parameters.
                if stock and max_norm is not None:
                    try:
                        total = norms.clip(max_norm)
                        if not total.is_cuda and not math.isfinite(total):
                            self._trace(trainer, "gradient norm")
                        return total
                    except MixedGradients:
                        pass  # nothing was touched yet; the stock clip does it
                    except Exception as error:
                        self.recorder.guard.report("reading gradient norms", error)
                norms.total = stock_clip(parameters, *args, **kwargs)
                return norms.total

            torch.nn.utils.clip_grad_norm_ = clip
            try:
                original()
            finally:
                torch.nn.utils.clip_grad_norm_ = stock_clip

        return optimizer_step

    def _keep_weights(self, trainer: Any) -> None:
        if self.update_ratio is not None:
            with self.recorder.guard("keeping the weights"):
                self.update_ratio.follow(trainer.optimizer)
                self.update_ratio.before()

    def _measure_update(self) -> None:
        if self.update_ratio is not None:
            with self.recorder.guard("measuring the update"):
                self.update_ratio.after()

    def _tapped_preprocess(self, original: Callable[[Any], Any], world_size: int) -> Callable[[Any], Any]:
        @wraps(original)
        def preprocess_batch(data: Any) -> Any:
            data = original(data)
            with self.recorder.guard("reading the batch's shape"):
                if self.probes.on("batch"):
                    self._batch_row = batch.read(data, world_size)
                self._batch = data
                self._images.append((self.recorder.next_step, tuple(data.get("im_file") or ())))
            return data

        return preprocess_batch

    def let_batch_go(self) -> None:
        """Forget the last batch, so that it lives no longer than without us."""
        self._batch = None

    def _look_before_the_step(self, trainer: Any) -> None:
        """On a CPU the loss can be read at once, while the weights are still those that made it."""
        loss = trainer.loss if self.probes.on("nonfinite") else None
        with self.recorder.guard("looking at the loss"):
            if loss is not None and not loss.is_cuda and not bool(loss.detach().isfinite().all()):
                self._trace(trainer, "loss")

    def _trace(self, trainer: Any, seen: str) -> None:
        """Say where the first non-finite number came from; the batch is run again, the training stays as it is."""
        step = self.recorder.next_step
        if not self.probes.on("nonfinite"):
            return
        if self._batch is None or self._nonfinite_told >= nonfinite.MOST_EVENTS or step == self._traced_step:
            return
        self._nonfinite_told += 1
        self._traced_step = step
        data = self._batch
        with self.recorder.guard("tracing a non-finite number"):
            model = getattr(trainer.model, "module", trainer.model)

            def again() -> Any:
                total, items = model(data)
                return total, losses.components(items, trainer.loss_names)

            origin = nonfinite.trace(model, data, again, tuple(data.get("im_file") or ()))
            self.recorder.event(
                "nonfinite",
                f"the {seen} of step {step} is not finite: {origin.detail}",
                source="ultralytics",
                seen=seen,
                at_step=step,
                **origin.event(),
            )

    def _look_at_row(self, row: Row) -> None:
        """Name the batch of a non-finite row that came from a device, where it was not traced before the step."""
        step = row.get("step")
        bad = [n for n in ("loss", "grad_norm") if (value := row.get(n)) is not None and not math.isfinite(value)]
        if not bad or step == self._traced_step or self._nonfinite_told >= nonfinite.MOST_EVENTS:
            return
        if bad == ["grad_norm"] and row.get("amp_skipped"):
            return  # how a scaler finds its scale; five of these would leave none for the loss that is lost later
        self._nonfinite_told += 1
        images = next((files for s, files in self._images if s == step), ())
        parts = [n for n, v in row.items() if n.startswith("loss/") and v is not None and not math.isfinite(v)]
        origin = nonfinite.Origin(
            "unknown", parts[0] if parts else bad[0], "seen after the optimizer had moved", images
        )
        self.recorder.event(
            "nonfinite",
            f"{' and '.join([*bad, *parts])} of step {step:.0f} not finite; the batch is known, the module is not: it was "
            "seen after the optimizer had moved",
            source="ultralytics",
            seen=bad[0],
            at_step=step,
            **origin.event(),
        )

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
        row["optimizer_stepped"] = float(self._stepped)
        if on("losses"):
            items = losses.components(trainer.loss_items, trainer.loss_names)
            scalars.update({f"loss/{name}": value.detach() for name, value in items.items()})
            if trainer.loss is not None:
                scalars["loss"] = trainer.loss.detach()
            for name, gain in losses.gains(list(items), trainer.args, trainer.args.task).items():
                row[f"gain/{name}"] = gain
        vector = None
        if self._stepped and self.grad_norm is not None:
            total, vector = self.grad_norm.take()
            if total is not None:
                scalars["grad_norm"] = total
        if self._stepped and on("amp") and (scale := amp.scale(trainer.scaler)) is not None:
            scalars["amp_scale"] = scale
        if self._stepped and self.update_ratio is not None:
            scalars.update(self.update_ratio.take())
        self._stepped = False
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
            if count and not self._average_told and self._nonfinite_told < nonfinite.MOST_EVENTS:
                self._average_told = True
                self._nonfinite_told += 1
                self.recorder.event(
                    "nonfinite",
                    f"{count} tensors of the averaged weights (EMA) are not finite: {', '.join(spoilt[:3])}",
                    source="ultralytics",
                    place="average",
                    count=count,
                    names=list(spoilt[: nonfinite.NAMES_SHOWN]),
                )

    def saved(self, trainer: Any) -> None:
        """A checkpoint was written: last.pt always, best.pt if this epoch is the best."""
        best = trainer.best_fitness == trainer.fitness
        self.recorder.event(
            "checkpoint",
            f"weights/last.pt{' and weights/best.pt' if best else ''} after epoch {trainer.epoch + 1}",
            source="ultralytics",
            path="weights/last.pt",
            best=bool(best),
            fitness=_float(trainer.fitness),
        )

    def end_epoch(self, trainer: Any) -> None:
        """Write the epoch's row; the extra call after training carries the final validation of best.pt."""
        metrics = dict(trainer.metrics or {})
        if int(trainer.epoch) != self._train_epoch or self._epoch_written:  # before 8.4 it counts as the last epoch
            self.recorder.update_meta(final_metrics={k: _float(v) for k, v in metrics.items()})
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
            fitness = {"fitness": _float(trainer.fitness), "best_fitness": _float(trainer.best_fitness)}
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


def _has_stock_step(trainer: Any) -> bool:
    """Whether ``optimizer_step`` is Ultralytics' own, which clips exactly ``self.model.parameters()``.

    False, too, where torch lacks the second half of the clip as a function of its own (before 2.6).
    """
    import torch
    from ultralytics.engine.trainer import BaseTrainer

    if not hasattr(torch.nn.utils, "clip_grads_with_norm_"):
        return False
    return "optimizer_step" not in vars(trainer) and type(trainer).optimizer_step is BaseTrainer.optimizer_step


def _plain_args(args: Any) -> dict[str, Any]:
    return {
        k: v if isinstance(v, bool | int | float | str | list | dict | None) else str(v) for k, v in vars(args).items()
    }


def _in_force(trainer: Any) -> dict[str, Any]:
    """What ``optimizer=auto`` chose; before 8.4 Ultralytics keeps it to itself."""
    if trainer.args.optimizer != "auto":
        return {}
    chosen = {"optimizer": type(trainer.optimizer).__name__}
    rates = [g["initial_lr"] for g in trainer.optimizer.param_groups if "initial_lr" in g]
    return {**chosen, "lr0": float(rates[0])} if rates else chosen


def _differing_from_default(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the user must have given: those that are not Ultralytics' defaults."""
    from ultralytics.utils import DEFAULT_CFG_DICT

    own = {"save_dir", "mode", "task"}  # filled in by the trainer
    return {k: v for k, v in args.items() if k not in own and DEFAULT_CFG_DICT.get(k) != v}


def _dataset(trainer: Any) -> dict[str, Any]:
    """Count images and labels; the labels and the lists of files are already in memory, nothing is read."""
    dataset, validated = trainer.train_loader.dataset, getattr(getattr(trainer, "test_loader", None), "dataset", None)
    labels = getattr(dataset, "labels", None)
    found: dict[str, Any] = {
        "train_images": len(dataset),
        "val_images": len(validated) if validated is not None else None,
        "val_images_trained_on": _in_both(dataset, validated),
        "classes": (trainer.data or {}).get("nc"),
        "has_polygons": None,
        "instances": None,
    }
    started = time.perf_counter()
    if isinstance(labels, list) and labels and isinstance(labels[0], dict):
        found["instances"] = int(sum(len(label.get("cls", ())) for label in labels))
        found["has_polygons"] = any(len(label.get("segments", ())) for label in labels)
        found["counted_in_s"] = round(time.perf_counter() - started, 3)
    return found


def _in_both(train: Any, val: Any) -> int | None:
    """Count the files of a validation set that are in the training set, too; None where a set does not list its files."""
    files = [_files(train), _files(val)]
    if files[0] is None or files[1] is None:
        return None
    return len(files[0] & files[1])


def _files(dataset: Any) -> set[str] | None:
    listed = getattr(dataset, "im_files", None)
    if listed is None:  # classification: path first, then class
        listed = [s[0] for s in getattr(dataset, "samples", None) or () if isinstance(s, list | tuple) and s]
    return {str(f) for f in listed} or None


def _model(trainer: Any) -> dict[str, Any]:
    model = getattr(trainer.model, "module", trainer.model)
    yaml = getattr(model, "yaml", None) or {}
    return {
        "name": Path(str(yaml.get("yaml_file") or trainer.args.model)).stem,
        "scale": yaml.get("scale") or None,
        "task": trainer.args.task,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def _float(value: Any) -> float | None:
    return None if value is None else float(value)

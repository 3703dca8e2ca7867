"""The one object a user holds: ``datasets()``, ``step()``, ``epoch_end()``, ``event()``, ``close()``.

    with Recorder("runs/exp3") as rec:
        for epoch in range(epochs):
            for images, targets in loader:
                ...
                rec.step(epoch=epoch, losses={"cls": cls, "box": box}, grad_norm=norm, lr=lr)

It never raises into the training, never waits for a device, and what was recorded survives SIGKILL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from trainwatch_hooks import crash, death, environment, forks, switches
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.heartbeat import Heartbeat, Sampler
from trainwatch_hooks.probes import oom_snapshot, process_tree
from trainwatch_hooks.probes.amp import SkipDetector
from trainwatch_hooks.probes.host_memory import HostMemory
from trainwatch_hooks.probes.throughput import NoStopwatch, Stopwatch
from trainwatch_hooks.readback import Readback, Row
from trainwatch_hooks.redact import redact, redact_text
from trainwatch_hooks.schema import FOLDER, SCHEMA_VERSION, EventKind
from trainwatch_hooks.store import StepStore, append_line, write_json

REPORT_TIMEOUT_S: Final = 120.0

OWN_KEYS: Final = frozenset({"step", "attempt", "batch", "rank"})
"""Columns by which rows are told apart; nobody else's value may stand in them."""

_OOM_TEXTS: Final = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "cublas_status_alloc_failed",
    "cudnn_status_internal_error",
    "unable to find an engine",
)
"""The texts by which Ultralytics 8.4 (engine/trainer.py) knows an exhausted device, and those of the CPU allocator."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell an exhausted memory (device or host) from other errors."""
    text = said(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(t in text for t in _OOM_TEXTS)
    )


def said(error: BaseException) -> str:
    """Return the text of an exception, also of one that cannot be asked for it."""
    try:
        return str(error)
    except Exception:
        return "(it has no text)"


class Recorder:
    """Records one training into ``<run_dir>/trainwatch/``.

    Args:
        run_dir: The run's folder; made if missing. An existing record there is continued, never overwritten.
        rank: Rank of this process; default: environment variable ``RANK``, else ``torch.distributed``'s, else 0.
        trainer: Name of the kind of trainer, for the analysis.
        args: Arguments in force (any JSON-like mapping); redacted.
        planned_epochs: Epochs that the training is meant to run.
        meta: Further entries of ``run.json``; redacted.
        rows_per_segment: Step rows per Parquet file.
        fsync_seconds: What a power loss may take at most (seconds).
        capture_crashes: Chain into ``sys.excepthook``, ``threading.excepthook``, ``atexit`` and the signals that end a
            process, and leave signs of life beside the record, so that the way it died can be told.
        hang_seconds: Shortest silence that is taken for hanging.
        report: Write ``report.html`` when the training ends in an exception, if trainwatch is installed.
        probes: Probes that are on, as for :func:`trainwatch_hooks.switches.parse`; here ``throughput``, ``host_memory``,
            ``process_tree`` and ``oom_snapshot`` count. What you give to :meth:`step` is recorded in any case.

    Raises:
        ProbesError: If ``probes`` is wrong; nothing else is raised.
    """

    def _begin(self, run_dir: str | os.PathLike[str], rank: int | None, report: bool, probes: Any) -> None:
        """Set up what lives in memory; nothing is opened."""
        self.probes = switches.parse(probes)
        self.run_dir = Path(run_dir)
        self.folder = self.run_dir / FOLDER
        self.rank = _rank() if rank is None else rank
        self.guard = Guard()
        self._report = report
        self.report_due = False
        self._depth = forks.depth
        self._closed = False
        self._store: StepStore | None = None
        self._step = 0
        self._epoch = -1
        self._attempt = 0
        self._batch = 0
        self._base_attempt = 0
        self._attempts: dict[int, int] = {}
        self._ended: str | None = None
        self._signal: str | None = None
        self._validating = False
        self._longest_epoch = 0
        self._heartbeat: Heartbeat | None = None
        self.sampled: dict[str, float] | None = None
        self._memory = HostMemory()
        self._resident = self.probes.on("host_memory")
        self._watch = Stopwatch() if self.probes.on("throughput") else NoStopwatch()
        self._skips = SkipDetector()
        self._sums = False
        self._readback = Readback(self._emit, self._unreadable)
        self._listeners: list[Callable[[Row], None]] = []
        self.meta: dict[str, Any] = {}

    def __init__(
        self,
        run_dir: str | os.PathLike[str],
        *,
        rank: int | None = None,
        trainer: str = "loop",
        args: Mapping[str, Any] | None = None,
        planned_epochs: int | None = None,
        meta: Mapping[str, Any] | None = None,
        rows_per_segment: int = 4096,
        fsync_seconds: float = 5.0,
        capture_crashes: bool = True,
        hang_seconds: float = 300.0,
        report: bool = True,
        probes: Any = None,
    ) -> None:
        self._begin(run_dir, rank, report, probes)
        with self.guard("opening the record"):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._continue_record()
            self._store = StepStore(self.folder / "steps", self.rank, rows_per_segment, fsync_seconds, self.guard)
        with self.guard("describing the run"):
            described = {
                "schema": SCHEMA_VERSION,
                "trainer": trainer,
                "created_s": time.time(),
                "args": dict(args or {}),
                "planned_epochs": planned_epochs,
                "versions": environment.versions(),
                "hardware": environment.hardware(),
                "process": environment.process(),
                "command": environment.command(),
                "cwd": os.getcwd(),
                "git": environment.git(Path.cwd()),
                **({"probes_off": sorted(self.probes.off)} if self.probes.off else {}),
            }
            self.update_meta(**{**described, **(meta or {})})
        self.event("start", f"recording into {self.folder}", source="recorder", pid=os.getpid(), **self._predecessor())
        if capture_crashes:
            with self.guard("chaining the crash hooks"):
                crash.register(self)
            with self.guard("starting the heartbeat"):
                self._heartbeat = Heartbeat(self, fsync_seconds, hang_seconds)
                if self.probes.on("process_tree"):
                    self.sample(process_tree.ProcessTree(self.run_dir), process_tree.COLUMNS)
                self._heartbeat.start()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle or copy a recorder that records nothing: models and trainers that hold one are copied and pickled."""
        return _silent, (type(self), os.fspath(self.run_dir), self.rank)

    @property
    def closed(self) -> bool:
        """Whether the record has been closed."""
        return self._closed

    @property
    def next_step(self) -> int:
        """Number of the step that will end next."""
        return self._step

    @property
    def epoch(self) -> int:
        """The epoch under way; -1 before the first."""
        return self._epoch

    @property
    def dropped(self) -> int:
        """Step rows that could not be written so far."""
        return self._store.dropped if self._store is not None else 0

    @property
    def validating(self) -> bool:
        """Whether validation is under way, as far as it is known.

        It is where the trainer said so, and where an epoch has as many micro-batches as the longest one before.
        """
        return self._validating or 0 < self._longest_epoch <= self._batch

    def begin_validation(self) -> None:
        """Say that validation begins, so that its time is not taken for hanging; the next step ends it."""
        self._validating = True

    def rss_bytes(self) -> int:
        """Return bytes resident now."""
        return self._memory.read()

    def stderr_tail(self) -> str:
        """Return the last lines that were written to stderr, secrets removed."""
        return redact_text(crash.stderr_tail())

    def sample(self, sampler: Sampler, columns: Sequence[str]) -> None:
        """Let the heartbeat's thread call ``sampler`` now and then; the next row carries what it returns.

        Args:
            sampler: Returns columns.
            columns: All that it may return.
        """
        if self._heartbeat is not None:
            self.expect(columns)
            self._heartbeat.sample(sampler)

    def signalled(self, name: str) -> None:
        """Record a signal that is about to end the training, or not: its handler decides. Called by the crash hooks."""
        if self._foreign():
            return
        with self.guard(f"recording {name}"):
            self._signal = name
            self.event("signal", name, source="recorder", signal=name, **crash.state())
            self.flush()
            if self._heartbeat is not None:
                self._heartbeat.beat()

    def dump(self) -> None:
        """Write all stacks and the state now into the events (SIGUSR1)."""
        with self.guard("writing the stacks"):
            self.event("dump", "stacks on demand", source="recorder", rss_bytes=self.rss_bytes(), **crash.state())

    def update_meta(self, **entries: Any) -> None:
        """Merge entries into ``run.json`` (rank 0 writes it)."""
        if self._foreign():
            return
        with self.guard("writing run.json"):
            self.meta.update(redact(entries))
            if self.rank == 0:
                write_json(self.folder / "run.json", self.meta)

    def datasets(self, train: Any, val: Any) -> None:
        """Say once, before the training, what is trained on and what is validated on: samples in both are told. Never raises.

        No sample is drawn and no random number used; see :mod:`trainwatch_hooks.samples` for what can be compared, and what
        it costs.

        Args:
            train: A loader, a data set, a tensor, an array, or a tuple of these with the inputs first.
            val: The same of the validation.
        """
        if self._closed or self._foreign():
            return
        with self.guard("comparing the data sets"):
            from trainwatch_hooks.samples import compared

            self.update_meta(dataset={**self.meta.get("dataset", {}), **compared(train, val)})

    def listen(self, listener: Callable[[Row], None]) -> None:
        """Hand every finished row (values on the host) to ``listener``, too; on a device some steps later, in order."""
        self._listeners.append(listener)

    def expect(self, columns: Sequence[str]) -> None:
        """Name columns that will come with a later step."""
        if self._store is not None:
            self._store.expect([*columns, *(["rss_bytes"] if self._resident else [])])

    def begin_epoch(self, epoch: int) -> int:
        """Start an epoch; return how often it had been started before (0: the first time)."""
        if epoch in self._attempts:
            self._attempts[epoch] += 1
        else:
            self._attempts[epoch] = self._base_attempt
        self._longest_epoch, self._validating = max(self._longest_epoch, self._batch), False
        self._epoch, self._attempt, self._batch = epoch, self._attempts[epoch], 0
        self._watch.begin_epoch()
        return self._attempt

    def begin_step(self) -> None:
        """Mark that the batch has arrived; the time since the last step was waiting for data. Optional."""
        self._watch.begin_step()

    def step(
        self,
        *,
        epoch: int = 0,
        losses: Mapping[str, Any] | None = None,
        loss: Any = None,
        grad_norm: Any = None,
        lr: float | Sequence[float] | Mapping[str, float] | None = None,
        batch_size: int | None = None,
        accumulate: int | None = None,
        optimizer_stepped: bool = True,
        **more: Any,
    ) -> None:
        """Record one micro-batch. Never raises.

        Args:
            epoch: Epoch, from 0. A step of an earlier epoch than the last begins a new attempt of that epoch.
            losses: Component name to number or one-element tensor.
            loss: Total loss; default: the sum of ``losses``.
            grad_norm: Total gradient norm before clipping, number or tensor.
            lr: Learning rate, or one per parameter group.
            batch_size: Images (samples) in the micro-batch.
            accumulate: Micro-batches per optimizer step.
            optimizer_stepped: Whether the optimizer moved after this micro-batch.
            **more: Further columns: number or one-element tensor each.
        """
        if self._closed or forks.depth != self._depth:
            return
        try:  # `with self.guard(...)` would do, at a sixth of the cost of the whole step
            if epoch != self._epoch and int(epoch) != self._epoch:
                self.begin_epoch(int(epoch))
            if more and not OWN_KEYS.isdisjoint(more):
                more = self._without_own_keys(more)
            row: Row = {"optimizer_stepped": 1.0 if optimizer_stepped else 0.0}
            if losses:
                for name, value in losses.items():
                    more[_loss_column(name)] = value
                self._sums = True
            if loss is not None:
                more["loss"] = loss
            if grad_norm is not None:
                more["grad_norm"] = grad_norm
            if type(lr) is float:
                row["lr/pg0"] = lr
            elif lr is not None:
                more.update(_rates(lr))  # may be tensors on a device
            if batch_size is not None:
                row["batch_size"] = float(batch_size)
            if accumulate is not None:
                row["accumulate"] = float(accumulate)
            self.record(row, more)
        except Exception as error:
            self.guard.report("recording a step", error)

    def record(self, row: Row, scalars: Mapping[str, Any], vector: tuple[list[str], Any] | None = None) -> None:
        """Record one micro-batch from columns: the trainers' way in. May raise; callers hold the guard.

        Args:
            row: Columns known on the host; keys, clock and memory are filled in here.
            scalars: Columns that may be tensors.
            vector: Columns and a 1-D tensor.
        """
        row["step"] = self._step
        row["epoch"] = self._epoch
        row["attempt"] = self._attempt
        row["batch"] = self._batch
        row["rank"] = self.rank
        self._watch.end_step(row)
        if self._resident:
            row["rss_bytes"] = self._memory.read()
        if self.sampled:
            row.update(self.sampled)
            self.sampled = None
        self._step += 1
        self._batch += 1
        self._readback.submit(row, scalars, vector)

    def epoch_end(
        self,
        epoch: int,
        *,
        fitness: float | None = None,
        best_fitness: float | None = None,
        **columns: Mapping[str, Any],
    ) -> None:
        """Record an epoch's summary. Never raises.

        Args:
            epoch: Epoch, from 0.
            fitness: What checkpoints are ranked by, more is better.
            best_fitness: Best so far.
            **columns: Families ``train``, ``val``, ``metrics``, ``lr``, ``gain``, ``augment``, ``ema``: name to number each.
        """
        if self._closed or forks.depth != self._depth:
            return
        with self.guard("recording an epoch"):
            self._readback.drain()
            record: dict[str, Any] = {
                "epoch": int(epoch),
                "attempt": self._attempts.get(int(epoch), self._base_attempt),
                "time_s": time.time(),
            }
            for family, values in columns.items():
                own = f"{family}/"  # metrics={"metrics/acc": ...} means the same column as metrics={"acc": ...}
                record |= {own + str(name).removeprefix(own): _number(value) for name, value in values.items()}
            if fitness is not None:
                record["fitness"] = _number(fitness)
            if best_fitness is not None:
                record["best_fitness"] = _number(best_fitness)
            append_line(self.folder / "epochs" / f"rank{self.rank}.jsonl", record)

    def event(self, kind: EventKind, message: str = "", *, source: str = "user", **data: Any) -> None:
        """Record that something happened. Never raises.

        Args:
            kind: One of the kinds of ``schema.EventKind``.
            message: One sentence.
            source: Who says so.
            **data: Details, JSON types.
        """
        if self._closed or forks.depth != self._depth:
            return
        with self.guard("recording an event"):
            record = {
                "time_s": time.time(),
                "step": self._step - 1 if self._step else None,
                "epoch": self._epoch if self._epoch >= 0 else None,
                "attempt": self._attempt,
                "rank": self.rank,
                "kind": kind,
                "source": source,
                "message": message,
                "data": data,
            }
            append_line(self.folder / "events" / f"rank{self.rank}.jsonl", redact(record))

    def exception(self, error: BaseException) -> None:
        """Record the exception that ends the training, once. Never raises."""
        with self.guard("recording the exception"):
            self._exception(error)

    def _exception(self, error: BaseException) -> None:
        if self._ended is not None:
            return
        if isinstance(error, KeyboardInterrupt):
            self._ended = "signal"
            if self._signal != "SIGINT":  # else it is on record
                self.event("signal", "SIGINT (KeyboardInterrupt)", source="recorder", signal="SIGINT")
            return
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return
        kind: EventKind = "oom" if is_out_of_memory(error) else "exception"
        self._ended = kind
        text = "".join(traceback.format_exception(error))
        self.event(
            kind,
            f"{type(error).__name__}: {said(error)}",
            source="recorder",
            type=type(error).__name__,
            traceback=text,
            stderr=self.stderr_tail(),
            **({**self._allocations(error), "memory": environment.memory_in_force()} if kind == "oom" else {}),
        )

    def _allocations(self, error: BaseException) -> dict[str, Any]:
        """Keep what the device's allocator held; return the file, relative to the run, for the event."""
        if self.probes.on("oom_snapshot") and self.folder.is_dir():
            with self.guard("keeping the allocator's snapshot"):
                name = oom_snapshot.write(self.folder, self.rank, error)
                return {"snapshot": f"{FOLDER}/{name}"} if name else {}
        return {}

    def end(self, reason: str, message: str = "", **data: Any) -> None:
        """Record the end that the trainer announces: ``completed``, ``early-stop`` or ``stopped``."""
        if self._ended is None:
            self._ended = reason
            self.event("end", message or reason, source="recorder", reason=reason, **data)

    def flush(self) -> None:
        """Write the steps whose values are still on the device (waits for it, but not without limit)."""
        if self._foreign():
            return
        with self.guard("reading the last steps back"):
            self._readback.drain(wait=True)

    def close(self, reason: str = "completed") -> None:
        """End the record; may be called twice. Writes the report if the training ended in an exception, or if it is due."""
        if self._closed or forks.depth != self._depth:
            return
        self.flush()
        self.end(reason)
        if self._store is not None:
            with self.guard("closing the record"):
                self._store.close()
            if self._store.dropped:
                self.event(
                    "dropped",
                    f"{self._store.dropped} step rows could not be written",
                    source="recorder",
                    rows=self._store.dropped,
                )
        if self.guard.errors:
            self.event("warning", self.guard.told(), source="recorder", errors=dict(self.guard.errors))
        if self._heartbeat is not None:
            self._heartbeat.stop(self._ended or reason)
        self._closed = True
        self._memory.close()
        crash.unregister(self)
        if (self.report_due or self._ended in ("exception", "oom")) and self.rank == 0 and self._report:
            with self.guard("writing the report"):
                self._write_report()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.flush()
            self.exception(error)
        self.close()

    def _foreign(self) -> bool:
        """Whether this is a fork's or a copy's, which must not speak for the training."""
        return forks.depth != self._depth

    def _without_own_keys(self, more: dict[str, Any]) -> dict[str, Any]:
        names = ", ".join(sorted(OWN_KEYS & more.keys()))
        self.guard.report(f"recording {names}", ValueError("such a column is the recorder's own; name yours otherwise"))
        return {name: value for name, value in more.items() if name not in OWN_KEYS}

    def _unreadable(self, row: Row, names: Sequence[str], error: Exception) -> None:
        """Leave columns open whose values could not be read, and the sum that they would be part of."""
        row.update(dict.fromkeys(names))
        if any(name.startswith("loss/") for name in names):
            row.setdefault("loss", None)
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        self.guard.report(f"reading {names[0]}{others}" if names else "reading values back", error)

    def _emit(self, row: Row) -> None:
        if self._store is None:
            return
        if self._sums and "loss" not in row:  # a trainer of its own kind says what its total is, or that it has none
            parts = [v for name, v in row.items() if name.startswith("loss/") and v is not None]
            if parts:
                row["loss"] = sum(parts)
        scale = row.get("amp_scale")
        if scale is not None and row.get("optimizer_stepped"):
            row["amp_skipped"] = float(self._skips.skipped(scale))
        self._store.append(row)
        for listener in self._listeners:
            with self.guard("handing a row on"):
                listener(row)

    def _continue_record(self) -> None:
        """Go on counting where an earlier process stopped in this folder."""
        steps = self.folder / "steps"
        if not steps.is_dir():
            return
        from trainwatch_hooks.segments import last_row

        last = last_row(steps, self.rank)
        if last is not None:
            self._step = last["step"] + 1
            self._base_attempt = last["attempt"] + 1

    def _predecessor(self) -> dict[str, Any]:
        """Return the last signs of life of a process that recorded here before, and what can be seen of its end now.

        Our own will be written over them; how that process died is told from this event from now on.
        """
        with self.guard("reading the signs of an earlier process"):
            return death.signs_of_predecessor(self.folder, self.rank)
        return {}

    def _write_report(self) -> None:
        """Let the analysis side, if installed, write the page, in a process of its own."""
        if find_spec("trainwatch") is None:
            return
        environ = {k: v for k, v in os.environ.items() if k not in ("RANK", "LOCAL_RANK", "WORLD_SIZE")}
        done = subprocess.run(
            [sys.executable, "-m", "trainwatch", "report", str(self.run_dir)],
            timeout=REPORT_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environ,
        )
        page = self.folder / "report.html"
        if page.exists():
            print(f"trainwatch: what happened, why, and what to type next: {page}", file=sys.stderr)
        else:
            print(f"trainwatch: no report ({(done.stderr or done.stdout).strip()[-300:]})", file=sys.stderr)


def _silent(kind: type[Recorder], run_dir: str, rank: int) -> Recorder:
    recorder = kind.__new__(kind)
    recorder._begin(run_dir, rank, report=False, probes=None)
    recorder._memory.close()
    recorder._depth, recorder._closed = -1, True
    return recorder


@cache
def _loss_column(name: str) -> str:
    return f"loss/{name}"


def _rates(lr: float | Sequence[float] | Mapping[str, float]) -> dict[str, Any]:
    """Return the column of each parameter group's learning rate."""
    if isinstance(lr, Mapping):
        return {f"lr/{name if isinstance(name, str) else f'pg{name}'}": v for name, v in lr.items()}
    return {f"lr/pg{i}": v for i, v in enumerate(lr if isinstance(lr, Sequence) else [lr])}


def _rank() -> int:
    """Return the rank that the launcher gave this process, or that it has in the process group."""
    text = os.environ.get("RANK", "")
    if text.isdecimal():
        return int(text)
    torch = sys.modules.get("torch")
    try:
        return int(torch.distributed.get_rank()) if torch is not None and torch.distributed.is_initialized() else 0
    except Exception:  # built without it
        return 0


def _number(value: Any) -> float | None:
    return None if value is None else float(value)

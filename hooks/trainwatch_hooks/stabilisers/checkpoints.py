"""checkpoints: two tracks of files that hold everything, and a light copy.

What it does:
    Writes ``best_<epoch>.pt`` at each new best fitness (the newest three stay) and ``latest.pt`` every 30 of 600
    epochs, every 30 minutes, and at the end, into ``<run>/trainwatch/checkpoints/``; the latest before it stays as
    ``previous.pt``. Next to it ``light.pt``, the EMA's weights in half precision for ``YOLO()``.
    ``trainwatch resume RUN`` goes on from them.

Why it matters:
    Ultralytics' last.pt holds the EMA in half precision instead of the weights, momentum in half precision, no state
    of any random number generator; it is written in place (a kill or a full disk leaves half a file), stripped when
    the training ends or stops early, and its resume ignores most changed arguments.

How it works:
    Written after everything else at the end of an epoch, on the main process: weights, EMA and its count, optimizer
    and scaler in full precision, schedule, stopper, all random number generators, the loader's order and mosaic
    buffer, gradients that wait for their optimizer step, states of the other stabilisers, arguments, results.csv.
    Only plain types and tensors, read with ``torch.load(weights_only=True)``. Temporary file, fsync, rename; SHA-256
    in ``checkpoints.json``. Weights that are not finite are never written over good ones. If the disk is full, an
    event says so, and the training goes on.

    An epoch that has itself run longer than ``every_minutes`` is saved right after an optimizer step; a resume then
    replays that epoch from its start with those weights, and is not exact.

    On a CPU a resumed training is bit for bit the one that was not interrupted. With loader workers, as on a GPU, the
    order of the images is another, unless ``exact_loader`` is on.

    A kill costs what was trained since the last file: by default up to 30 of 600 epochs or 30 minutes, whichever is
    less, if none of them was a new best. ``every_epochs = 1`` costs at most the epoch under way. One save of YOLO12n
    with SGD takes 32 MB (43 with AdamW) and about 0.3 s of processor time, light.pt 5.6 MB and as long again.

Settings:
    keep_best = 3        best files that stay
    every_epochs = null  epochs between two latest files; null: 30 of 600
    every_minutes = 30   minutes after which one is written at the latest; 0: never because of the time
    light = true         write light.pt with every latest.pt at the end of an epoch
    max_gib = null       what all files together may take; null: a quarter of the free space
    exact_loader = false begin the loader anew, with a seed of its own, at each epoch that is saved. It makes the order
                         of the images exact with workers, too. The order is then another than without, and the
                         workers start again at each such epoch (a second or so each). Single process only

What it does not do:
    It does not keep your own trainer class or callbacks; give them to ``trainwatch_hooks.resume.resume`` again. State
    of albumentations' own generators is not kept. ``time=`` counts from the resume. Under DDP random numbers and the
    order of the images begin anew. It was not run on a GPU so far.

References:
    The seven techniques, 6. Ultralytics 8.4 engine/trainer.py: save_model, final_eval, check_resume.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from trainwatch_hooks.stabilisers import _loader, _settings, _state, _weights
from trainwatch_hooks.stabilisers._files import FOLDER, LATEST, LIGHT, CheckpointFolder, Entry, NoRoom
from trainwatch_hooks.stabilisers.base import Control, Stabiliser, require, scaled

SOURCE_PERIOD = 30
FREE_FRACTION = 0.25
"""Part of the free space that the files may take if ``max_gib`` is not given."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    keep_best: int = 3
    every_epochs: int | None = None
    every_minutes: float = 30.0
    light: bool = True
    max_gib: float | None = None
    exact_loader: bool = False

    def __post_init__(self) -> None:
        require(self.keep_best >= 1, f"keep_best is {self.keep_best}; keep at least 1")
        require(
            self.every_epochs is None or self.every_epochs >= 1,
            f"every_epochs is {self.every_epochs}; give at least 1",
        )
        require(self.every_minutes >= 0, f"every_minutes is {self.every_minutes:g}; it cannot be negative")
        require(self.max_gib is None or self.max_gib > 0, f"max_gib is {self.max_gib}; it must be positive")


class Checkpoints(Stabiliser):
    """Decides when to write; see the module's text."""

    settings_type = Settings
    order = 90

    def __init__(self, settings: Settings, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._best: float | None = None
        self._args: dict[str, Any] = {}
        self._others: dict[str, Any] = {}
        self._folder: CheckpointFolder | None = None
        self._saved_at = self._epoch_at = self._begun_at = 0.0
        self._elapsed_before = 0.0
        self._told: set[str] = set()

    def setup(self, control: Control) -> None:
        """Remember the arguments before any stabiliser changes them while the training runs."""
        self._args = _state.plain(vars(control.trainer.args))
        self._others = {
            "settings": _settings.in_force(control.active.values()),
            "explicit": {n: sorted(s.explicit) for n, s in control.active.items()},
        }
        self._begun_at = self._saved_at = self._epoch_at = time.monotonic()
        self._folder = CheckpointFolder(control.folder / FOLDER)
        if self.settings.exact_loader and control.distributed:
            control.note("warning", "checkpoints: exact_loader is for a single process, it is off in this training")

    def epoch_start(self, control: Control) -> None:
        """Remember when the epoch began."""
        self._epoch_at = time.monotonic()

    def batch_end(self, control: Control) -> None:
        """Save within an epoch that is itself longer than the period."""
        period = 60.0 * self.settings.every_minutes
        now = time.monotonic()
        if (
            not period
            or control.last_step != control.iteration
            or min(now - self._saved_at, now - self._epoch_at) < period
        ):
            return
        if control.main_process:
            self._save_latest(control, mid_epoch=True)

    def saved(self, control: Control) -> None:
        """Save what is due at the end of an epoch."""
        if not control.main_process:
            return
        best, due = self._is_best(control), self._is_due(control)
        if not (best or due):
            return
        fresh = self.settings.exact_loader and not control.distributed and not control.trainer.stop
        if fresh:
            _loader.begin_anew(control.trainer.train_loader, int(control.trainer.args.seed), control.epoch)
        if not self._finite(control):
            return
        before = self._best
        if best:
            self._best = float(control.trainer.fitness)
        state = self._state(control, mid_epoch=False, fresh_loader=fresh)
        entry = self._write(control, f"best_{control.epoch}.pt", state) if best else None
        if entry is not None and self._folder is not None:
            self._folder.prune_bests(self.settings.keep_best)
        elif best:
            self._best = before  # not written: the next one that beats the last file is
        if due:
            self._save_latest(control, mid_epoch=False, state=state, same_as=entry.name if entry else None)

    def state(self) -> dict[str, Any]:
        """Return the best fitness that is written down, and the time that the training took."""
        return {"best": self._best, "elapsed_s": self._elapsed_before + time.monotonic() - self._begun_at}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take both up again."""
        self._best = state.get("best")
        self._elapsed_before = float(state.get("elapsed_s") or 0.0)

    def _is_best(self, control: Control) -> bool:
        fitness = _state.number(control.trainer.fitness)
        return fitness is not None and fitness == fitness and (self._best is None or fitness > self._best)

    def _is_due(self, control: Control) -> bool:
        every = self.settings.every_epochs or scaled(SOURCE_PERIOD, control.epochs)
        period = 60.0 * self.settings.every_minutes
        late = bool(period) and time.monotonic() - self._saved_at >= period
        return (control.epoch + 1) % every == 0 or bool(control.trainer.stop) or late

    def _finite(self, control: Control) -> bool:
        finite = _state.is_finite(control.model)
        if not finite:
            self._tell(control, "not finite", "checkpoints: the weights are not finite, nothing is written")
        return finite

    def _state(self, control: Control, *, mid_epoch: bool, fresh_loader: bool) -> dict[str, Any]:
        live = {k: getattr(control.trainer.args, k, None) for k in ("batch", "epochs")}
        return {
            **_state.capture(control, mid_epoch=mid_epoch, fresh_loader=fresh_loader),
            "saved_s": time.time(),
            "args": {**self._args, **_state.plain(live)},
            "stabilisers": {
                **self._others,
                "state": {n: self._state_of(control, n, s) for n, s in control.active.items()},
            },
        }

    def _state_of(self, control: Control, name: str, stabiliser: Stabiliser) -> Any:
        try:
            return _state.plain(stabiliser.state())
        except Exception as error:
            self._tell(control, f"state {name}", f"checkpoints: the state of {name} is not kept ({error})")
            return {}

    def _save_latest(
        self, control: Control, *, mid_epoch: bool, state: dict[str, Any] | None = None, same_as: str | None = None
    ) -> None:
        self._saved_at = time.monotonic()
        if state is None:
            if not self._finite(control):
                return
            state = self._state(control, mid_epoch=mid_epoch, fresh_loader=False)
        self._write(control, LATEST, state, same_as=same_as)
        if self.settings.light and not mid_epoch and control.trainer.ema is not None:
            ema = control.trainer.ema.ema
            self._write(control, LIGHT, None, into=lambda file: _weights.write(ema, self._args, file))

    def _write(
        self,
        control: Control,
        name: str,
        state: dict[str, Any] | None,
        *,
        same_as: str | None = None,
        into: Any = None,
    ) -> Entry | None:
        folder = self._folder
        if folder is None:
            return None
        started = time.perf_counter()
        known: dict[str, Any] = {"epoch": control.epoch, "fitness": None if state is None else state["fitness"]}
        if state is not None:
            known["batch"] = state["batch"]
        try:
            size = _state.size(state) if state is not None else sum(_bytes(control))
            gone, known["keep_previous"] = folder.make_room(name, size, self._limit(folder))
            if gone:
                self._tell(control, f"pruned {gone}", f"checkpoints: {', '.join(gone)} removed to stay in the budget")
            if state is not None and same_as is not None and (folder.path / same_as).exists():
                entry = folder.copy(name, same_as, **known)
            elif state is not None:
                entry = folder.write(name, _writer(state), **known)
            else:
                entry = folder.write(name, into, **known)
        except (NoRoom, OSError) as error:
            reason = f"{getattr(error, 'strerror', None) or error}"
            self._tell(control, name, f"checkpoints: {name} not written: {reason}", path=name)
            return None
        self._told.discard(name)
        place = (
            f"in epoch {control.epoch + 1}" if known.get("batch") is not None else f"after epoch {control.epoch + 1}"
        )
        control.note(
            "checkpoint",
            f"trainwatch/{FOLDER}/{name} {place}",
            path=f"trainwatch/{FOLDER}/{name}",
            bytes=entry.bytes,
            seconds=round(time.perf_counter() - started, 4),
            next_epoch=None if state is None else state["next_epoch"],
            fitness=known["fitness"],
        )
        return entry

    def _limit(self, folder: CheckpointFolder) -> float:
        import shutil

        if self.settings.max_gib is not None:
            return float(self.settings.max_gib * 2**30)
        existing = next(p for p in (folder.path, *folder.path.parents) if p.exists())
        return float(FREE_FRACTION * (shutil.disk_usage(existing).free + folder.bytes()))

    def _tell(self, control: Control, key: str, message: str, **data: Any) -> None:
        """Warn, but not at every epoch of the same."""
        if key not in self._told:
            self._told.add(key)
            control.note("warning", message, **data)


def _writer(state: dict[str, Any]) -> Any:
    def into(file: IO[bytes]) -> None:
        _state.save(state, file)

    return into


def _bytes(control: Control) -> list[int]:
    return [2 * v.numel() for v in control.trainer.ema.ema.state_dict().values()]

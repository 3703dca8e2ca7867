"""Brings a training that is set up to a saved state: its callbacks, before, between and after those of the stabilisers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwatch_hooks.environment import world_size
from trainwatch_hooks.schema import FOLDER
from trainwatch_hooks.stabilisers import _engine, _files, _loader, _rng, _state, _weights
from trainwatch_hooks.stabilisers.base import Control, SettingsError, unwrap
from trainwatch_hooks.trainers.ultralytics import UltralyticsHook


class Restore:
    """The callbacks that bring a training to a saved state; plain enough to travel to distributed workers."""

    def __init__(self, path: Path, changes: dict[str, Any]) -> None:
        self._path = path
        self._changes = changes
        self._hook: _engine.StabiliserHook | None = None
        self._recording: UltralyticsHook | None = None
        self._state: dict[str, Any] | None = None
        self._holding = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_state": None}

    def attach(self, hook: _engine.StabiliserHook, recording: UltralyticsHook) -> None:
        """Name the hook whose stabilisers get their states back, and the recording that says so."""
        self._hook, self._recording = hook, recording

    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """Everything is set up, the stabilisers too: load weights, optimizer, schedule and their states."""
        state = _state.load(self._path)
        hook = self._hook
        control = hook.control if hook is not None else None
        if control is None:
            control = Control(trainer, None, Path(trainer.save_dir) / FOLDER)
        notes = _state.put_back(control, state, self._changes)
        if "batch" in self._changes or len(trainer.train_loader) != state["loader"]["batches"]:
            if state["waiting"]["batches"]:
                notes.append("the gradients that waited for their optimizer step are dropped")
            state["waiting"] = {"batches": 0, "gradients": {}}
        control.last_step = len(trainer.train_loader) * state["next_epoch"] - 1 - state["waiting"]["batches"]
        notes += _stabiliser_states(control, state["stabilisers"]["state"])
        if control.main_process:
            notes += _mend_best(trainer, self._path.parent, state)
        self._state = state
        self._say(control, trainer, notes)

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Before the first batch: waiting gradients, the loader's place, and the random numbers last."""
        state, self._state = self._state, None
        if state is None:
            self._holding = False  # a replay of the first epoch begins its count of batches anew
            return
        notes = []
        if state["waiting"]["gradients"]:
            parameters = dict(unwrap(trainer.model).named_parameters())
            for name, gradient in state["waiting"]["gradients"].items():
                parameters[name].grad = gradient.to(parameters[name].device, copy=True)
        if not trainer.args.time:
            trainer.train_time_start -= float(
                state["stabilisers"]["state"].get("checkpoints", {}).get("elapsed_s") or 0
            )
        together = world_size(trainer) > 1
        try:
            if together:  # each process has a loader of its own, and only the main one's was saved
                notes.append("several processes: the order of the images is another")
            else:
                notes += _loader.restore(trainer.train_loader, state["loader"])
        except Exception as error:  # private parts of torch: another order is no reason to stop
            notes.append(f"the order of the images is another ({type(error).__name__}: {error})")
        closed = trainer.args.close_mosaic and state["next_epoch"] >= trainer.epochs - trainer.args.close_mosaic
        if state["mosaic_closed"] and closed:
            _loader.without_next_reset(trainer)
        elif state["mosaic_closed"]:
            notes.append(f"mosaic is on again until epoch {trainer.epochs - (trainer.args.close_mosaic or 0)}")
        self._hold_steps(trainer)
        if "seed" not in self._changes and not together:
            _rng.restore(state["rng"])
        for sentence in notes:
            self._event("warning", sentence)

    def on_train_batch_end(self, trainer: Any) -> None:
        """Give the loop its number of micro-batches back."""
        if isinstance(trainer.accumulate, NotYet):
            trainer.accumulate = int(trainer.accumulate)

    def _hold_steps(self, trainer: Any) -> None:
        """Keep the optimizer's rhythm: the loop believes that its last step was long ago and would step at once."""
        hook = self._hook
        if hook is None or hook.control is None:
            return
        control, preprocess = hook.control, trainer.preprocess_batch
        self._holding = True

        def preprocess_batch(batch: Any) -> Any:
            if self._holding:
                if control.iteration - control.last_step >= int(trainer.accumulate):
                    self._holding = False
                else:
                    trainer.accumulate = NotYet(trainer.accumulate)
            return preprocess(batch)

        trainer.preprocess_batch = preprocess_batch

    def _say(self, control: Control, trainer: Any, notes: list[str]) -> None:
        state = self._state
        session = self._recording.session if self._recording is not None else None
        if session is None or state is None or not control.main_process:
            return
        path = _relative(self._path, Path(trainer.save_dir))
        session.recorder.update_meta(
            resumed={"path": path, "epoch": state["next_epoch"], "changes": self._changes, "notes": notes}
        )
        for sentence in notes:
            self._event("warning", sentence)
        self._event(
            "start",
            f"resumed from {path} with epoch {state['next_epoch'] + 1}",
            path=path,
            next_epoch=state["next_epoch"],
            exact=state["batch"] is None and not self._changes and not notes,
            changes=self._changes,
        )

    def _event(self, kind: Any, message: str, **data: Any) -> None:
        session = self._recording.session if self._recording is not None else None
        if session is not None:
            session.recorder.event(kind, message, source="stabiliser/checkpoints", **data)


class NotYet(int):
    """A number of micro-batches that the trainer's comparison never finds reached; for everybody else the number."""

    def __le__(self, other: object) -> bool:
        return False


def _stabiliser_states(control: Control, states: Mapping[str, Any]) -> list[str]:
    notes = []
    for name, stabiliser in control.active.items():
        if name in states:
            try:
                stabiliser.restore(states[name])
            except Exception as error:
                notes.append(f"{name} begins anew: its state could not be restored ({type(error).__name__}: {error})")
    return notes


def _mend_best(trainer: Any, folder: Path, state: Mapping[str, Any]) -> list[str]:
    """Write weights/best.pt again if the kill left half of it: the end of the training reads it."""
    if trainer.best_fitness is None or trainer.ema is None or not trainer.args.save or _weights.whole(trainer.best):
        return []
    source: Mapping[str, Any] | None = state if state["fitness"] == state["best_fitness"] else None
    for name in _files.best_first(folder) if source is None else ():
        try:
            found = _state.load(folder / name)
        except SettingsError:  # damaged, like the other
            continue
        if found["fitness"] == state["best_fitness"]:
            source = found
            break
    trainer.best.unlink(missing_ok=True)
    if source is None or source["ema"] is None:
        return [
            "weights/best.pt is damaged or missing, and no checkpoint has its weights; the next best epoch writes it"
        ]
    temporary = trainer.best.with_name(f".{trainer.best.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            _weights.write(trainer.ema.ema, source["args"], file, source["ema"]["state"])
        temporary.replace(trainer.best)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        return [f"weights/best.pt is damaged or missing and could not be written again ({error.strerror or error})"]
    return []


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

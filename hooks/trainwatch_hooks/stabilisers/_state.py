"""The full state of an Ultralytics training as plain types and tensors, and back again.

Nothing else goes into the file, so that ``torch.load(weights_only=True)`` reads it and nothing is ever unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from trainwatch_hooks.stabilisers import _loader, _rng
from trainwatch_hooks.stabilisers.base import Control, SettingsError, unwrap

FORMAT: Final = "trainwatch-checkpoint"
VERSION: Final = 1

_KEYS: Final = ("args", "model", "model_yaml", "optimizer", "scheduler", "next_epoch", "rng", "loader", "stabilisers")


def capture(control: Control, *, mid_epoch: bool, fresh_loader: bool) -> dict[str, Any]:
    """Return everything that a continuation needs, except for what only the caller knows (arguments, settings).

    Args:
        control: The training.
        mid_epoch: Whether the epoch is under way; a continuation then replays it from its start.
        fresh_loader: Whether the loader has just been begun anew.
    """
    trainer = control.trainer
    model, ema, stopper = control.model, trainer.ema, trainer.stopper
    criterion = getattr(model, "criterion", None)
    waiting = 0 if mid_epoch else control.iteration - control.last_step
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None} if waiting else {}
    return {
        "format": FORMAT,
        "version": VERSION,
        "epoch": control.epoch,
        "next_epoch": control.epoch + (not mid_epoch),
        "batch": control.batch if mid_epoch else None,
        "task": str(trainer.args.task),
        "trainer": f"{type(trainer).__module__}.{type(trainer).__qualname__}",
        "model_yaml": plain(getattr(model, "yaml", None) or {}),
        "model": dict(model.state_dict()),
        "ema": None if ema is None else {"state": dict(ema.ema.state_dict()), "updates": int(ema.updates)},
        "optimizer": {"class": type(trainer.optimizer).__name__, **plain(trainer.optimizer.state_dict())},
        "scaler": plain(trainer.scaler.state_dict()),
        "scheduler": {
            "last_epoch": int(trainer.scheduler.last_epoch),
            "base_lrs": [float(v) for v in trainer.scheduler.base_lrs],
        },
        "fitness": number(trainer.fitness),
        "best_fitness": number(trainer.best_fitness),
        "stopper": {
            "best_fitness": float(stopper.best_fitness),
            "best_epoch": int(stopper.best_epoch),
            "possible_stop": bool(stopper.possible_stop),
            "patience": float(stopper.patience),
        },
        "nan_recovery_attempts": int(getattr(trainer, "nan_recovery_attempts", 0)),
        "criterion_updates": getattr(criterion, "updates", None),
        "metrics": {str(k): number(v) for k, v in (trainer.metrics or {}).items()},
        "loss_names": [str(n) for n in trainer.loss_names],
        "waiting": {"batches": waiting, "gradients": gradients},
        "rng": _rng.capture(),
        "loader": _loader.capture(trainer.train_loader, fresh=fresh_loader),
        "mosaic_closed": _mosaic_closed(trainer, control.epoch),
        "results_csv": _text(trainer.csv),
    }


def _mosaic_closed(trainer: Any, epoch: int) -> bool:
    close = int(getattr(trainer.args, "close_mosaic", 0) or 0)
    return bool(close) and epoch >= trainer.epochs - close


def _text(path: Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def number(value: Any) -> float | None:
    """Return a plain float, or None."""
    return None if value is None else float(value)


def plain(value: Any) -> Any:
    """Return the value made of dicts, lists, tuples, numbers, texts and tensors only; other objects as their text."""
    import numpy as np
    import torch

    if value is None or isinstance(value, torch.Tensor) or type(value) in (bool, int, float, str):
        return value.detach() if isinstance(value, torch.Tensor) else value
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {k if type(k) in (int, float, bool) else str(k): plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, list | set | frozenset):
        return [plain(v) for v in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def size(value: Any) -> int:
    """Estimate the bytes that a state takes in a file."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size() + 512
    if isinstance(value, Mapping):
        return 64 + sum(size(v) for v in value.values())
    if isinstance(value, list | tuple):
        return sum(size(v) for v in value)
    return len(value) if isinstance(value, str) else 16


def is_finite(model: Any) -> bool:
    """Whether all weights are finite; waits for the device once."""
    import torch

    checks = [torch.isfinite(v).all() for v in model.state_dict().values() if v.is_floating_point()]
    return bool(torch.stack(checks).all()) if checks else True


def save(state: Mapping[str, Any], file: IO[bytes]) -> None:
    """Write a state.

    Raises:
        OSError: If the disk refuses.
    """
    import torch

    try:
        torch.save(dict(state), file)
    except RuntimeError as error:  # torch's writer hides the disk's error behind its own
        raise OSError(28, f"the file could not be written ({error})") from error


def load(path: Path) -> dict[str, Any]:
    """Read a state without unpickling anything.

    Raises:
        SettingsError: If it is no checkpoint of ours, or one of a newer version.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on garbage
        raise SettingsError(f"{path}: cannot be read as a checkpoint ({_first_line(error)})") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise SettingsError(f"{path}: no checkpoint of trainwatch; give a file of its checkpoints folder")
    if int(state.get("version", 0)) > VERSION:
        raise SettingsError(f"{path}: written by a newer trainwatch; upgrade it")
    missing = [k for k in _KEYS if k not in state]
    if missing:
        raise SettingsError(f"{path}: {', '.join(missing)} missing; it is no whole checkpoint")
    return state


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def put_back(control: Control, state: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """Bring a training that is set up, but has not begun, to a saved state.

    Args:
        control: The training.
        state: What :func:`load` returned.
        changes: Arguments that differ from the saved ones.

    Returns:
        What is not as it was, as sentences.

    Raises:
        SettingsError: If the weights do not fit the model.
    """
    trainer = control.trainer
    model = unwrap(trainer.model)
    notes: list[str] = []
    try:
        model.load_state_dict(state["model"])
        if trainer.ema is not None and state["ema"] is not None:
            trainer.ema.ema.load_state_dict(state["ema"]["state"])
            trainer.ema.updates = state["ema"]["updates"]
    except RuntimeError as error:
        raise SettingsError(f"the saved weights do not fit this model ({_first_line(error)})") from None
    notes += _optimizer(trainer, state, changes)
    if state["scaler"] and trainer.scaler.is_enabled():
        trainer.scaler.load_state_dict(state["scaler"])
    trainer.fitness, trainer.best_fitness = state["fitness"], state["best_fitness"]
    trainer.nan_recovery_attempts = state["nan_recovery_attempts"]
    notes += _stopper(trainer, state)
    if state["criterion_updates"] is not None and hasattr(model, "init_criterion"):
        model.criterion = model.init_criterion()
        if state["criterion_updates"] and hasattr(model.criterion, "update"):
            model.criterion.updates = state["criterion_updates"] - 1
            model.criterion.update()
    trainer.loss_names = tuple(state["loss_names"])
    trainer.start_epoch = state["next_epoch"]
    trainer.scheduler.last_epoch = state["next_epoch"] - 1
    if control.main_process:
        trainer.metrics = dict(state["metrics"])
        if state["results_csv"]:
            _write_text(Path(trainer.csv), state["results_csv"])
    return notes


def _optimizer(trainer: Any, state: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """Load the optimizer's state and the schedule's rates; arguments that changed win over what was saved."""
    optimizer, scheduler, saved = trainer.optimizer, trainer.scheduler, state["optimizer"]
    fresh = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    if saved["class"] != type(optimizer).__name__ or [len(g["params"]) for g in saved["param_groups"]] != [
        len(g["params"]) for g in optimizer.param_groups
    ]:
        return [f"the optimizer is {type(optimizer).__name__} and was {saved['class']}: it begins without momentum"]
    groups = [{**g, **({"fused": f["fused"]} if "fused" in g and "fused" in f else {})} for g, f in zip(
        saved["param_groups"], fresh, strict=True)]  # fmt: skip
    optimizer.load_state_dict({"state": saved["state"], "param_groups": groups})
    base_lrs = list(state["scheduler"]["base_lrs"])
    if "lr0" in changes:
        old = float(state["args"].get("lr0") or 0.0)
        for i, group in enumerate(optimizer.param_groups):
            # By ratio, so that what a stabiliser or a group did to the rate stays.
            ratio = float(changes["lr0"]) / old if old else None
            new = fresh[i]["initial_lr"]
            base_lrs[i] = new if ratio is None else base_lrs[i] * ratio
            group["initial_lr"] = new if ratio is None else group["initial_lr"] * ratio
    for group, new in zip(optimizer.param_groups, fresh, strict=True):
        if {"weight_decay", "batch", "nbs"} & set(changes):
            group["weight_decay"] = new["weight_decay"]
        if "momentum" in changes:
            for name in ("momentum", "betas"):
                if name in group:
                    group[name] = new[name]
    scheduler.base_lrs = base_lrs
    return []


def _stopper(trainer: Any, state: Mapping[str, Any]) -> list[str]:
    stopper, saved, done = trainer.stopper, state["stopper"], state["next_epoch"]
    stopper.best_fitness, stopper.best_epoch = saved["best_fitness"], saved["best_epoch"]
    stopper.possible_stop = saved["possible_stop"]
    if stopper.patience != saved["patience"]:
        stopper.possible_stop = done - stopper.best_epoch >= stopper.patience - 1
    if done - stopper.best_epoch >= stopper.patience:
        stopper.best_epoch, stopper.possible_stop = done, stopper.patience <= 1
        return [f"the patience of {stopper.patience:g} epochs was used up; it counts anew from epoch {done + 1}"]
    return []


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)

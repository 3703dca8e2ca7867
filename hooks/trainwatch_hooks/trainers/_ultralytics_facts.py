"""What an Ultralytics trainer knows about itself, as plain data for the record; nothing is read from a disk or device."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def plain_args(args: Any) -> dict[str, Any]:
    """All arguments as JSON can hold them."""
    return {
        k: v if isinstance(v, bool | int | float | str | list | dict | None) else str(v) for k, v in vars(args).items()
    }


def in_force(trainer: Any) -> dict[str, Any]:
    """What ``optimizer=auto`` chose; before 8.4 Ultralytics keeps it to itself."""
    if trainer.args.optimizer != "auto":
        return {}
    chosen = {"optimizer": type(trainer.optimizer).__name__}
    rates = [g["initial_lr"] for g in trainer.optimizer.param_groups if "initial_lr" in g]
    return {**chosen, "lr0": float(rates[0])} if rates else chosen


def differing_from_default(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the user must have given: those that are not Ultralytics' defaults."""
    from ultralytics.utils import DEFAULT_CFG_DICT

    own = {"save_dir", "mode", "task"}  # filled in by the trainer
    return {k: v for k, v in args.items() if k not in own and DEFAULT_CFG_DICT.get(k) != v}


def dataset(trainer: Any) -> dict[str, Any]:
    """Count images and labels; the labels and the lists of files are already in memory, nothing is read."""
    images, validated = trainer.train_loader.dataset, getattr(getattr(trainer, "test_loader", None), "dataset", None)
    labels = getattr(images, "labels", None)
    found: dict[str, Any] = {
        "train_images": len(images),
        "val_images": len(validated) if validated is not None else None,
        "val_images_trained_on": _in_both(images, validated),
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


def _files(images: Any) -> set[str] | None:
    listed = getattr(images, "im_files", None)
    if listed is None:  # classification: path first, then class
        listed = [s[0] for s in getattr(images, "samples", None) or () if isinstance(s, list | tuple) and s]
    return {str(f) for f in listed} or None


def model(trainer: Any) -> dict[str, Any]:
    """Name, scale, task and number of parameters."""
    net = getattr(trainer.model, "module", trainer.model)
    yaml = getattr(net, "yaml", None) or {}
    return {
        "name": Path(str(yaml.get("yaml_file") or trainer.args.model)).stem,
        "scale": yaml.get("scale") or None,
        "task": trainer.args.task,
        "parameters": sum(p.numel() for p in net.parameters()),
    }


def as_float(value: Any) -> float | None:
    """A float of whatever has one; None stays None."""
    return None if value is None else float(value)

"""Weights in Ultralytics' own format, as ``YOLO()`` loads it: EMA, half precision, no optimizer."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import IO, Any


def write(module: Any, args: Mapping[str, Any], file: IO[bytes], state: Mapping[str, Any] | None = None) -> None:
    """Write a model.

    Args:
        module: The EMA's model; it is copied.
        args: The training's arguments.
        file: Open file.
        state: Weights to put into the copy first; None: as they are.

    Raises:
        OSError: If the disk refuses.
    """
    import torch

    copy = deepcopy(module)
    if state is not None:
        copy.load_state_dict(state)
    if hasattr(copy, "criterion"):
        copy.criterion = None
    copy = copy.half().to(memory_format=torch.contiguous_format)
    copy.args = dict(args)
    for parameter in copy.parameters():
        parameter.requires_grad = False
    content = {"epoch": -1, "model": copy, "ema": None, "optimizer": None, "train_args": dict(args)}
    try:
        torch.save(content, file)
    except RuntimeError as error:
        raise OSError(28, f"the file could not be written ({error})") from error


def whole(path: Path) -> bool:
    """Whether a file of torch can be read to its end (Ultralytics writes in place: a kill leaves half a file)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # zipfile raises many kinds on garbage
        return False

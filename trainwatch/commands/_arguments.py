"""Ultralytics arguments on our command line: ``lr0=0.01``, ``--lr0 0.01`` or ``--lr0=0.01``, checked by Ultralytics itself."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from trainwatch.errors import TrainwatchError


def parse_arguments(words: Sequence[str]) -> dict[str, Any]:
    """Turn words into arguments by name.

    Args:
        words: What followed our own options; a flag without a value is True.

    Raises:
        TrainwatchError: On a word that is neither ``name=value`` nor an option.
    """
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        if word.startswith("--") and not equals:
            text = rest.pop(0) if rest and not rest[0].startswith("--") and "=" not in rest[0] else "True"
        elif not equals:
            raise TrainwatchError(f"{word!r} is no argument; write name=value, e.g. lr0=0.01")
        name = name.replace("-", "_")
        if not name.isidentifier():
            raise TrainwatchError(f"{word!r} is no argument; write name=value, e.g. lr0=0.01")
        found[name] = value(text)
    return found


def value(text: str) -> Any:
    """Read a value as Ultralytics' own command line does: none, true, false, a Python literal, else text."""
    lower = text.strip().lower()
    if lower in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[lower]
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.strip()


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Let the installed Ultralytics check names, types and ranges.

    Raises:
        TrainwatchError: If Ultralytics is not installed, or rejects an argument; one line, with the nearest name.
    """
    try:
        from ultralytics.cfg import get_cfg
        from ultralytics.utils import DEFAULT_CFG_DICT
    except ImportError as error:
        raise TrainwatchError(
            f'Ultralytics cannot be imported ({error}); install it: pip install "trainwatch-toolkit[train]"'
        ) from None
    for name in arguments:
        if name not in DEFAULT_CFG_DICT:
            near = difflib.get_close_matches(name, DEFAULT_CFG_DICT, n=1)
            hint = REPLACED.get(name) or (f"did you mean {near[0]}?" if near else "see yolo cfg for all of them")
            raise TrainwatchError(f"Ultralytics has no argument {name!r}; {hint}")
    try:
        get_cfg(DEFAULT_CFG_DICT, dict(arguments))
    except (SyntaxError, TypeError, ValueError) as error:
        raise TrainwatchError(" ".join(str(error).split())) from None


REPLACED = {
    "accumulate": "nbs = batch x accumulate does it (stabiliser accumulate: trainwatch explain accumulate)",
    "mosaic_prob": "mosaic=0.8 is the probability",
    "restart_epoch": "see trainwatch explain lr-restart",
    "restart_decay": "see trainwatch explain lr-restart",
    "fp16_skip_layers": "see trainwatch explain precision",
    "lr": "it is called lr0",
    "learning_rate": "it is called lr0",
    "batch_size": "it is called batch",
}
"""Names that other texts use, and what does the thing here (ultralytics.md part B)."""

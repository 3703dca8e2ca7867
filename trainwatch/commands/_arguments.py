"""Ultralytics arguments on our command line, checked by Ultralytics itself."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from trainwatch.doctor._arguments import INSTEAD
from trainwatch.errors import TrainwatchError

STABILISERS = {
    "accumulate": "nbs = batch x accumulate does it (stabiliser accumulate: trainwatch explain accumulate)",
    "restart_epoch": "see trainwatch explain lr-restart",
    "restart_decay": "see trainwatch explain lr-restart",
    "fp16_skip_layers": "see trainwatch explain precision",
}
"""Names that articles use, and the stabiliser that does the thing (ultralytics.md part B)."""


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
            guess = f"did you mean {near[0]}?" if near else "see `yolo cfg` for all"
            hint = STABILISERS.get(name) or INSTEAD.get(name) or guess
            raise TrainwatchError(f"Ultralytics has no argument {name!r}; {hint}")
    try:
        get_cfg(DEFAULT_CFG_DICT, dict(arguments))
    except (SyntaxError, TypeError, ValueError) as error:
        raise TrainwatchError(" ".join(str(error).split())) from None

"""How many epochs of a run are done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run


def saved(epoch: Any, *, source: str = "ultralytics", attempt: int = 0) -> dict[str, Any]:
    return {"kind": "checkpoint", "source": source, "epoch": epoch, "attempt": attempt}


FAILED = {"kind": "exception", "source": "recorder", "epoch": 6, "attempt": 0}


@pytest.mark.parametrize(
    ("rows", "events", "done"),
    [
        (6, [saved(5), saved(6), FAILED], 7),
        (0, [saved(0), FAILED], 1),
        (6, [saved(5), FAILED], 6),
        (6, [], 6),
        # a replay or a resumed training began again at that epoch, and has not come so far
        (6, [saved(6), {**FAILED, "attempt": 1}], 6),
        (6, [saved(9), FAILED], 6),
        # one's own loop and our own checkpoints may be written in the middle of an epoch
        (6, [saved(6, source="lightning"), FAILED], 6),
        (6, [saved(6, source="stabiliser/checkpoints"), FAILED], 6),
        (6, [saved("x"), saved(None)], 6),
    ],
)
def test_an_epoch_whose_checkpoint_was_written_is_done(rows: int, events: list[dict[str, Any]], done: int) -> None:
    epochs = {"fitness": np.zeros(rows)} if rows else None
    assert make_run(None, epochs, events=events).epochs_done == done

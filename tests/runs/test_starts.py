from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.runs.starts import Start, starts


def of(*epochs: int) -> tuple[Start, ...]:
    return starts(make_run(epochs={"epoch": np.array(epochs, np.int64)}))


def test_one_start_gaps_included() -> None:
    assert of(0, 1, 5) == (Start(0, 5, 3),)


def test_the_count_falls_or_stands_still() -> None:
    assert of(0, 1, 2, 0, 1) == (Start(0, 2, 3), Start(0, 1, 2))
    assert of(0, 1, 1, 2) == (Start(0, 1, 2), Start(1, 2, 2))


def test_a_log_without_epochs_has_none() -> None:
    assert of() == ()
    assert starts(make_run()) == ()

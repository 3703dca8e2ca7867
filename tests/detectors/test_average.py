from __future__ import annotations

from typing import Any

from synthetic import make_run

from trainwatch.detectors._average import COLUMN, has_average, spoilt_average
from trainwatch.detectors.base import View


def view(counts: list[float | None], *events: dict[str, Any]) -> View:
    return View(make_run(epochs={"ema/nonfinite": counts}, events=events), (COLUMN,))


def test_what_is_spoilt_since_when_and_its_names() -> None:
    event = {"kind": "nonfinite", "data": {"place": "average", "names": ["a", "b", "c", "d"]}}
    found = spoilt_average(view([0, 5, 0, 7], {"kind": "nonfinite", "data": {"at_step": 3, "names": ["x"]}}, event))
    assert found is not None
    assert (found.bad.first, found.bad.trailing, found.tensors) == (1, 1, 5)
    assert found.sentence() == "5 tensors of the averaged weights (EMA) hold NaN or infinity (a, b, c and others)."


def test_one_tensor_without_a_name() -> None:
    found = spoilt_average(view([0, 1], {"kind": "nonfinite", "data": {"place": "average", "names": "a"}}))
    assert found is not None
    assert found.sentence() == "1 tensor of the averaged weights (EMA) holds NaN or infinity."


def test_a_sound_one_and_none() -> None:
    assert spoilt_average(view([0, 0])) is None
    assert spoilt_average(view([None, None])) is None
    assert has_average(make_run(epochs={"ema/nonfinite": [0.0]}))
    assert not has_average(make_run(epochs={"val/box_loss": [0.0]}))

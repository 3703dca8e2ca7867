from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from trainwatch.runs import read_run
from trainwatch_hooks import Recorder
from trainwatch_hooks.trainers._ultralytics_nonfinite import NonfiniteOrigin


def test_a_trainer_without_a_loss_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A trainer of the user's own may call its optimizer step before there is a loss."""
    with Recorder(tmp_path) as recorder:
        NonfiniteOrigin(recorder, on=True).look_before_the_step(SimpleNamespace())
        assert "looking at the loss failed" in capsys.readouterr().err
        NonfiniteOrigin(recorder, on=False).look_before_the_step(SimpleNamespace())
    assert capsys.readouterr().err == ""


def test_the_images_of_a_row_that_is_not_finite_are_named(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        origin = NonfiniteOrigin(recorder, on=True)
        origin.hold({"im_file": ["a.png", "b.png"]})
        recorder.step(epoch=0, losses={"box_loss": float("nan")})
        recorder.step(epoch=0, losses={"box_loss": 1.0})
    (event,) = read_run(tmp_path).events_of("nonfinite")
    assert event["data"]["at_step"] == 0
    assert event["data"]["images"] == ["a.png", "b.png"]


def test_only_the_first_few_are_told(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        origin = NonfiniteOrigin(recorder, on=True)
        told = [origin.average_spoilt(3, ("a", "b")) for _ in range(50)]
    assert told[0]
    assert not told[-1], "an end to it"
    assert len(read_run(tmp_path).events_of("nonfinite")) == sum(told)

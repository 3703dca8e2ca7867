from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainwatch.cli import run as cli
from trainwatch.commands.resume import parse
from trainwatch.errors import TrainwatchError

pytest.importorskip("torch")
pytest.importorskip("ultralytics")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_words_become_arguments() -> None:
    words = ("lr0=1e-3", "epochs=300", "optimizer=AdamW", "cos_lr=True", "cache=none", "freeze=[1, 2]", "data=a=b.yaml")
    assert parse(words) == {
        "lr0": 0.001, "epochs": 300, "optimizer": "AdamW", "cos_lr": True, "cache": None, "freeze": [1, 2],
        "data": "a=b.yaml",
    }  # fmt: skip
    for words in (("epochs",), ("=3",), ("lr0=1", "lr0=2")):
        with pytest.raises(TrainwatchError):
            parse(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "no such folder"),
        (["."], "nothing to resume"),
        ([".", "lrr0=3"], "did you mean 'lr0'"),
        ([".", "epochs"], "write for instance epochs=300"),
        ([".", "--from", "best"], "no best checkpoint"),
        ([".", "--from", "x.pt"], "it is missing"),
    ],
)
def test_errors_are_one_line_and_exit_2(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli(["resume", *words]) == 2
    assert message in one_line(capsys)


def planned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    from trainwatch_hooks import resume

    made: list[Any] = []

    def plan(run: str, changes: dict[str, Any], source: str) -> resume.Plan:
        made.append((run, changes, source))
        state = {"next_epoch": 4, "batch": None}
        return resume.Plan(Path(run), Path(run) / "latest.pt", state, {"epochs": 9}, changes, ())

    def carry_out(what: resume.Plan) -> Any:
        import os

        print("the trainer talks")
        os.write(1, b"and so do its processes\n")
        return SimpleNamespace(epoch=8)

    monkeypatch.setattr(resume, "plan", plan)
    monkeypatch.setattr(resume, "carry_out", carry_out)
    return made


def test_json_is_alone_on_stdout(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    made = planned(monkeypatch)
    monkeypatch.setattr(sys, "stdout", open(1, "w", closefd=False))  # noqa: SIM115
    assert cli(["resume", "runs/a", "lr0=0.005", "--from", "best", "--format", "json"]) == 0
    out, err = capfd.readouterr()
    answer = json.loads(out)
    assert (answer["next_epoch"], answer["epochs_done"], answer["changes"]) == (4, 9, {"lr0": 0.005})
    assert made == [("runs/a", {"lr0": 0.005}, "best")]
    assert "the trainer talks" in err
    assert "and so do its processes" in err
    assert "resuming from latest.pt with epoch 5 of 9" in err


def test_a_running_training_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch_hooks import Recorder

    planned(monkeypatch)
    with Recorder(tmp_path / "run", report=False) as recorder:
        recorder.step(epoch=0, loss=1.0)
        assert cli(["resume", str(tmp_path / "run")]) == 2
        assert "still running" in one_line(capsys)
    assert cli(["resume", str(tmp_path / "run")]) == 0


def test_text_ends_with_the_next_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    planned(monkeypatch)
    assert cli(["resume", "runs/a"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "9 epochs done; what happened: trainwatch analyze runs/a"
    assert cli(["resume", "runs/a", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "resuming from latest.pt" in err

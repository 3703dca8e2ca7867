"""``trainwatch train``: wrong words and settings end in one line before anything starts; a real training through it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trainwatch.cli import run
from trainwatch.commands.train import _chosen

pytest.importorskip("ultralytics")


@pytest.mark.parametrize(
    ("words", "settings", "says"),
    [
        (["accumulate=4"], None, "has no argument 'accumulate'; nbs = batch x accumulate"),
        (["moasic=1.0"], None, "has no argument 'moasic'; did you mean mosaic?"),
        (["lr0=-1"], None, "'lr0=-1' is an invalid value"),
        (["nbs=3"], "accumulate: 4", "nbs=3 contradicts an effective batch"),
        (["foo"], None, "'foo' is no argument"),
        (["trian"], None, "did you mean train?"),
        (["--no-stabilise", "--stabilise", "x.yaml"], None, "contradict each other"),
        (["--stabilise", "missing.yaml"], None, "missing.yaml cannot be read"),
        (["--stabilise", "rescue,missing"], None, "rescue,missing cannot be read"),
        ([], "lr_restart: {flor: 0.1}", "no setting 'flor', did you mean 'floor'"),
        ([], "lr_restrat: true", "did you mean 'lr_restart'"),
        ([], "accumulate: -4", "accumulate is -4"),
        ([], "loss_stages: {boundaries: [0.75, 0.2]}", "overlap"),
        ([], "lr_restart: {at: 300}", "not before the end of 5 epochs"),
        ([], "all: [", "no valid YAML"),
    ],
)
def test_wrong_words_are_one_line_before_the_training(
    words: list[str], settings: str | None, says: str, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if settings is not None:
        (tmp_path / "s.yaml").write_text(settings)
        words = [*words, "--stabilise", "s.yaml"]
    argv = [
        "train",
        "--model",
        "yolo12n.yaml",
        "--data",
        str(shapes),
        "--epochs",
        "5",
        "project=runs",
        "device=cpu",
        *words,
    ]
    assert run(argv) == 2
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_model_and_data_may_be_words_and_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "model=yolo12n.yaml"]) == 2
    assert "--data is missing" in capsys.readouterr().err
    assert run(["train", "data=nowhere/d.yaml", "model=yolo12n.yaml"]) == 2
    assert "nowhere/d.yaml: no such file" in capsys.readouterr().err


def test_models_and_data_that_do_not_exist_are_said(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", "--model", "yolo13n.yaml", "--data", str(shapes)]) == 2
    assert "did you mean yolo12n.yaml or yolo11n.yaml?" in capsys.readouterr().err
    assert run(["train", "--model", "yolo12n.yaml", "--data", "nowhere/d.yaml"]) == 2
    assert "nowhere/d.yaml: no such file" in capsys.readouterr().err
    assert run(["train", "--model", "no-such.yaml", "--data", str(shapes)]) == 2
    assert "no-such.yaml: cannot be loaded" in capsys.readouterr().err


@pytest.mark.training
def test_a_real_training_with_everything_on(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from trainwatch.runs import how_it_ended, read_run
    from trainwatch_hooks.stabilisers._settings import known

    monkeypatch.chdir(tmp_path)
    words = ["--epochs", "6", "batch=8", "imgsz=64", "device=cpu", "plots=False", "name=t"]
    argv = ["train", "--model", "yolo12n.yaml", "--data", str(shapes), f"project={tmp_path / 'runs'}", *words]
    assert run(argv) == 0
    found = read_run(tmp_path / "runs" / "t")
    assert how_it_ended(found).kind == "completed"
    assert set(found.meta["stabilisers"]) == set(known())
    failed = [e["message"] for e in found.events_of("warning") if "failed and is switched off" in e["message"]]
    assert failed == []
    assert found.events_of("lr_restart")
    assert len(found.events_of("stage")) >= 3
    assert found.args["nbs"] == 32
    page = tmp_path / "runs" / "t" / "trainwatch" / "report.html"
    assert "What stabilisers did" in page.read_text()
    assert str(page) in capfd.readouterr().out


@pytest.mark.training
def test_recording_only_changes_no_argument(shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwatch.runs import read_run

    monkeypatch.chdir(tmp_path)
    words = ["--epochs", "1", "batch=16", "imgsz=64", "device=cpu", "plots=False", "name=t", "--no-stabilise"]
    assert run(["train", "--model", "yolo12n.yaml", "--data", str(shapes), f"project={tmp_path / 'runs'}", *words]) == 0
    found = read_run(tmp_path / "runs" / "t")
    assert "stabilisers" not in found.meta
    assert "nbs" not in found.requested


@pytest.mark.training
def test_a_training_that_fails_is_exit_1_with_its_own_traceback(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from trainwatch.commands import train as module

    def load(name: str) -> Any:
        model = original(name)
        model.add_callback("on_train_epoch_end", lambda trainer: 1 / 0)
        return model

    original = module.load
    monkeypatch.setattr(module, "load", load)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "YOLO_VERBOSE", "false")
    words = ["--epochs", "1", "batch=16", "imgsz=64", "device=cpu", "plots=False", "name=t"]
    assert run(["train", "--model", "yolo12n.yaml", "--data", str(shapes), f"project={tmp_path / 'runs'}", *words]) == 1
    err = capfd.readouterr().err
    assert "ZeroDivisionError" in err
    assert "internal error" not in err


def test_stabilisers_may_be_named_instead_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _chosen(None) is True
    assert _chosen("rescue") == {"rescue": True}
    assert _chosen("lr-restart, checkpoints") == {"lr_restart": True, "checkpoints": True}
    (tmp_path / "rescue").write_text("all: true")
    assert _chosen("rescue") == Path("rescue"), "a file of that name comes first"

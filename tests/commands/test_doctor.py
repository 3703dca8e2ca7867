from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shapes import make_dataset

import trainwatch
import trainwatch_hooks
from trainwatch.cli import run
from trainwatch.doctor import _gather
from trainwatch.doctor._installed import FALLBACK, Installed, package_folder


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "boxes", train=80, val=52, size=48, polygons=False)


@pytest.fixture
def polygons(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "polygons", train=80, val=52, size=48)


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict]:
    code = run(["doctor", *words, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def of(document: dict, check: str) -> list[str]:
    return [line["state"] for line in document["lines"] if line["check"] == check]


def test_boxes_against_polygons(boxes: Path, polygons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = ask(capsys, f"data={boxes}", "copy_paste=0.1", "device=cpu")
    assert code == 1
    assert of(document, "copy-paste-labels") == ["bad"]
    code, document = ask(capsys, f"data={polygons}", "copy_paste=0.1", "device=cpu")
    assert code == 0
    assert of(document, "copy-paste-labels") == ["ok"]
    assert document["facts"]["data"]["train"]["polygon_files"] == 80
    assert document["counts"]["bad"] == 0


def test_arguments_in_every_form(polygons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forms = (
        ["--data", str(polygons), "--model", "yolo12s.yaml", "--epochs", "600", "--batch", "-1", "--device", "cpu"],
        ["yolo", "detect", "train", f"data={polygons}", "model=yolo12s.yaml", "epochs=600", "batch=-1", "device=cpu"],
    )
    first, second = (ask(capsys, *words)[1] for words in forms)
    assert first["facts"]["requested"]["epochs"] == 600
    assert first["facts"]["requested"]["batch"] == -1
    assert first["facts"]["model"]["scale"] == second["facts"]["model"]["scale"] == "s"
    assert of(first, "batch-search") == of(second, "batch-search") == ["warn"]


def test_text_is_readable_and_ends_with_the_next_command(boxes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--data", str(boxes), "copy_paste=0.1", "device=cpu"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("▲ Do not start yet: 1 bad")
    assert "▲ bad copy-paste-labels" in out
    assert "type: copy_paste=0.0 mixup=0.1" in out
    assert "good (--all shows them)" in out
    last = out.rstrip().splitlines()[-1].strip()
    assert last.startswith("trainwatch doctor model=yolo12n.yaml")
    assert "copy_paste=0.0" in last
    # What it says to type is what mends it.
    assert run(last.split()[1:]) == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1].strip().startswith("trainwatch train model=yolo12n.yaml")


def test_all_shows_the_good_ones(polygons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["doctor", "--data", str(polygons), "device=cpu", "--all"])
    out = capsys.readouterr().out
    assert "● good split-overlap" in out
    assert "--all shows them" not in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["epocs=600"], "did you mean epochs"), (["batch=64", "accumulate=4"], "nbs=256"), (["mosaic_prob=0.8"], "mosaic=0.8"),
        (["epochs=many"], "whole number"), (["data=/nowhere/d.yaml"], "no such file"), (["nonsense"], "key=value"),
        (["data=3"], "path of a data.yaml"), (["cfg=/nowhere.yaml"], "cannot be read"), (["--epochs"], "needs a value"),
    ],
)  # fmt: skip
def test_usage_errors_are_one_line(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "=" in words[0] and not words[0].startswith(("data", "cfg")) and package_folder("ultralytics") is None:
        pytest.skip("Ultralytics is not installed")
    assert run(["doctor", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert says in captured.err


def test_a_malformed_description(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "d.yaml"
    file.write_text("train: [\n")
    assert run(["doctor", f"data={file}"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "not YAML" in err


@pytest.mark.parametrize(
    "text",
    [
        "path: 3\ntrain: x\nval: y\nnames: [a]\n", "path: [a]\ntrain: x\nval: [y, 3]\nnames: [a]\n",
        "train: x\nval: y\nnames: {0: [1, 2]}\n", "train: '\\e[2J'\nval: .\nnames: ['\\u202e']\n",
        "train: ''\nval: y\nnames: [a]\n", 'train: "a\\0b"\nval: y\nnames: [a]\n', "a: &a [*a]\ntrain: x\n", "\x00", "!!python/object:os.system x",
        "train: x\nval: y\nnames: [a]\nkpt_shape: [1e9, x]\n",
    ],
)  # fmt: skip
def test_odd_descriptions_are_no_internal_error(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.yaml").write_text(text)
    assert run(["doctor", f"data={tmp_path / 'd.yaml'}", "device=cpu", "--model", "yolo12n-pose.yaml"]) in (1, 2)
    captured = capsys.readouterr()
    assert "internal error" not in captured.err
    assert "\x1b" not in captured.out + captured.err


def test_broken_labels(polygons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (polygons.parent / "labels" / "train" / "0003.txt").write_text("3 0.5 0.5 0.1 0.1\n")
    code, document = ask(capsys, f"data={polygons}", "device=cpu")
    assert code == 1
    assert of(document, "label-rows") == ["bad"]


def test_without_data_and_without_a_trainer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch.doctor import _machine

    monkeypatch.setattr(_gather, "find_installed", Installed)
    monkeypatch.setattr(_machine, "versions", lambda: {"python": "3.11"})
    monkeypatch.setattr(_machine, "torch_cuda", lambda: None)
    _, document = ask(capsys, "epochs=600", "never_heard_of=3")
    assert of(document, "known-faults") == ["bad"]
    assert of(document, "torch-pair") == of(document, "label-files") == ["unknown"]
    assert document["facts"]["model"]["parameters"] is None
    assert FALLBACK["epochs"] == 100


@pytest.mark.skipif(os.name == "nt", reason="links to folders need rights on Windows")
def test_a_base_install(tmp_path: Path, boxes: Path) -> None:
    """The real thing, in a Python that sees everything but torch and Ultralytics."""
    import click

    installed = Path(click.__file__).parents[1]
    bare = tmp_path / "bare"
    bare.mkdir()
    for entry in installed.iterdir():
        if not entry.name.lower().startswith(("torch", "ultralytics", "__editable__")):
            (bare / entry.name).symlink_to(entry)
    roots = [str(Path(m.__file__ or "").parents[1]) for m in (trainwatch, trainwatch_hooks)]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "trainwatch", "doctor", f"data={boxes}", "copy_paste=0.1", "device=cpu"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join([*roots, str(bare)])}, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 1
    assert "▲ bad copy-paste-labels" in done.stdout
    assert "▲ bad known-faults  Ultralytics is not installed here" in done.stdout
    assert "○ could not tell torch-pair  torch and torchvision not installed here" in done.stdout


def test_fast_and_light(polygons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    start = time.monotonic()
    run(["doctor", "--data", str(polygons), "device=cpu"])
    assert time.monotonic() - start < 3.0
    assert not {"torch", "ultralytics"} & (set(sys.modules) - before)
    capsys.readouterr()


def test_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "shared-memory"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("shared-memory")
    assert "References:" in out
    assert run(["explain", "shared-memry"]) == 2
    assert "did you mean shared-memory" in capsys.readouterr().err

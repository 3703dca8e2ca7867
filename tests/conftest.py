"""Fixtures for tests that need a real training."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker per core runs trainings; read when PyTorch is imported

# The same examples each time, so that a change is judged and not its luck; `--hypothesis-profile=default` explores.
settings.register_profile("same", derandomize=True, database=None)
settings.load_profile("same")

TINY: dict[str, Any] = {
    "device": "cpu",
    "imgsz": 64,
    "batch": 16,
    "nbs": 16,
    "optimizer": "SGD",
    "epochs": 2,
    "patience": 0,
    "seed": 0,
    "plots": False,
    "save": False,
    "verbose": False,
    "workers": 0,
    "name": "train",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one flag that changes golden files."""
    parser.addoption(
        "--rebaseline",
        action="store_true",
        help="write sample_runs/*/expected.json and the output shown in README.md from what is found now",
    )


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data.yaml of a generated data set with polygon labels: 32 training and 16 validation images of 64 pixels."""
    pytest.importorskip("ultralytics")
    from shapes import make_dataset

    return make_dataset(tmp_path_factory.mktemp("shapes"), train=32, val=16, size=64)


@pytest.fixture
def train(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[..., Any]:
    """Train YOLO12n for real, watched or bare, and return its trainer: ``train(stabilise=..., callbacks={}, **args)``.

    An argument that is None is left to Ultralytics. What comes after the last epoch (best.pt is loaded and validated once more)
    is left out, and no operation is counted, except with the mark ``whole``: that is a third of such a short training. A quarter
    of each epoch is its checkpoint: only the last epoch's is written, ``save=True`` where the others are wanted.
    """
    monkeypatch.chdir(tmp_path)
    if request.node.get_closest_marker("whole") is None:
        import ultralytics.utils.torch_utils
        from ultralytics.engine.trainer import BaseTrainer

        monkeypatch.setattr(BaseTrainer, "final_eval", lambda trainer: None)
        monkeypatch.setattr(ultralytics.utils.torch_utils, "get_flops", lambda *args, **kwargs: 0.0)

    def run(
        *,
        watched: bool = True,
        stabilise: Any = None,
        probes: Any = None,
        callbacks: dict[str, Any] | None = None,
        model: str = "yolo12n.yaml",
        **args: Any,
    ) -> Any:
        from ultralytics import YOLO

        from trainwatch_hooks import watch

        yolo = YOLO(model)
        for event, callback in (callbacks or {}).items():
            yolo.add_callback(event, callback)
        if watched:
            watch(yolo, stabilise=stabilise, probes=probes, report=args.pop("report", False))
        given = {"data": str(shapes), **TINY, "project": str(tmp_path / "runs"), **args}
        yolo.train(**{k: v for k, v in given.items() if v is not None})
        return yolo.trainer

    return run

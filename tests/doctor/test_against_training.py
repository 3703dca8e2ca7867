"""What the checks compute beforehand is what a real training then does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainwatch.doctor._gather import gather
from trainwatch.doctor.checkpoint_disk import CheckpointDisk
from trainwatch.doctor.optimizer_choice import OptimizerChoice

pytestmark = pytest.mark.training


@pytest.mark.parametrize("optimizer", ["auto", "SGD", "MuSGD"])
def test_batches_optimizer_and_checkpoint(optimizer: str, shapes: Path, train: Callable[..., Any]) -> None:
    seen: dict[str, Any] = {}

    def at_start(trainer: Any) -> None:
        seen.update(
            batches=len(trainer.train_loader), accumulate=trainer.accumulate, optimizer=trainer.args.optimizer, lr0=trainer.args.lr0,
            weights=sum(p.numel() for p in trainer.model.parameters()), val_batch=trainer.test_loader.batch_size,
            workers=trainer.train_loader.num_workers,
        )  # fmt: skip

    def at_save(trainer: Any) -> None:
        seen["bytes"] = os.path.getsize(trainer.last)

    args = {"batch": 8, "nbs": 16, "optimizer": optimizer, "epochs": 1, "imgsz": 64, "workers": 0, "device": "cpu"}
    train(watched=False, callbacks={"on_train_start": at_start, "on_model_save": at_save}, **args)
    about = gather({"data": str(shapes), "model": "yolo12n.yaml", **args})
    assert about.batches_per_epoch == seen["batches"]
    assert about.accumulate == seen["accumulate"]
    assert about.workers_per_rank() == seen["workers"]
    assert seen["val_batch"] == 16, "twice the training's, as validation-memory says"
    if optimizer == "auto":
        choice, _ = OptimizerChoice().choice(about)
        assert choice == (seen["optimizer"], pytest.approx(seen["lr0"]))
    # The model file states the weights for 80 classes; this data set has 3.
    assert about.model.parameters == pytest.approx(seen["weights"], rel=0.05)
    per_weight = CheckpointDisk().bytes_per_weight(seen["optimizer"])
    assert seen["bytes"] == pytest.approx(seen["weights"] * per_weight, rel=0.15)

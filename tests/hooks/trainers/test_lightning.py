"""Real trainings with Lightning on a CPU."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
lightning = pytest.importorskip("lightning.pytorch")

from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks.trainers.lightning import TrainwatchCallback

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]


class Net(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self, fail_at: int = -1) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.fail_at = fail_at

    def training_step(self, batch: Any, index: int) -> Any:
        if self.global_step == self.fail_at:
            raise ValueError("on purpose")
        loss = self.layer(batch[0]).square().mean()
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val_loss", self.layer(batch[0]).square().mean())
        self.log("score", 0.5)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def fit(folder: Path, watched: bool = True, fail_at: int = -1, **given: Any) -> Any:
    lightning.seed_everything(0, verbose=False)
    data = torch.utils.data.TensorDataset(torch.randn(32, 4))
    loader = torch.utils.data.DataLoader(data, batch_size=8)
    net = Net(fail_at)
    trainer = lightning.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=folder, enable_checkpointing=False,
        callbacks=[TrainwatchCallback(folder / "run", report=False)] if watched else [],
        **given,
    )  # fmt: skip
    trainer.fit(net, loader, loader)
    return net


def test_what_is_recorded_and_the_weights_are_the_same(tmp_path: Path) -> None:
    bare = fit(tmp_path / "bare", watched=False, gradient_clip_val=0.1)
    net = fit(tmp_path, gradient_clip_val=0.1)
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), net.parameters(), strict=True))
    run = read_run(tmp_path / "run")
    steps = run.steps
    assert steps[["epoch", "batch"]].to_numpy().tolist() == [[e, b] for e in range(3) for b in range(4)]
    assert steps["loss"].notna().all()
    assert steps["grad_norm"].max() > 0.1, "before clipping"
    assert steps["lr/pg0"].tolist() == [0.1] * 12
    assert steps["batch_size"].tolist() == [8] * 12
    assert (steps["step_s"] > 0).all()
    assert run.epochs["epoch"].tolist() == [0, 1, 2]
    assert run.epochs["val/val_loss"].notna().all()
    assert run.epochs["metrics/score"].tolist() == [0.5] * 3
    assert how_it_ended(run).kind == "completed"
    assert run.meta["trainer"] == "lightning"
    assert run.meta["dataset"]["val_images_trained_on"] == run.meta["dataset"]["val_images"] == 32, (
        "one loader serves both"
    )


def test_accumulation(tmp_path: Path) -> None:
    fit(tmp_path, accumulate_grad_batches=2)
    steps = read_run(tmp_path / "run").steps
    assert steps["optimizer_stepped"].tolist() == [False, True] * 6
    assert steps["grad_norm"].notna().sum() == 6
    first = steps["loss"].iloc[0]
    assert first == pytest.approx(steps["loss/train_loss_step"].iloc[0], rel=1e-5), "not divided by the accumulation"


def test_an_exception_is_recorded_and_passes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on purpose"):
        fit(tmp_path, fail_at=5)
    run = read_run(tmp_path / "run")
    assert how_it_ended(run).kind == "exception"
    assert len(run.steps) == 5


def test_it_pickles(tmp_path: Path) -> None:
    callback = TrainwatchCallback(tmp_path)
    callback.recorder = object()  # type: ignore[assignment]
    assert pickle.loads(pickle.dumps(callback)).recorder is None


def test_probes_are_switched(tmp_path: Path) -> None:
    def columns(name: str, probes: Any) -> set[str]:
        lightning.seed_everything(0, verbose=False)
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(32, 4)), batch_size=8)
        callback = TrainwatchCallback(tmp_path / name, report=False, probes=probes)
        lightning.Trainer(
            max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
            default_root_dir=tmp_path, enable_checkpointing=False, callbacks=[callback],
        ).fit(Net(), loader)  # fmt: skip
        return set(read_run(tmp_path / name).steps)

    every = columns("all", None)
    assert {"update_ratio", "update_ratio/pg0", "grad_norm", "lr/pg0", "loss", "batch_size", "step_s"} <= every
    for name, gone in {
        "update_ratio": {"update_ratio", "update_ratio/pg0"},
        "grad_norm": {"grad_norm"},
        "learning_rate": {"lr/pg0", "momentum"},
        "losses": {c for c in every if c.startswith("loss")},
        "batch": {"batch_size"},
        "throughput": {"time_s", "data_s", "step_s"},
    }.items():
        assert every - columns(name, {name: False}) == gone, name
    with pytest.raises(ValueError, match="there is no probe 'x'"):
        TrainwatchCallback(tmp_path, probes={"x"})


def test_updates_are_those_of_the_weights(tmp_path: Path) -> None:
    fit(tmp_path)
    series = read_run(tmp_path / "run").step_series("update_ratio")
    assert series.step.tolist() == [0, 10]
    assert (series.values > 0).all()

"""Real trainings with Hugging Face's Trainer on a CPU: a tiny random model, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks.trainers.transformers import record

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
        out = self.layer(x)
        return {"loss": (out.squeeze(-1) - labels).square().mean(), "logits": out}


def fit(folder: Path, watched: bool = True, probes: Any = None, **given: Any) -> Any:
    generator = torch.Generator().manual_seed(1)
    data = [{"x": torch.randn(4, generator=generator), "labels": torch.tensor(float(i % 3))} for i in range(32)]
    args = transformers.TrainingArguments(
        output_dir=str(folder), num_train_epochs=2, per_device_train_batch_size=8, learning_rate=0.1, max_grad_norm=0.1,
        report_to=[], use_cpu=True, save_strategy="no", eval_strategy="epoch", disable_tqdm=True, seed=0, **given,
    )  # fmt: skip
    trainer = transformers.Trainer(model=Net(), args=args, train_dataset=data, eval_dataset=data[:8])
    if watched:
        record(trainer, folder / "run", report=False, probes=probes)
    trainer.train()
    return trainer.model


def test_what_is_recorded_and_the_weights_are_the_same(tmp_path: Path) -> None:
    bare = fit(tmp_path / "bare", watched=False)
    model = fit(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), model.parameters(), strict=True))
    run = read_run(tmp_path / "run")
    steps = run.steps
    assert steps[["epoch", "batch"]].to_numpy().tolist() == [[e, b] for e in range(2) for b in range(4)]
    assert steps["loss"].notna().all()
    assert steps["grad_norm"].max() > 0.1, "before clipping"
    assert "lr/pg0" in steps
    assert run.epochs["epoch"].tolist() == [0, 1]
    assert run.epochs["val/eval_loss"].notna().all()
    assert how_it_ended(run).kind == "completed"
    assert run.planned_epochs == 2
    assert run.meta["trainer"] == "transformers"


def test_accumulation(tmp_path: Path) -> None:
    fit(tmp_path, gradient_accumulation_steps=2)
    steps = read_run(tmp_path / "run").steps
    assert steps["optimizer_stepped"].tolist() == [False, True] * 4
    assert steps["grad_norm"].notna().sum() == 4


def test_what_is_no_trainer_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        record(3)


def test_probes_are_switched(tmp_path: Path) -> None:
    every = set(read_run(_recorded(tmp_path / "all", None)).steps)
    assert {"update_ratio", "update_ratio/pg0", "grad_norm", "lr/pg0", "loss", "batch_size", "step_s"} <= every
    for name, gone in {
        "update_ratio": {c for c in every if c.startswith("update_ratio")},
        "grad_norm": {"grad_norm"},
        "learning_rate": {c for c in every if c.startswith(("lr/", "momentum"))},
        "losses": {"loss"},
        "batch": {"batch_size"},
        "host_memory": {"rss_bytes"},
    }.items():
        assert every - set(read_run(_recorded(tmp_path / name, {name: False})).steps) == gone, name
    series = read_run(_recorded(tmp_path / "often", {"update_ratio": 2})).step_series("update_ratio")
    assert series.step.tolist() == [0, 2, 4, 6]
    assert (series.values > 0).all()
    with pytest.raises(ValueError, match="there is no probe 'x'"):
        _recorded(tmp_path / "wrong", ["x"])


def _recorded(folder: Path, probes: Any) -> Path:
    fit(folder, probes=probes)
    return folder / "run"

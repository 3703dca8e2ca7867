"""A trainer of one linear layer, with everything that a checkpoint takes from Ultralytics' trainer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trainwatch_hooks.stabilisers.base import Control


class Events:
    """Stands for the recording: keeps the events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.recorder = self
        self.meta: dict[str, Any] = {}

    def event(self, kind: str, message: str = "", *, source: str = "", **data: Any) -> None:
        self.events.append({"kind": kind, "message": message, "source": source, **data})

    def update_meta(self, **entries: Any) -> None:
        self.meta.update(entries)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["kind"] == kind]


def make_control(run: Path, *, epochs: int = 10, batches: int = 3, seed: int = 0, lr0: float = 0.1) -> Control:
    """A training that is set up, in a folder that exists."""
    import torch
    from ultralytics.data.build import InfiniteDataLoader
    from ultralytics.utils.torch_utils import EarlyStopping, ModelEMA

    torch.manual_seed(seed)
    run.mkdir(parents=True, exist_ok=True)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr0, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: 1 - e / epochs)
    scheduler.last_epoch = -1  # as the trainer does; it steps at the start of an epoch
    generator = torch.Generator()
    generator.manual_seed(seed)
    data = torch.utils.data.TensorDataset(torch.arange(4.0 * batches).reshape(-1, 1))
    args = SimpleNamespace(
        task="detect", epochs=epochs, batch=4, lr0=lr0, close_mosaic=0, time=None, seed=seed, patience=0, model="m.yaml",
        data="d.yaml", save=True,
    )  # fmt: skip
    trainer = SimpleNamespace(
        args=args, model=model, ema=ModelEMA(model), optimizer=optimizer, scheduler=scheduler,
        scaler=torch.amp.GradScaler("cpu", enabled=False), stopper=EarlyStopping(0), stop=False, epoch=0, epochs=epochs,
        fitness=None, best_fitness=None, metrics={}, loss_names=("box_loss",), csv=run / "results.csv", world_size=0,
        train_loader=InfiniteDataLoader(data, batch_size=4, shuffle=True, generator=generator), accumulate=1,
        start_epoch=0, nan_recovery_attempts=0, save_dir=run,
    )  # fmt: skip
    return Control(trainer, Events(), run / "trainwatch")


def train_step(control: Control, *, step: bool = True) -> None:
    """One micro-batch; the optimizer moves only if asked to."""
    import torch

    trainer = control.trainer
    control.batch += 1
    trainer.model(torch.randn(5, 4)).square().sum().backward()
    if step:
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        trainer.ema.update(trainer.model)
        control.last_step = control.iteration

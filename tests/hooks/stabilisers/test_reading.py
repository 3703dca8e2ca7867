"""What a step shows, in one piece, and what the schedule allows."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from trainwatch_hooks.stabilisers._reading import agreed, clipped_norm, loss_items, read, scheduled_lr

ARGS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, task="detect", warmup_epochs=3.0, warmup_bias_lr=0.1)


def make_trainer(items: Any, loss: float = 1.0) -> Any:
    return SimpleNamespace(
        loss=torch.tensor(loss), loss_items=items, loss_names=("box_loss", "cls_loss", "dfl_loss"), args=ARGS,
        batch_size=16,
    )  # fmt: skip


def test_losses_are_divided_by_the_gains_and_the_norm_by_the_images() -> None:
    first = make_trainer({"box_loss": torch.tensor(15.0), "cls_loss": torch.tensor(1.0), "dfl_loss": torch.tensor(3.0)})
    last = make_trainer(torch.tensor([7.5, 0.5, 1.5]))  # before 8.4.104 a tensor
    found = read(last, [loss_items(first), loss_items(last)], torch.tensor(64.0), torch.tensor(5.0), False)
    assert found.losses == [6.0, 3.0]
    assert (found.norm, found.statistics, found.level) == (2.0, 5.0, 4.5)


def test_a_total_that_is_not_finite_counts_where_the_components_are() -> None:
    trainer = make_trainer({"box_loss": torch.tensor(1.0)}, loss=math.nan)
    found = read(trainer, [loss_items(trainer)], torch.tensor(1.0), torch.tensor(0.0), False)
    assert math.isnan(found.level)


def test_a_trainer_without_components_is_read_by_its_loss() -> None:
    trainer = make_trainer(None, loss=3.0)
    assert read(trainer, [loss_items(trainer)], torch.tensor(1.0), torch.tensor(0.0), False).losses == [3.0]


def test_the_norm_without_a_record() -> None:
    model = torch.nn.Linear(2, 1)
    assert clipped_norm(model) == 0
    model(torch.ones(1, 2)).sum().backward()
    assert clipped_norm(model).item() == pytest.approx(math.sqrt(3))
    model.weight.grad[0, 0] = math.nan
    assert not clipped_norm(model).isfinite()


def test_the_schedule_and_the_warm_up_of_biases() -> None:
    groups = [{"param_group": "weight"}, {"param_group": "bias"}]
    trainer = SimpleNamespace(
        lf=lambda e: 1 - e / 100, epoch=50, args=ARGS, train_loader=[0] * 100,
        optimizer=SimpleNamespace(param_groups=groups),
    )  # fmt: skip
    assert scheduled_lr(trainer, 5000, [0.02, 0.01]) == [0.01, 0.005]
    trainer.epoch = 0
    assert scheduled_lr(trainer, 150, [0.02, 0.01]) == pytest.approx([0.01, 0.055])
    assert scheduled_lr(trainer, 300, [0.02, 0.01]) == [0.02, 0.01]
    trainer._get_warmup_iterations = lambda batches: 2 * batches
    assert scheduled_lr(trainer, 150, [0.02, 0.01]) == pytest.approx([0.015, 0.0325])
    assert scheduled_lr(trainer, 201, [0.02, 0.01]) == [0.02, 0.01]
    for group in groups:
        del group["param_group"]
    assert scheduled_lr(trainer, 0, [0.02, 0.01]) == [0.1, 0.0]


RANK = """
import json, sys, torch
from torch import distributed as dist
from trainwatch_hooks.stabilisers._reading import agreed
rank, store = int(sys.argv[1]), dist.FileStore(sys.argv[2], 2)
dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
mine = [[1.0, float("nan"), 3.0, float("inf")], [2.0, 2.0, 1.0, 1.0]][rank]
print(json.dumps([None if v != v else v for v in agreed(torch.tensor(mine), True).tolist()]))
dist.destroy_process_group()
"""


@pytest.mark.training
def test_ranks_agree_on_the_largest_and_on_what_is_not_finite(tmp_path: Path) -> None:
    assert agreed(torch.tensor([1.0, math.nan]), False)[0] == 1.0
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE, text=True
        )
        for rank in (0, 1)
    ]
    found = [json.loads(r.communicate(timeout=120)[0].splitlines()[-1]) for r in ranks]
    assert found == [[2.0, None, 3.0, None]] * 2

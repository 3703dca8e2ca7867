from __future__ import annotations

import pytest

from trainwatch_hooks.probes import learning_rate

torch = pytest.importorskip("torch")


def test_every_group_and_momentum() -> None:
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    sgd = torch.optim.SGD([{"params": weights[:1], "lr": 0.1}, {"params": weights[1:], "lr": 0.2}], momentum=0.9)
    assert learning_rate.read(sgd) == {"lr/pg0": 0.1, "lr/pg1": 0.2, "momentum": 0.9}


def test_adam_has_beta1() -> None:
    adam = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=torch.tensor(0.25), betas=(0.8, 0.99))
    assert learning_rate.read(adam) == {"lr/pg0": 0.25, "momentum": 0.8}

"""Planted faults, each of which must be named, and a model that stays as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from trainwatch_hooks.probes.nonfinite import Origin, trace, untouched

IMAGES = tuple(f"images/{i}.jpg" for i in range(4))


class Half(torch.nn.Module):
    """Rounds to half precision as autocast would."""

    def forward(self, x: Any) -> Any:
        return x.half().float()


class Bad(torch.autograd.Function):
    """Finite forward, a backward that is not: what a square root does at 0."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 1.0

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return gradient / 0.0


class Root(torch.nn.Module):
    """A module around it."""

    def forward(self, x: Any) -> Any:
        return Bad.apply(x)


def net(*middle: Any) -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), *middle, torch.nn.ReLU(inplace=True), torch.nn.Dropout(0.5), torch.nn.Flatten(),
        torch.nn.Linear(4 * 36, 2),
    )  # fmt: skip


def batch() -> dict[str, Any]:
    return {"img": torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)), "im_file": IMAGES}


def find(model: Any, data: dict[str, Any], spoil: Callable[[Mapping[str, Any]], Any] | None = None) -> Origin:
    def loss() -> Any:
        out = model(data["img"])
        terms = {"a_loss": out[:, 0].square().mean(), "b_loss": out[:, 1].abs().mean()}
        terms = spoil(terms) if spoil else terms
        return sum(terms.values()), terms

    return trace(model, data, loss, IMAGES)


def input_nan() -> tuple[Origin, str, str]:
    data = batch()
    data["img"][2, 1, 0, 0] = math.nan
    return find(net(), data), "input", "img[2]"


def input_inf() -> tuple[Origin, str, str]:
    data = batch()
    data["img"][0] = math.inf
    return find(net(), data), "input", "img[0]"


def weight_nan() -> tuple[Origin, str, str]:
    model = net()
    model[5].weight.data[1, 3] = math.nan
    return find(model, batch()), "weight", "5.weight"


def weight_bias_inf() -> tuple[Origin, str, str]:
    model = net()
    model[0].bias.data[1] = -math.inf
    return find(model, batch()), "weight", "0.bias"


def buffer_nan() -> tuple[Origin, str, str]:
    model = net()
    model[1].running_var[0] = math.nan
    return find(model, batch()), "weight", "1.running_var"


def half_overflow() -> tuple[Origin, str, str]:
    model = net(Half())
    model[1].weight.data *= 1e6
    return find(model, batch()), "module", "2"


def float_overflow() -> tuple[Origin, str, str]:
    model = net()
    model[0].weight.data *= 1e38
    data = batch()
    data["img"] *= 1e6
    return find(model, data), "module", "0"


def loss_log() -> tuple[Origin, str, str]:
    return find(net(), batch(), lambda t: {**t, "b_loss": (t["b_loss"] * 0).log()}), "loss term", "b_loss"


def loss_ratio() -> tuple[Origin, str, str]:
    return find(net(), batch(), lambda t: {**t, "a_loss": t["a_loss"] * 0 / (t["a_loss"] * 0)}), "loss term", "a_loss"


def gradient_root() -> tuple[Origin, str, str]:
    return find(net(Root()), batch()), "gradient", "2"


CASES = (
    input_nan, input_inf, weight_nan, weight_bias_inf, buffer_nan, half_overflow, float_overflow, loss_log, loss_ratio,
    gradient_root,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_origin_is_named(case: Callable[[], tuple[Origin, str, str]]) -> None:
    origin, place, name = case()
    assert (origin.place, origin.name) == (place, name), origin.detail
    assert origin.images
    if case is input_nan:
        assert origin.images == ("images/2.jpg",)
    assert origin.event()["images"] == list(origin.images)


def test_nothing_wrong_is_said() -> None:
    assert find(net(), batch()).place == "unknown"


def test_the_model_and_chance_stay_as_they_were() -> None:
    import random

    import numpy as np

    model = net()
    model(batch()["img"]).sum().backward()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    grads = [p.grad.clone() for p in model.parameters()]

    def chances() -> tuple[Any, ...]:
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index, union-attr]

    before = chances()
    find(model, batch())
    assert chances() == before
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert all(torch.equal(g, p.grad) for g, p in zip(grads, model.parameters(), strict=True))
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    with pytest.raises(RuntimeError), untouched(model):
        model(torch.ones(1, 1))
    assert chances() == before

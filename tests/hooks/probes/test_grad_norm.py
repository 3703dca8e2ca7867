from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from trainwatch_hooks.probes.grad_norm import GradNorm, MixedGradients, layer_of, stock_clip_arguments


def model_with_gradients(seed: int = 0, scale: float = 1.0) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.Linear(16, 4))
    (model(torch.randn(32, 8)) ** 2).sum().mul(scale).backward()
    return model


@pytest.mark.parametrize("max_norm", [10.0, 1e-3, 1e9])
@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e12])
def test_clipped_gradients_are_bit_identical_to_the_stock_ones(max_norm: float, scale: float) -> None:
    stock, ours = model_with_gradients(scale=scale), model_with_gradients(scale=scale)
    expected = torch.nn.utils.clip_grad_norm_(stock.parameters(), max_norm=max_norm)
    total = GradNorm(ours.named_parameters()).clip(max_norm)
    assert torch.equal(total, expected)
    for a, b in zip(stock.parameters(), ours.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_gradients_are_clipped_like_stock_and_blamed_on_their_layer(bad: float) -> None:
    stock, ours = model_with_gradients(), model_with_gradients()
    for m in (stock, ours):
        m[2].weight.grad[0, 0] = bad
    torch.nn.utils.clip_grad_norm_(stock.parameters(), max_norm=10.0)
    norms = GradNorm(ours.named_parameters())
    norms.clip(10.0)
    for a, b in zip(stock.parameters(), ours.parameters(), strict=True):
        assert torch.equal(a.grad.nan_to_num(nan=-7.0), b.grad.nan_to_num(nan=-7.0))
    total, vector = norms.take()
    assert not math.isfinite(float(total))
    assert dict(zip(vector[0], [math.isfinite(v) for v in vector[1].tolist()], strict=True)) == {
        "grad_norm/0": True,
        "grad_norm/1": True,
        "grad_norm/2": False,
    }


def test_layer_norms_are_the_parts_of_the_total() -> None:
    model = model_with_gradients()
    expected = [math.sqrt(sum(float(p.grad.double().pow(2).sum()) for p in layer.parameters())) for layer in model]
    norms = GradNorm(model.named_parameters())
    norms.clip(10.0)
    total, (columns, values) = norms.take()
    assert columns == ["grad_norm/0", "grad_norm/1", "grad_norm/2"]
    assert values.tolist() == pytest.approx(expected, rel=1e-5)
    assert math.hypot(*values.tolist()) == pytest.approx(float(total), rel=1e-5)
    assert norms.take() == (None, None), "norms are of one step only"


def test_parameters_without_gradient_follow_freezing() -> None:
    model = model_with_gradients()
    norms = GradNorm(model.named_parameters())
    norms.clip(10.0)
    model[0].weight.grad = model[0].bias.grad = None
    norms.clip(10.0)
    _, (_, values) = norms.take()
    assert values.tolist()[0] == 0.0
    assert values.tolist()[2] > 0.0


def test_mixed_types_are_left_to_the_stock_clip_untouched() -> None:
    model = model_with_gradients()
    before = [p.grad.clone() for p in model.parameters()]
    model[2].to(torch.float64)
    model[2].weight.grad = before[4].double()
    with pytest.raises(MixedGradients):
        GradNorm(model.named_parameters()).clip(1e-3)
    assert torch.equal(model[0].weight.grad, before[0])


def test_each_norm_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = torch._foreach_norm, []

    def counting(tensors, *args):
        calls.append(len(tensors))
        return real(tensors, *args)

    model = model_with_gradients()
    monkeypatch.setattr(torch, "_foreach_norm", counting)
    GradNorm(model.named_parameters()).clip(10.0)
    assert calls == [len(list(model.parameters()))]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.4.attn.qkv.conv.weight", "model.4"),
        ("module.model.21.cv3.0.weight", "model.21"),
        ("_orig_mod.fc1.bias", "fc1"),
        ("model.weight", "model"),
        ("weight", "weight"),
    ],
)
def test_layer_names(name: str, layer: str) -> None:
    assert layer_of(name) == layer


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((10.0,), {}, 10.0),
        ((), {"max_norm": 5}, 5.0),
        ((10.0, 2.0), {}, 10.0),
        ((10.0, 1.0), {}, None),
        ((10.0,), {"error_if_nonfinite": True}, None),
        ((10.0,), {"foreach": False}, None),
        ((), {}, None),
    ],
)
def test_only_the_plain_clip_is_taken_over(args, kwargs, expected) -> None:
    assert stock_clip_arguments(args, kwargs) == expected

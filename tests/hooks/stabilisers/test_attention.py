"""attention: same numbers as the stock forward, on the class for as long as a training runs, nothing of ours in files."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from ultralytics.nn.modules.block import AAttn
from ultralytics.nn.modules.conv import Conv

from trainwatch_hooks.stabilisers import attention
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.attention import Attention, Settings, agrees, find_flash, fused, same_formula
from trainwatch_hooks.stabilisers.base import Control, SettingsError

STOCK = AAttn.forward
TOLERANCE = 1e-5


class Authors(torch.nn.Module):
    """The layout of the YOLOv12 repository: queries and keys together, values apart, a 5 x 5 position encoding."""

    def __init__(self, dim: int, num_heads: int, area: int = 1) -> None:
        super().__init__()
        self.area, self.num_heads, self.head_dim = area, num_heads, dim // num_heads
        self.qk = Conv(dim, 2 * dim, 1, act=False)
        self.v = Conv(dim, dim, 1, act=False)
        self.pe = Conv(dim, dim, 5, 1, 2, g=dim, act=False)
        self.proj = Conv(dim, dim, 1, act=False)

    def forward(self, x: Any) -> Any:
        b, c, h, w = x.shape
        split = (b, self.area, h * w // self.area, self.num_heads, self.head_dim)
        q, k = (t.reshape(split) for t in self.qk(x).flatten(2).mT.split(c, dim=2))
        values = self.v(x)
        v = values.flatten(2).mT.reshape(split)
        weights = torch.einsum("banhd,bamhd->bahnm", q, k).div(self.head_dim**0.5).softmax(-1)
        mixed = torch.einsum("bahnm,bamhd->banhd", weights, v).reshape(b, h * w, c).mT.reshape(b, c, h, w)
        return self.proj(mixed + self.pe(values))


Authors.__name__ = "AAttn"


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    if AAttn.forward is not STOCK:
        gc.collect()  # an earlier test's trainer, not collected yet, holds the patch; collecting takes half a second
    yield
    assert AAttn.forward is STOCK, "the class is as Ultralytics made it"


def both(module: Any, x: Any, ours: Callable[[Any, Any], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Output, gradients and running statistics after one training step of the module, stock and ours."""
    results = []
    for forward in (type(module).forward, ours):
        twin, leaf = copy.deepcopy(module).train(), x.clone().requires_grad_()
        out = forward(twin, leaf)
        ramp = torch.linspace(-1, 1, out.numel(), device=out.device).view(out.shape)
        ((out * ramp).sum() / out.numel() ** 0.5).backward()  # gradients of the order of 1
        grads = {name: p.grad for name, p in twin.named_parameters()}
        results.append({"out": out.detach(), "x": leaf.grad, **grads, **dict(twin.named_buffers())})
    return results[0], results[1]


def worst(stock: dict[str, Any], ours: dict[str, Any]) -> float:
    """Largest difference: gradients in units of the step's largest one, outputs and statistics in units of their own."""
    own = {n for n in stock if n == "out" or "running" in n}
    largest = max(float(v.abs().max()) for n, v in stock.items() if n not in own and "num_batches" not in n)
    return max(
        float((ours[n] - stock[n]).abs().max()) / (float(stock[n].abs().max()) if n in own else largest) for n in stock
    )


@pytest.mark.parametrize("kind", [AAttn, Authors])
@pytest.mark.parametrize("channels_last", [None, False], ids=["cpu form", "gpu form"])
@pytest.mark.parametrize("format_", [torch.contiguous_format, torch.channels_last], ids=["nchw", "nhwc"])
@pytest.mark.parametrize(
    ("heads", "area", "size"), [(2, 4, (6, 6)), (2, 4, (20, 16)), (4, 1, (3, 3)), (4, 1, (20, 12))]
)
def test_outputs_gradients_and_statistics_are_the_stock_ones(
    kind: type, channels_last: bool | None, format_: Any, heads: int, area: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    module, x = kind(32 * heads, heads, area), torch.randn(3, 32 * heads, *size).contiguous(memory_format=format_)
    stock, ours = both(module, x, lambda m, x: fused(m, x, channels_last=channels_last))
    assert worst(stock, ours) < TOLERANCE
    if format_ is torch.contiguous_format:
        assert ours["out"].is_contiguous()


def test_difference_at_640_pixels_is_float32_noise() -> None:
    torch.manual_seed(0)
    stock, ours = both(AAttn(64, 2, 4), torch.randn(2, 64, 40, 40), fused)
    assert worst(stock, ours) < TOLERANCE


def test_gradient_of_a_single_image_is_the_numeric_one() -> None:
    # Not compared with stock: there, torch 2.14 returns a wrong gradient for one image in four areas.
    torch.manual_seed(0)
    module, x = AAttn(64, 2, 4).double().train(), torch.randn(1, 64, 8, 8, dtype=torch.float64)
    weights, direction = torch.randn_like(x), torch.randn_like(x)
    leaf = x.clone().requires_grad_()
    (fused(module, leaf) * weights).sum().backward()
    above, below = ((fused(module, x + d * direction) * weights).sum().item() for d in (1e-5, -1e-5))
    assert float((leaf.grad * direction).sum()) == pytest.approx((above - below) / 2e-5, rel=1e-5)


@pytest.mark.parametrize("kind", [AAttn, Authors])
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("batch", "area"), [(1, 1), (1, 4), (2, 1), (2, 4)])
def test_the_kernel_gets_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, kind: type, channels_last: bool, batch: int, area: int
) -> None:
    seen: list[Any] = []
    attend = attention._attend
    monkeypatch.setattr(attention, "_attend", lambda *a: seen.append(a) or attend(*a))
    fused(kind(64, 2, area), torch.randn(batch, 64, 8, 8), channels_last=channels_last)
    ((q, k, v, _),) = seen
    assert {t.stride(-1) for t in (q, k, v)} == {1}, "else PyTorch falls back to the stored map"
    assert {tuple(t.shape) for t in (q, k, v)} == {(batch * area, 64 // area, 2, 32)}


def test_half_precision_under_autocast() -> None:
    torch.manual_seed(0)
    module, x = AAttn(64, 2, 4), torch.randn(2, 64, 16, 16)
    exact = STOCK(copy.deepcopy(module), x)
    with torch.autocast("cpu", torch.bfloat16):
        stock, ours = STOCK(copy.deepcopy(module), x), fused(copy.deepcopy(module), x)
    assert ours.dtype == stock.dtype
    assert (ours - exact).abs().mean() < 1.5 * (stock - exact).abs().mean()


def test_the_map_of_all_pairs_is_not_kept_for_the_backward_pass() -> None:
    module, x = AAttn(64, 2, 1), torch.randn(1, 64, 32, 32)
    positions = 32 * 32

    def largest_kept(forward: Callable[[Any, Any], Any]) -> int:
        kept: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
            forward(module, x.clone().requires_grad_())
        return max(kept)

    assert largest_kept(STOCK) >= 2 * positions**2
    assert largest_kept(fused) <= 3 * 64 * positions


def test_recognises_the_formula_and_leaves_others_alone() -> None:
    class Other(AAttn):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return STOCK(self, x) * 1.01

    assert same_formula(AAttn(64, 2, 4), STOCK)
    assert same_formula(AAttn(64, 2, 1).half(), STOCK)
    assert same_formula(Authors(64, 2, 4), Authors.forward)
    assert not same_formula(Other(64, 2, 4), Other.forward)
    assert not same_formula(torch.nn.Identity(), torch.nn.Identity.forward)
    state = torch.random.get_rng_state()
    module = AAttn(64, 2, 4)
    torch.random.set_rng_state(state)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    same_formula(module, STOCK)
    assert torch.equal(torch.random.get_rng_state(), state), "no random number was used"
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


class Record:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.recorder = self

    def event(self, kind: str, message: str, **data: Any) -> None:
        self.events.append((kind, message, data))


def control(*modules: Any, device: str = "cpu", amp: bool = False) -> Control:
    trainer = SimpleNamespace(model=torch.nn.Sequential(*modules), device=torch.device(device), amp=amp)
    return Control(trainer, Record(), Path())


def test_on_the_class_while_any_training_runs() -> None:
    first, second = (Attention(Settings()), control(AAttn(64, 2))), (Attention(Settings()), control(AAttn(64, 2)))
    for stabiliser, where in (first, second):
        stabiliser.setup(where)
    assert AAttn.forward is not STOCK
    assert "forward" not in vars(first[1].trainer.model[0])
    first[0].teardown(first[1])
    assert AAttn.forward is not STOCK, "the nested training goes on"
    first[0].teardown(first[1])
    second[0].teardown(second[1])
    assert AAttn.forward is STOCK


def test_a_training_that_crashed_without_teardown_holds_nothing() -> None:
    lost, later = Attention(Settings()), Attention(Settings())
    lost.setup(control(AAttn(64, 2)))
    del lost
    gc.collect()
    where = control(AAttn(64, 2))
    later.setup(where)
    later.teardown(where)
    assert AAttn.forward is STOCK


@pytest.mark.parametrize(("size", "stays"), [(6, True), (10, False)])
def test_tiny_maps_on_a_cpu_take_the_stock_forward_bit_for_bit(size: int, stays: bool) -> None:
    torch.manual_seed(0)
    stock, ours = both(AAttn(64, 2, 4), torch.randn(2, 64, size, size), attention.replacement(STOCK))
    assert all(torch.equal(stock[n], ours[n]) for n in stock) == stays


def test_an_inherited_forward_is_inherited_again() -> None:
    class Own(AAttn):  # type: ignore[misc]
        pass

    stabiliser, where = Attention(Settings()), control(Own(64, 2))
    stabiliser.setup(where)
    assert "forward" in vars(Own)
    stabiliser.teardown(where)
    assert "forward" not in vars(Own)


def test_says_what_it_did() -> None:
    stabiliser, where = Attention(Settings()), control(AAttn(64, 2), Authors(64, 2), AAttn(64, 2, 4))
    stabiliser.setup(where)
    stabiliser.teardown(where)
    ((kind, _, data),) = where.session.events
    assert (kind, data["blocks"], data["backend"]) == ("intervention", 3, "sdpa")


def test_inert_without_area_attention_and_on_a_foreign_formula() -> None:
    class Other(AAttn):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return STOCK(self, x) + 1

    for module, says in ((torch.nn.Conv2d(1, 1, 1), "no AAttn"), (Other(64, 2), "something else")):
        stabiliser, where = Attention(Settings()), control(module)
        stabiliser.setup(where)
        ((kind, message, _),) = where.session.events
        assert kind == "warning"
        assert says in message
        stabiliser.teardown(where)


def test_only_known_backends() -> None:
    with pytest.raises(SettingsError, match="use one of auto, sdpa, flash"):
        parse({"attention": {"backend": "triton"}})


def good_flash(q: Any, k: Any, v: Any, deterministic: bool = False) -> Any:
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def bad_gradient(q: Any, k: Any, v: Any, deterministic: bool = False) -> Any:
    return good_flash(q, k.detach() + (k - k.detach()) * 0.5, v)


def test_a_flash_build_is_checked_forward_and_backward() -> None:
    cpu = torch.device("cpu")
    assert agrees(good_flash, cpu)
    assert not agrees(lambda q, k, v, deterministic: good_flash(q, k, v) * 1.1, cpu)
    assert not agrees(lambda q, k, v, deterministic: good_flash(q, k, v) * float("nan"), cpu)
    assert not agrees(bad_gradient, cpu)


@pytest.mark.parametrize(
    ("device", "capability", "package", "works", "says"),
    [
        ("cpu", None, True, True, "needs a CUDA device"),
        ("cuda", (7, 5), True, True, "this GPU has 7.5"),
        ("cuda", (8, 6), False, True, "cannot be imported"),
        ("cuda", (8, 6), True, False, "something else than PyTorch"),
        ("cuda", (8, 6), True, True, ""),
        ("cuda", (12, 0), True, True, ""),
    ],
)
def test_where_flash_is_possible(
    monkeypatch: pytest.MonkeyPatch, device: str, capability: Any, package: bool, works: bool, says: str
) -> None:
    module = types.ModuleType("flash_attn")
    module.flash_attn_func = good_flash  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "flash_attn", module if package else None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(attention, "agrees", lambda flash, device: works)
    found, why_not = find_flash(torch.device(device))
    assert (found is good_flash) == (says == "")
    assert says in why_not


@pytest.mark.parametrize(
    ("backend", "amp", "used", "warns"),
    [("auto", True, "flash", False), ("auto", False, "sdpa", False), ("sdpa", True, "sdpa", False),
     ("flash", True, "flash", False), ("flash", False, "sdpa", True)],
)  # fmt: skip
def test_choice_of_the_kernel(monkeypatch: pytest.MonkeyPatch, backend: str, amp: bool, used: str, warns: bool) -> None:
    monkeypatch.setattr(attention, "find_flash", lambda device: (good_flash, ""))
    stabiliser, where = Attention(Settings(backend)), control(AAttn(64, 2), device="cuda", amp=amp)
    stabiliser.setup(where)
    stabiliser.teardown(where)
    kinds = [kind for kind, _, _ in where.session.events]
    assert ("warning" in kinds) == warns
    assert where.session.events[-1][2]["backend"] == used


def test_flash_gets_half_precision_in_its_own_shape() -> None:
    seen: list[Any] = []

    def flash(q: Any, k: Any, v: Any, deterministic: bool) -> Any:
        seen.append((q.shape, q.dtype, q.stride(-1), deterministic))
        return good_flash(q, k, v)

    class Cuda:
        """A tensor that says it is on a GPU."""

        is_cuda = True

        def __init__(self, tensor: Any) -> None:
            self.tensor = tensor

        def __getattr__(self, name: str) -> Any:
            return getattr(self.tensor, name)

        def transpose(self, *dims: int) -> Any:
            return self.tensor.transpose(*dims)

    half, single = (Cuda(torch.randn(4, 25, 2, 32, dtype=d)) for d in (torch.float16, torch.float32))
    assert attention._attend(half, half, half, flash).shape == (4, 25, 2, 32)  # type: ignore[arg-type]
    assert attention._attend(single, single, single, flash).shape == (4, 25, 2, 32)  # type: ignore[arg-type]
    assert seen == [((4, 25, 2, 32), torch.float16, 1, False)], "float32 went to PyTorch"


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu() -> None:
    device = torch.device("cuda")
    torch.manual_seed(0)
    module, x = AAttn(64, 2, 4).to(device), torch.randn(2, 64, 40, 40, device=device)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        stock, ours = both(module, x, fused)
    assert worst(stock, ours) < 1e-4
    flash, why_not = find_flash(device)
    assert (flash is None) == bool(why_not)
    with torch.autocast("cuda", torch.float16):
        stock_half, ours_half = STOCK(module, x), fused(module, x, flash)
    assert (stock_half - ours_half).abs().max() < attention.FLASH_TOLERANCE * stock_half.abs().max()


@pytest.mark.training
def test_a_training_agrees_with_the_stock_one(train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    def nudge(trainer: Any) -> None:
        """Change the attention's weights by one rounding: how far that alone leads is the measure of float32 noise."""
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, weight in trainer.model.named_parameters():
                if ".attn." in name:
                    weight.mul_(1 + 1.2e-7 * torch.randint(-1, 2, weight.shape, generator=generator))

    seen: list[Any] = []
    stock = train(name="stock", imgsz=160, epochs=1)
    nudged = train(name="nudged", imgsz=160, epochs=1, callbacks={"on_train_start": nudge})
    ours = train(
        stabilise={"attention": True},
        name="ours",
        imgsz=160,
        epochs=1,
        callbacks={"on_train_batch_end": lambda trainer: seen.append(AAttn.forward)},
    )
    assert seen
    assert all(forward is not STOCK for forward in seen)
    a, noise, b = (read_run(t.save_dir).steps["loss"].to_numpy() for t in (stock, nudged, ours))
    apart, apart_by_noise = (abs(x / a - 1) for x in (b, noise))
    assert apart[0] < 1e-6, "before the training magnifies roundings"
    assert apart.max() < 10 * apart_by_noise.max(), (apart.tolist(), apart_by_noise.tolist())
    assert abs(a - b).max() > 0, "not the stock forward again"
    (event,) = read_run(ours.save_dir).events_of("intervention")
    assert event["source"] == "stabiliser/attention"
    assert event["data"]["blocks"] == 8

    # A checkpoint must open where trainwatch is not installed.
    last = Path(ours.save_dir) / "weights" / "last.pt"
    code = (
        "import sys, torch\n"
        "from ultralytics import YOLO\n"
        "try:\n    import trainwatch_hooks\n    sys.exit('trainwatch_hooks can be imported')\nexcept ImportError:\n    pass\n"
        f"model = YOLO({str(last)!r})\n"
        "model.predict(torch.rand(1, 3, 96, 96), verbose=False)\n"
        "assert not any(m.startswith('trainwatch') for m in sys.modules)\n"
    )
    # A finder that refuses our name stands for a machine without trainwatch, however it is installed here.
    block = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0].startswith('trainwatch'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", block + code],
        cwd=last.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


def test_a_module_pickled_while_patched_holds_nothing_of_ours() -> None:
    stabiliser, where = Attention(Settings()), control(AAttn(64, 2))
    stabiliser.setup(where)
    data = pickle.dumps(where.trainer.model[0])
    stabiliser.teardown(where)
    assert b"trainwatch" not in data

"""attention: YOLO12's area attention by one fused kernel instead of a softmax over a stored N x N map.

What it does:
    While a training runs, the forward of Ultralytics' ``AAttn`` is replaced by one that calls flash-attn where that is
    possible (CUDA, compute capability 8.0 or more, the package installed, inputs in half precision), else PyTorch's
    ``scaled_dot_product_attention``. Weights, buffers and checkpoints stay as they are. The layout of the YOLOv12
    authors' own repository (separate ``qk`` and ``v``, 5 x 5 position encoding) is understood, too.

Why it matters:
    Ultralytics' YOLO12 uses neither flash-attn nor SDPA: it writes down the map of all pairs of positions, keeps it for
    the backward pass, and copies it. The source gives -38 % time per epoch and -22 % peak VRAM for flash attention;
    these are its figures for a GPU and were not measured here. What was measured, on a CPU, stands in
    ``tests/bench/stabilisers/README.md``.

How it works:
    The class' ``forward`` is replaced, not the modules', so that a pickled checkpoint holds nothing of ours. It comes
    back when the last training that uses it lets go. Before that, a copy of one block is run both ways in float64; where
    the results differ by more than ``TOLERANCE``, that class computes something else and is left alone. A flash-attn
    build is compared with PyTorch's kernel on the device, forward and backward, before it is used.

    Copies: tokens need the channels last, Ultralytics keeps them first. On a CPU the input is brought into PyTorch's
    channels-last format once, before the ``qkv`` convolution (C channels instead of 3 C); from there to the sum before
    ``proj`` all changes of shape are views but one, v, which ``pe`` needs in one piece. Of ten formulations this was the
    fastest from 160 pixels on. At 9 positions per area (96 pixels) no gain showed in whole steps, so below
    ``MIN_POSITIONS`` on a CPU the stock forward runs, unchanged. On a GPU
    the convolutions keep the model's format, and ``qkv`` is transposed once.

Settings:
    backend = auto  "auto": flash-attn if possible, else SDPA. "sdpa": never flash-attn. "flash": as auto, with a
                    warning where it is not possible

What it does not do:
    It is not bit-identical: sums are taken in another order. In float32 outputs and running statistics differ by less
    than 1e-5 of their largest value and gradients by less than 1e-5 of the block's largest gradient, up to 40 x 40
    positions; PyTorch's batch norm sums less carefully channels-last than channels-first, and that is most of it.
    A training magnifies any rounding: the losses part from the stock ones as fast as those of a stock training whose
    attention weights were changed by one rounding. Models without ``AAttn`` are left alone.
    Ultralytics asks for deterministic algorithms by default (``deterministic=True``): flash-attn is told so; SDPA's
    memory-efficient backward on a GPU is not reproducible bit by bit, and PyTorch warns of it. A batch size found by
    AutoBatch was found before the patch. No GPU has been measured.

References:
    The seven techniques, 5. Dao, FlashAttention-2: faster attention with better parallelism and work partitioning
    (2023). Tian, Ye and Doermann, YOLOv12: attention-centric real-time object detectors (2025).
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from trainwatch_hooks.stabilisers.base import Control, Stabiliser, require

if TYPE_CHECKING:
    import torch

Flash = Callable[..., Any]
"""``flash_attn_func(q, k, v, deterministic=)`` on tensors of shape (batch, positions, heads, head_dim)."""

CLASS: Final = "AAttn"
BACKENDS: Final = ("auto", "sdpa", "flash")
MIN_CAPABILITY: Final = (8, 0)
"""flash-attn 2 supports Ampere and newer; a T4 is 7.5."""
MIN_POSITIONS: Final = 16
"""Positions per area from which the fused form is used on a CPU: no gain was measured at 9, a gain at 25."""
TOLERANCE: Final = 1e-6
"""Largest difference in float64, relative to the largest value, at which two formulas count as the same."""
FLASH_TOLERANCE: Final = 2e-2
"""The same between two kernels in half precision (11 bits)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    backend: str = "auto"

    def __post_init__(self) -> None:
        require(self.backend in BACKENDS, f"backend is {self.backend!r}; use one of {', '.join(BACKENDS)}")


def fused(module: Any, x: torch.Tensor, flash: Flash | None = None, *, channels_last: bool | None = None) -> Any:
    """Return what the stock forward of an area attention returns.

    Args:
        module: ``AAttn`` of Ultralytics (``qkv``) or of the YOLOv12 repository (``qk`` and ``v``).
        x: Feature map, shape (batch, channels, height, width); height x width must be a multiple of the areas.
        flash: flash-attn's function; used where it takes the inputs.
        channels_last: Whether the convolutions before the attention run channels-last; None: on a CPU.

    Returns:
        Tensor of the same shape, in the memory format of ``x``.
    """
    import torch

    if channels_last is None:
        channels_last = x.device.type == "cpu"
    source = x.contiguous(memory_format=torch.channels_last) if channels_last else x
    batch, _, height, width = x.shape
    heads, dim = int(module.num_heads), int(module.head_dim)
    area = max(int(module.area), 1)
    tokens = (batch * area, height * width // area, heads)

    if hasattr(module, "qkv"):
        maps = module.qkv(source)
        q, k, v = torch.split(_channels_last(maps).reshape(*tokens, 3 * dim), dim, dim=3)
        if channels_last:
            values = v.reshape(batch, height, width, heads * dim).permute(0, 3, 1, 2)
        else:
            values = maps.view(batch, heads, 3 * dim, height, width)[:, :, 2 * dim :].flatten(1, 2)
    else:
        q, k = _channels_last(module.qk(source)).reshape(*tokens[:2], 2, heads, dim).unbind(2)
        values = module.v(source)
        v = _channels_last(values).reshape(*tokens, dim)

    mixed = _attend(q, k, v, flash).reshape(batch, height, width, heads * dim).permute(0, 3, 1, 2)
    total = module.pe(values) + mixed
    if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
        total = total.contiguous()
    return module.proj(total)


def _channels_last(maps: torch.Tensor) -> torch.Tensor:
    """Turn (batch, channels, height, width) into (batch, positions, channels), in one piece: the kernels want that."""
    return maps.flatten(2).transpose(1, 2).contiguous()


def _attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, flash: Flash | None) -> Any:
    """Return softmax(q k' / sqrt(head_dim)) v for tensors of shape (batch, positions, heads, head_dim)."""
    import torch

    if flash is not None and q.is_cuda and q.dtype in (torch.float16, torch.bfloat16):
        return flash(q, k, v, deterministic=torch.are_deterministic_algorithms_enabled())
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def find_flash(device: torch.device) -> tuple[Flash | None, str]:
    """Return flash-attn's function if it can be used on a device, and else why not.

    Args:
        device: Where the training runs.
    """
    import torch

    if device.type != "cuda":
        return None, f"it needs a CUDA device, this one is {device.type}"
    capability = torch.cuda.get_device_capability(device)
    if capability < MIN_CAPABILITY:
        return None, f"it needs compute capability {_version(MIN_CAPABILITY)}, this GPU has {_version(capability)}"
    try:
        function: Flash = importlib.import_module("flash_attn").flash_attn_func
    except Exception as error:  # a build for another torch fails with more than ImportError
        return None, f"flash_attn cannot be imported ({type(error).__name__})"
    if not agrees(function, device):
        return None, "this build of flash_attn computes something else than PyTorch"
    return function, ""


def agrees(flash: Flash, device: torch.device) -> bool:
    """Compare a flash-attn build with PyTorch's kernel, forward and backward, in half precision.

    Args:
        flash: flash-attn's function.
        device: Where the training runs.
    """
    import torch

    shape = (2, 80, 2, 32)
    count = shape[0] * shape[1] * shape[2] * shape[3]
    # No random numbers: the training's generators must not move.
    waves = [torch.sin(torch.arange(count) * (i + 1.1)).view(shape).to(device, torch.float16) for i in range(4)]
    found = []
    kernels: tuple[Flash, ...] = (partial(flash, deterministic=False), partial(_attend, flash=None))
    for kernel in kernels:
        inputs = [w.clone().requires_grad_() for w in waves[:3]]
        with torch.enable_grad():
            out = kernel(*inputs)
            found.append([out.detach(), *torch.autograd.grad(out, inputs, waves[3])])
    return all(_difference(a.float(), b.float()) < FLASH_TOLERANCE for a, b in zip(*found, strict=True))


def same_formula(module: Any, stock: Callable[..., Any]) -> bool:
    """Whether :func:`fused` computes what a class' own forward does, on a copy of one of its modules, in float64.

    Args:
        module: An area attention.
        stock: The class' forward.
    """
    import copy

    import torch

    if not all(hasattr(module, n) for n in ("area", "num_heads", "head_dim", "pe", "proj")):
        return False
    twin = copy.deepcopy(module).cpu().double().eval()
    first = twin.qkv if hasattr(twin, "qkv") else twin.qk
    channels = int(first.conv.in_channels)
    size = (1, channels, max(int(twin.area), 1), 4)
    x = torch.sin(torch.arange(channels * size[2] * size[3], dtype=torch.float64)).view(size)
    with torch.no_grad():
        expected = stock(twin, x)
        return all(_difference(fused(twin, x, channels_last=c), expected) < TOLERANCE for c in (True, False))


def _difference(value: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the largest difference relative to the largest expected value; infinite if it cannot be compared."""
    if value.shape != expected.shape:
        return float("inf")
    ratio = float((value - expected).abs().max() / expected.abs().max().clamp_min(1e-12))
    return ratio if ratio == ratio else float("inf")


def _version(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))


@dataclass(slots=True)
class _Patch:
    """A class whose forward is ours.

    Attributes:
        own: Its own forward; None if it inherits one.
        backend: ``sdpa`` or ``flash``: what the first training that put it on found.
        users: The stabilisers that use it; one that a crashed training left behind vanishes with that training.
    """

    own: Any
    backend: str
    users: weakref.WeakSet[Attention] = field(default_factory=weakref.WeakSet)


_patches: dict[type, _Patch] = {}


def replacement(stock: Callable[..., Any], flash: Flash | None = None) -> Callable[..., Any]:
    """Return the forward that is put on a class: fused, or on a CPU the stock one for tiny maps.

    Args:
        stock: The class' own forward.
        flash: flash-attn's function, if it can be used.
    """

    def forward(self: Any, x: Any) -> Any:
        positions = x.shape[2] * x.shape[3] // max(int(self.area), 1)
        if x.device.type == "cpu" and positions < MIN_POSITIONS:
            return stock(self, x)
        return fused(self, x, flash)

    return forward


def _put_on(kind: type, user: Attention, flash: Flash | None) -> str:
    """Replace the forward of a class, unless another training has done so; return the backend in force."""
    patch = _patches.get(kind)
    if patch is None:
        patch = _patches[kind] = _Patch(vars(kind).get("forward"), "sdpa" if flash is None else "flash")
        kind.forward = replacement(kind.forward, flash)  # type: ignore[attr-defined]
    patch.users.add(user)
    return patch.backend


def _take_off(user: Attention) -> None:
    for kind, patch in list(_patches.items()):
        patch.users.discard(user)
        if not patch.users:
            if patch.own is None:
                del kind.forward  # type: ignore[attr-defined]
            else:
                kind.forward = patch.own  # type: ignore[attr-defined]
            del _patches[kind]


def _blocks(modules: Iterable[Any]) -> dict[type, list[Any]]:
    """Return the area attentions by their class."""
    found: dict[type, list[Any]] = {}
    for module in modules:
        if any(k.__name__ == CLASS for k in type(module).__mro__):
            found.setdefault(type(module), []).append(module)
    return found


class Attention(Stabiliser):
    """Puts the fused forward on the class; see the module's text."""

    settings_type = Settings

    def setup(self, control: Control) -> None:
        """Replace the forward of every class of area attention in this model."""
        blocks = _blocks(control.model.modules())
        if not blocks:
            control.note("warning", f"attention: inert, this model has no {CLASS} (only YOLO12 has)")
            return
        flash, why_not = None, "switched off"
        if self.settings.backend != "sdpa":
            flash, why_not = find_flash(control.trainer.device)
            if flash is not None and not control.trainer.amp:
                flash, why_not = None, "it needs half precision, this training runs without amp"
            if flash is None and self.settings.backend == "flash":
                control.note("warning", f"attention: no flash-attn, {why_not}; PyTorch's kernel is used")
        done, used = 0, ""
        for kind, modules in blocks.items():
            if kind in _patches or same_formula(modules[0], kind.forward):  # type: ignore[attr-defined]
                used = _put_on(kind, self, flash)
                done += len(modules)
            else:
                control.note(
                    "warning", f"attention: {kind.__module__}.{kind.__name__} computes something else; left alone"
                )
        if done:
            control.note(
                "intervention",
                f"{done} attention blocks run by one fused kernel ({used})",
                blocks=done,
                backend=used,
                no_flash=why_not,
            )

    def teardown(self, control: Control) -> None:
        """Give the stock forward back, unless another training still uses ours."""
        _take_off(self)

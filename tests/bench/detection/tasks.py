"""Tiny nets and generated data with a teacher: what the recorded trainings train. Torch on one core, 1 to 3 ms a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POOL = 8192
"""Samples that training batches are drawn from, unless the data set is meant to be small."""
TRUE = 2048
"""Samples of the true loss, which is never recorded."""
CLASSES = 5

Batch = tuple[Tensor, Tensor]
Losses = dict[str, Tensor]


class Cast(nn.Module):
    """Rounds activations to float16 after a gain; with a large gain they overflow, as on a device."""

    gain = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return x, through float16 if a gain is set."""
        return x if not self.gain else (x * self.gain).half().float() / self.gain


class Attention(nn.Module):
    """One block of a transformer over tokens of shape (n, length, width), mean-pooled."""

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.place = nn.Parameter(0.1 * torch.randn(length, width))
        self.qkv = nn.Linear(width, 3 * width)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (n, width)."""
        h = self.embed(x) + self.place
        q, k, v = self.qkv(self.norm(h)).chunk(3, -1)
        h = h + F.scaled_dot_product_attention(q, k, v)
        return (h + self.mix(h)).mean(1)


def body(net: str, width: int, depth: int, sigmoid: bool = False) -> tuple[nn.Sequential, int]:
    """Return a net that ends in ``width`` features, and that width."""
    act: Callable[[], nn.Module] = nn.Sigmoid if sigmoid else nn.ReLU
    if net == "mlp":
        layers: list[nn.Module] = [nn.Linear(16, width), act(), Cast()]
        for _ in range(depth - 1):
            layers += [nn.Linear(width, width), act()]
        return nn.Sequential(*layers), width
    if net == "cnn":
        c = width // 8
        return nn.Sequential(
            nn.Conv2d(1, c, 3, 2, 1), nn.ReLU(), Cast(), nn.Conv2d(c, 2 * c, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(2 * c * 4, width), nn.ReLU(),
        ), width  # fmt: skip
    return nn.Sequential(Attention(12, 10, width), Cast(), nn.Linear(width, width), nn.ReLU()), width


def inputs(net: str, count: int, g: torch.Generator) -> Tensor:
    """Draw inputs for a kind of net."""
    if net == "mlp":
        return torch.randn(count, 16, generator=g)
    if net == "cnn":
        return torch.randn(count, 1, 8, 8, generator=g)
    return torch.randint(0, 12, (count, 10), generator=g)


@dataclass
class Task:
    """Data, net and losses of one training.

    Attributes:
        model: Body and head.
        train: Inputs and targets of the training pool.
        val: The validation set.
        true: A large set of the same kind, for the truth.
        losses: Model, inputs and targets to named losses, unweighted.
        score: The same to a metric of which more is better; None: the validation loss alone is recorded.
    """

    model: nn.Module
    train: Batch
    val: Batch
    true: Batch
    losses: Callable[[Any, Batch], Losses]
    score: Callable[[Any, Batch], float] | None
    metric: str = "accuracy_top1"

    def batch(self, index: Tensor, jitter: float, g: torch.Generator) -> Batch:
        """Return one training batch; ``jitter`` is the augmentation's noise."""
        x = self.train[0][index]
        if jitter and x.is_floating_point():
            x = x + jitter * torch.randn(x.shape, generator=g)
        return x, self.train[1][index]


def make_task(kind: str, setting: Any, seed: int) -> Task:
    """Build a task: ``classify``, ``regress``, ``two`` (two losses), ``detect`` (one object or none per image).

    Args:
        kind: As above.
        setting: net, width, depth, val_size, train_size, label_noise.
        seed: Of data and weights.
    """
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    sizes = (setting.train_size, setting.val_size, TRUE)
    if kind == "detect":
        return _detector(setting, sizes, g)
    x = inputs(setting.net, sum(sizes), g)
    teacher = nn.Sequential(body(setting.net, 32, 2)[0], nn.Linear(32, CLASSES + 1))
    with torch.no_grad():
        out = torch.cat([teacher(c) for c in x.split(2048)])
        out = (out - out.mean(0)) / out.std(0)
    label, value = out[:, :CLASSES].argmax(1), out[:, CLASSES:]
    wrong = torch.rand(len(label), generator=g) < setting.label_noise
    label = torch.where(wrong, torch.randint(0, CLASSES, label.shape, generator=g), label)
    value = value + setting.label_noise * torch.randn(value.shape, generator=g)
    features, width = body(setting.net, setting.width, setting.depth, setting.sigmoid)
    head = nn.Linear(width, {"classify": CLASSES, "regress": 1, "two": CLASSES + 1}[kind])
    model = nn.Sequential(features, head)
    y = torch.cat([label[:, None].float(), value], 1)

    def losses(net: nn.Module, b: Batch) -> Losses:
        o = net(b[0])
        found: Losses = {}
        if kind != "regress":
            found["cls_loss"] = F.cross_entropy(o[:, :CLASSES], b[1][:, 0].long())
        if kind != "classify":
            found["reg_loss"] = F.mse_loss(o[:, -1:], b[1][:, 1:])
        return found

    def score(net: nn.Module, b: Batch) -> float:
        return float((net(b[0])[:, :CLASSES].argmax(1) == b[1][:, 0].long()).float().mean())

    return Task(model, *_split(x, y, sizes), losses, score if kind != "regress" else None)


def _split(x: Tensor, y: Tensor, sizes: tuple[int, int, int]) -> tuple[Batch, Batch, Batch]:
    xs, ys = x.split(sizes), y.split(sizes)
    return (xs[0], ys[0]), (xs[1], ys[1]), (xs[2], ys[2])


def _detector(setting: Any, sizes: tuple[int, int, int], g: torch.Generator) -> Task:
    """One bright rectangle of two shapes on noise, or nothing: centre and size, and class 0 (nothing), 1, 2."""
    n = sum(sizes)
    kind = torch.randint(0, 3, (n,), generator=g)
    wide = torch.where(kind == 1, 0.5, 0.25)
    size = torch.stack([wide, 0.75 - wide], 1)
    centre = size / 2 + (1 - size) * torch.rand(n, 2, generator=g)
    grid = (torch.arange(8) + 0.5) / 8
    inside = [(grid[None] - centre[:, i : i + 1]).abs() < size[:, i : i + 1] / 2 for i in range(2)]
    picture = (inside[1][:, :, None] & inside[0][:, None, :]).float() * (kind > 0)[:, None, None] * 1.5
    x = (picture + 0.7 * torch.randn(n, 8, 8, generator=g))[:, None]
    y = torch.cat([kind[:, None].float(), centre, size], 1)
    features, width = body("cnn", setting.width, 2)
    model = nn.Sequential(features, nn.Linear(width, 7))

    def losses(net: nn.Module, b: Batch) -> Losses:
        o, t = net(b[0]), b[1]
        some = t[:, 0] > 0
        box = F.smooth_l1_loss(o[:, 3:].sigmoid(), t[:, 1:], beta=0.05, reduction="none").sum(1)
        return {
            "box_loss": 5 * (box * some).sum() / some.sum().clamp(min=1),
            "cls_loss": F.cross_entropy(o[:, :3], t[:, 0].long()),
        }

    def score(net: nn.Module, b: Batch) -> float:
        o, t = net(b[0]), b[1]
        some = t[:, 0] > 0
        if not some.any():
            return 0.0
        found, true = (
            torch.cat([c - s / 2, c + s / 2], 1)
            for c, s in ((o[:, 3:5].sigmoid(), o[:, 5:].sigmoid()), (t[:, 1:3], t[:, 3:]))
        )
        low, high = torch.maximum(found[:, :2], true[:, :2]), torch.minimum(found[:, 2:], true[:, 2:])
        both = (high - low).clamp(min=0).prod(1)
        area = [(b[:, 2:] - b[:, :2]).prod(1) for b in (found, true)]
        iou = both / (area[0] + area[1] - both).clamp(min=1e-9)
        right = o[:, :3].argmax(1) == t[:, 0].long()
        return float(((iou > 0.5) & right & some).sum() / some.sum())

    return Task(model, *_split(x, y, sizes), losses, score, "mAP50")

"""One training: draws a setting, plants a fault, trains a tiny net and records it as a user would, with ``Recorder``."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from planted import HEALTHY, Truth, half_of
from tasks import POOL, Cast, Task, make_task
from torch import Tensor, nn

from trainwatch_hooks import Recorder

RATES = {"SGD": 0.05, "Adam": 2e-3, "AdamW": 2e-3, "RMSprop": 1e-3}
"""Sensible learning rates of the nets here."""
MIB = 2**20
SPIKE_STEPS = 5
PEER_STEPS = 10
"""Optimizer steps between two looks at what other tools' rules need."""
GAINS = {"cls_loss": 1.0, "reg_loss": 1.0, "box_loss": 1.0}


@dataclass(frozen=True)
class Setting:
    """What one variant trains with; every field ends in the truth row."""

    task: str
    net: str
    width: int
    depth: int
    optimizer: str
    lr: float
    schedule: str
    warmup_epochs: int
    batch: int
    per_epoch: int
    epochs: int
    val_size: int
    label_noise: float
    jitter: float
    accumulate: int = 1
    amp: bool = False
    clip: float = 0.0
    train_size: int = POOL
    resume_at: int = 0
    calm_from: int = 0
    noisy: float = 0.0
    sigmoid: bool = False
    strength: float = 1.0
    at: int = 0
    planted_lr0: bool = False
    shared: str = "same"

    @property
    def steps(self) -> int:
        """Micro-batches of the whole training."""
        return self.per_epoch * self.epochs


def draw(kind: str, variant: int) -> Setting:
    """Draw the setting of a variant."""
    rng = random.Random(f"{kind} {variant}")
    net = rng.choice(("mlp", "mlp", "cnn", "transformer"))
    optimizer = rng.choice(tuple(RATES))
    epochs, per_epoch = rng.choice(((20, 30), (24, 25), (30, 20), (40, 15), (60, 10), (36, 20)))
    setting = Setting(
        task=rng.choice(("classify", "classify", "two", "regress", "detect")), net=net, width=rng.choice((32, 48, 64)),
        depth=rng.choice((2, 3)), optimizer=optimizer, lr=RATES[optimizer] * rng.choice((0.5, 1.0, 1.5)),
        schedule=rng.choice(("cosine", "linear", "step", "restart", "constant")),
        warmup_epochs=rng.choice((0, 1, 2, 3)), batch=rng.choice((16, 32, 48)), per_epoch=per_epoch, epochs=epochs,
        val_size=rng.choice((192, 256, 512, 1024)), label_noise=rng.choice((0.02, 0.05, 0.1)), jitter=rng.choice((0.1, 0.2, 0.3)),
    )  # fmt: skip
    if kind == HEALTHY:
        return _healthy(setting, rng)
    return _faulty(kind, setting, rng)


def _healthy(s: Setting, rng: random.Random) -> Setting:
    style = rng.choice(("plain", "plain", "amp", "accumulate", "resume", "calm", "noisy", "clip"))
    changes: dict[str, Any] = {
        "amp": {"amp": True}, "accumulate": {"accumulate": rng.choice((2, 4)), "per_epoch": 40, "epochs": 24},
        "resume": {"resume_at": s.epochs // 2}, "calm": {"calm_from": round(0.8 * s.epochs), "jitter": 0.6},
        "noisy": {"noisy": rng.choice((0.5, 1.0))}, "clip": {"clip": 1.0},
    }.get(style, {})  # fmt: skip
    return replace(s, **changes)


def _faulty(kind: str, s: Setting, rng: random.Random) -> Setting:
    at = rng.randrange(int(0.3 * s.steps), int(0.6 * s.steps))
    smooth = replace(s, schedule=rng.choice(("cosine", "linear", "constant")))
    vision = rng.choice(("mlp", "cnn"))
    longer = replace(s, epochs=40, per_epoch=rng.choice((15, 20)))
    if kind == "lr-high":
        return replace(
            smooth, optimizer="SGD", lr=0.05, strength=10 ** rng.uniform(2, 3.5), warmup_epochs=rng.choice((0, 2))
        )
    if kind == "lr-spike":
        return replace(smooth, at=at, strength=10 ** rng.uniform(3, 4))
    if kind == "explosion-late":
        return replace(
            smooth,
            at=rng.randrange(int(0.68 * s.steps), int(0.9 * s.steps)),
            strength=10 ** rng.uniform(2, 3),
            schedule="constant",
        )
    if kind == "labels-shuffled":
        size = rng.choice((512, 1024, POOL))
        return replace(longer, task="classify", label_noise=1.0, train_size=size, jitter=0.1)
    if kind == "labels-missing":
        return replace(s, task="detect")
    if kind == "host-leak":
        size = rng.uniform(4, 12)
        return replace(s, epochs=30, per_epoch=20, at=rng.choice((0, 8, 12)) * 20, strength=size)
    if kind in ("fp16-nan", "nan-batch"):
        return replace(s, net="mlp" if s.task != "detect" else "cnn", at=at)
    if kind in ("dead-relu", "frozen-layer"):
        return replace(
            longer, net=vision, task=rng.choice(("classify", "two")), at=rng.randrange(200, 400), schedule="constant"
        )
    if kind == "frozen-net":
        return replace(longer, at=0 if rng.random() < 0.5 else at, planted_lr0=rng.random() < 0.5, task="classify")
    if kind == "vanishing":
        start = rng.random() < 0.4
        return replace(
            longer,
            net="mlp",
            task="classify",
            sigmoid=start,
            depth=10 if start else 2,
            at=0 if start else at,
            optimizer="SGD",
            lr=0.02,
        )
    if kind == "data-order":
        return replace(
            s,
            task="classify",
            epochs=30,
            per_epoch=25,
            train_size=25 * s.batch,
            jitter=0.3,
            schedule=rng.choice(("constant", "cosine")),
        )
    if kind == "val-is-train":
        return replace(s, val_size=512, train_size=512, shared=rng.choice(("same", "copy", "part")))
    if kind == "tiny-val":
        return replace(longer, task=rng.choice(("classify", "detect")), val_size=rng.randrange(6, 13))
    if kind in ("starving-loader", "throughput-drop"):
        return replace(
            s,
            epochs=30,
            per_epoch=30,
            at=rng.randrange(350, 600) if kind == "throughput-drop" else 0,
            strength=rng.uniform(1, 3) if kind == "throughput-drop" else rng.uniform(2, 6),
        )
    if kind == "spent-lr":
        return replace(
            longer,
            epochs=60,
            per_epoch=12,
            at=rng.randrange(100, 300),
            strength=rng.choice((0.0, 1e-5, 1e-3, 3e-3)),
            schedule="constant",
        )
    if kind == "overfitting":
        return replace(
            s,
            task=rng.choice(("classify", "regress", "two")),
            epochs=60,
            per_epoch=12,
            train_size=rng.randrange(64, 160),
            jitter=0.0,
            width=64,
            optimizer="Adam",
            lr=2e-3,
            schedule="constant",
        )
    if kind == "loss-imbalance":
        # With SGD the weight would be a learning rate a hundred times too high, which is another fault.
        return replace(
            s, task=rng.choice(("two", "detect")), strength=10 ** rng.uniform(2, 3), optimizer="AdamW", lr=2e-3
        )
    if kind == "amp-collapse":
        return replace(longer, amp=True, at=at)
    if kind in ("killed", "truncated"):
        return replace(s, at=rng.randrange(s.steps // 5, s.steps - 5))
    return s


def rate(s: Setting, step: int) -> float:
    """Return the learning rate of a step, fault left out."""
    warm = s.warmup_epochs * s.per_epoch
    t = (step - warm) / max(s.steps - warm, 1)
    if step < warm:
        return s.lr * (step + 1) / warm
    if s.schedule == "cosine":
        return s.lr * (0.01 + 0.99 * (1 + math.cos(math.pi * t)) / 2)
    if s.schedule == "linear":
        return s.lr * (1 - 0.99 * t)
    if s.schedule == "step":
        return float(s.lr * 0.2 ** int(t * 3))
    if s.schedule == "restart":
        return s.lr * (0.02 + 0.98 * (1 + math.cos(math.pi * ((2 * t) % 1.0))) / 2)
    return s.lr


class Training:
    """One training with one planted fault.

    Args:
        kind: A key of ``PLANTED``, or ``healthy``.
        variant: Which setting.
        seed: Which training of that setting.
    """

    def __init__(self, kind: str, variant: int, seed: int) -> None:
        self.kind, self.variant, self.seed = kind, variant, seed
        self.s = draw(kind, variant)
        number = int.from_bytes(f"{kind}{variant}-{seed}".encode()[-6:], "big") % 2**31
        self.g = torch.Generator().manual_seed(number)
        self.task: Task = make_task(self.s.task, self.s, number)
        self._spoil_data()
        self.model = self.task.model
        self.parameters = list(self.model.parameters())
        held = self.parameters
        if kind == "frozen-net" and not self.s.at and not self.s.planted_lr0:
            held = [nn.Parameter(p.detach().clone()) for p in self.parameters]
        self.optimizer = self._optimizer(held)
        self.scaler = torch.amp.GradScaler("cpu", enabled=self.s.amp, init_scale=2.0**13)
        self.relus = [m for m in self.model.modules() if isinstance(m, nn.ReLU)]
        self.activations: dict[int, Tensor] = {}
        for i, m in enumerate(self.relus):
            m.register_forward_hook(lambda _m, _i, o, i=i: self.activations.__setitem__(i, o.detach()))
        self.kept: list[bytearray] = []
        self.seconds: list[float] = []
        self.truths: list[float] = []
        self.onset: int | None = None if kind in (HEALTHY, "val-is-train") else self.s.at
        self.order = torch.argsort(self.task.train[1][:, 0], stable=True) if kind == "data-order" else None

    def _optimizer(self, held: list[nn.Parameter]) -> torch.optim.Optimizer:
        if self.s.optimizer == "SGD":
            return torch.optim.SGD(held, lr=self.s.lr, momentum=0.9, weight_decay=1e-4, fused=True)
        if self.s.optimizer == "RMSprop":
            return torch.optim.RMSprop(held, lr=self.s.lr)
        return {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}[self.s.optimizer](held, lr=self.s.lr, fused=True)

    def _spoil_data(self) -> None:
        x, y = self.task.train
        if self.kind == "labels-shuffled":
            # The validation set keeps its labels: a fresh task with little noise.
            clean = make_task(self.s.task, replace(self.s, label_noise=0.02, train_size=POOL), 7 + self.variant)
            x = clean.train[0][: self.s.train_size]
            y = clean.train[1][: self.s.train_size][torch.randperm(len(x), generator=self.g)]
            self.task = replace(clean, train=(x, y))
        elif self.kind == "labels-missing":
            self.task = replace(self.task, train=(x, torch.zeros_like(y)))
        elif self.kind == "val-is-train":
            chosen = torch.randperm(len(x), generator=self.g)[: {"same": 0, "copy": 512, "part": 128}[self.s.shared]]
            self.task = replace(self.task, val=(x[chosen], y[chosen]) if len(chosen) else (x, y))

    def weights(self) -> dict[str, float]:
        """Return the loss weights in force."""
        if self.kind != "loss-imbalance":
            return GAINS
        heavy = "reg_loss" if self.s.task == "two" else "box_loss"
        if self.variant % 3 == 1:
            heavy = "cls_loss"
        return {**GAINS, heavy: self.s.strength}

    def lr(self, step: int) -> float:
        """Return the learning rate of a step, fault included."""
        s, base = self.s, rate(self.s, step)
        if self.kind == "lr-high":
            return base * s.strength
        if self.kind == "lr-spike" and s.at <= step < s.at + SPIKE_STEPS:
            return base * s.strength
        if self.kind in ("explosion-late", "spent-lr") and step >= s.at:
            return base * s.strength
        if self.kind == "frozen-net" and (s.at or s.planted_lr0) and step >= s.at:
            return 0.0
        return base

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the batch of a step, fault included."""
        s = self.s
        if self.order is not None:
            b = step % s.per_epoch
            index = self.order[b * s.batch : (b + 1) * s.batch]
        else:
            index = torch.randint(0, s.train_size, (s.batch,), generator=self.g)
        jitter = 0.05 if s.calm_from and step >= s.calm_from * s.per_epoch else s.jitter
        x, y = self.task.batch(index, jitter, self.g)
        if s.noisy and torch.rand((), generator=self.g) < 0.05 and x.is_floating_point():
            x = x + s.noisy * 2 * torch.randn(x.shape, generator=self.g)
        if self.kind == "nan-batch" and step == s.at:
            x = x.clone().float()
            x.view(-1)[0] = float("nan")
        return x, y

    def before_step(self, step: int) -> None:
        """Plant what is in the net or in the process."""
        s = self.s
        if step < s.at:
            return
        if self.kind == "fp16-nan":
            next(m for m in self.model.modules() if isinstance(m, Cast)).gain = 1e6
        elif self.kind == "dead-relu" and step == s.at:
            layer = [m for m in self.model.modules() if isinstance(m, nn.Linear | nn.Conv2d)][-2]
            assert layer.bias is not None
            with torch.no_grad():
                layer.bias -= 1e3
        elif self.kind == "host-leak":
            block = bytearray(int(s.strength * MIB / s.per_epoch))
            block[::4096] = b"x" * len(block[::4096])
            self.kept.append(block)
        elif (self.kind == "killed" and step == s.at) or (self.kind == "truncated" and step == s.at):
            os.kill(os.getpid(), signal.SIGKILL)

    def after_backward(self, step: int) -> None:
        """Plant what is in the gradients."""
        if step < self.s.at:
            return
        if self.kind == "vanishing" and not self.s.sigmoid:
            for p in self.parameters:
                if p.grad is not None:
                    p.grad /= 65536
        elif self.kind == "frozen-layer":
            first = next(m for m in self.model.modules() if isinstance(m, nn.Linear | nn.Conv2d))
            for p in first.parameters():
                if p.grad is not None:
                    p.grad.zero_()

    def run(self, folder: Path) -> Truth:
        """Train, record, and return the truth (not reached where the process is killed)."""
        s = self.s
        recorder = self._recorder(folder)
        for epoch in range(s.epochs):
            if s.resume_at and epoch == s.resume_at:
                recorder.close("stopped")
                recorder = self._recorder(folder)
            self._epoch(recorder, epoch)
        recorder.close()
        return self.truth()

    def truth(self) -> Truth:
        """Return what is known of this training."""
        s = self.s
        return Truth(
            id=f"{self.kind}-{self.variant:03d}-{self.seed}", kind=self.kind, variant=self.variant, seed=self.seed,
            half=half_of(self.kind, self.variant), onset_step=self._onset(), steps=s.steps, epochs=s.epochs,
            allowed=allowed(self.truths), setting=asdict(s),
        )  # fmt: skip

    def _onset(self) -> int | None:
        if self.kind == "overfitting" and self.truths:
            return self.truths.index(min(self.truths)) * self.s.per_epoch
        return self.onset

    def _recorder(self, folder: Path) -> Recorder:
        s = self.s
        args = {
            "epochs": s.epochs, "batch": s.batch, "optimizer": s.optimizer, "lr0": s.lr, "warmup_epochs": s.warmup_epochs,
            "amp": s.amp, "accumulate": s.accumulate, "workers": 0,
        }  # fmt: skip
        if s.calm_from:
            args["close_mosaic"] = s.epochs - s.calm_from
        recorder = Recorder(folder, args=args, planned_epochs=s.epochs, capture_crashes=False, report=False)
        recorder.datasets(self.task.train, self.task.val)
        return recorder

    def _epoch(self, recorder: Recorder, epoch: int) -> None:
        s, sums = self.s, {}
        recorder.begin_epoch(epoch)
        self.model.train()
        for b in range(s.per_epoch):
            step = epoch * s.per_epoch + b
            if self.kind == "starving-loader":
                time.sleep(s.strength / 1000)
            x, y = self.batch(step)
            recorder.begin_step()
            losses = self._step(recorder, epoch, step, x, y)
            for k, v in losses.items():
                sums[k] = sums.get(k, 0.0) + float(v) / s.per_epoch
        self.model.eval()
        with torch.no_grad():
            val = self.task.losses(self.model, self.task.val)
            gains = self.weights()
            metrics = {} if self.task.score is None else {self.task.metric: self.task.score(self.model, self.task.val)}
            true = self.task.losses(self.model, self.task.true)
            self.truths.append(float(sum(gains[k] * v for k, v in true.items())))
        recorder.epoch_end(
            epoch, train=sums, val={k: float(gains[k] * v) for k, v in val.items()}, metrics=metrics,
            lr={"pg0": self.optimizer.param_groups[0]["lr"]},
        )  # fmt: skip

    def _step(self, recorder: Recorder, epoch: int, step: int, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        s = self.s
        self.before_step(step)
        if self.kind == "throughput-drop" and step >= s.at:
            time.sleep(
                s.strength * float(np.median(self.seconds))
            )  # the machine is shared: as a multiple of its own step
        begun = time.perf_counter()
        lr = self.lr(step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        gains = self.weights()
        losses = {k: gains[k] * v for k, v in self.task.losses(self.model, (x, y)).items()}
        total = torch.stack(list(losses.values())).sum() / s.accumulate
        if self.kind == "amp-collapse" and step >= s.at:
            total = total * 1e20  # as an overflow in the backward pass: no scale is small enough
        self.scaler.scale(total).backward()
        stepped = (step + 1) % s.accumulate == 0
        more: dict[str, Any] = {"amp_scale": self.scaler.get_scale()} if s.amp else {}
        norm = None
        if stepped:
            if s.amp:
                self.scaler.unscale_(self.optimizer)
            self.after_backward(step)
            norm = nn.utils.clip_grad_norm_(self.parameters, s.clip or math.inf)
            if step // s.accumulate % PEER_STEPS == 0:
                more |= self._gradient_columns()
            self._move(s.amp, norm)
        detached = {k: v.detach() for k, v in losses.items()}
        recorder.step(
            epoch=epoch, losses=detached, grad_norm=norm, lr=lr, batch_size=s.batch, accumulate=s.accumulate,
            optimizer_stepped=stepped, **more,
        )  # fmt: skip
        if step < s.at:
            self.seconds.append(time.perf_counter() - begun)
        return detached

    def _move(self, amp: bool, norm: Tensor) -> None:
        if amp:
            overflow = self.kind == "amp-collapse" and not bool(torch.isfinite(norm * self.scaler.get_scale() / 65504))
            if not overflow:
                self.scaler.step(self.optimizer)
            self.scaler.update(self.scaler.get_scale() / 2 if overflow else None)
        else:
            self.optimizer.step()
        for p in self.parameters:  # not the optimizer's own: it may hold others by mistake
            p.grad = None

    def _gradient_columns(self) -> dict[str, Tensor]:
        """Norms of the first and the last layer, and what other tools' rules look at: the mean and the zeros of gradients."""
        grads = [p.grad for p in self.parameters if p.grad is not None and p.ndim > 1]
        flat = torch.cat([g.detach().flatten() for g in grads])
        columns = {
            "grad_norm/first": grads[0].norm(), "grad_norm/last": grads[-1].norm(),
            "peer/grad_mean_abs": flat.abs().mean(), "peer/grad_zero_share": (flat == 0).float().mean(),
        }  # fmt: skip
        if self.activations:
            shares = [(a <= 0).flatten(1).all(0).float().mean() for a in self.activations.values()]
            columns["peer/dead_relu_share"] = torch.stack(shares).max()
        return columns


def allowed(true: list[float]) -> tuple[str, ...]:
    """Return findings that a loss on many unseen samples shows to be right: it stood still, or rose.

    Args:
        true: Loss per epoch.
    """
    if len(true) < 10 or not all(math.isfinite(v) for v in true):
        return ()
    found = []
    best, at = min(true), true.index(min(true))
    level = sum(true[int(0.55 * len(true)) : int(0.65 * len(true))]) / max(
        int(0.65 * len(true)) - int(0.55 * len(true)), 1
    )
    end = sum(true[-3:]) / 3
    if level - end < 0.015 * level:
        found.append("plateau")
    if end > 1.02 * best and at < 0.8 * len(true):
        found += ["overfitting", "degraded-after-best"]
    return tuple(found)

"""One fine-tuning of YOLO12n with one planted fault, by Ultralytics' own trainer, recorded with ``watch`` as a user would.

It starts from the weights of ``cure.py`` (``yolo12n.yaml``, trained once on generated shapes) and gets shapes of another seed,
64 pixels, on one core. The variant draws the setting, as in ``loops.py``; which variants are such
trainings stands in ``planted.py``.
"""

from __future__ import annotations

import logging
import os
import random
import signal
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cure
from planted import HEALTHY, Truth, half_of
from torch import nn

from trainwatch_hooks import watch

MIB = 2**20
RATES = {"SGD": 0.01, "AdamW": 0.001}
"""Sensible learning rates."""
VAL_IMAGES = 32


@dataclass(frozen=True)
class Setting:
    """What one variant trains with; every field ends in the truth row."""

    optimizer: str
    lr0: float
    cos_lr: bool
    warmup_epochs: float
    mosaic: float
    imgsz: int
    batch: int
    images: int
    epochs: int
    inverted: bool
    strength: float = 1.0
    at: int = 0
    wrong_weights: bool = False
    net: str = "yolo12n"

    @property
    def steps(self) -> int:
        """Batches of the whole training."""
        return self.epochs * -(-self.images // self.batch)


def draw(kind: str, variant: int) -> Setting:
    """Draw the setting of a variant."""
    rng = random.Random(f"yolo {kind} {variant}")
    optimizer = rng.choice(tuple(RATES))
    s = Setting(
        optimizer=optimizer, lr0=RATES[optimizer] * rng.choice((0.5, 1.0)), cos_lr=rng.random() < 0.5,
        warmup_epochs=rng.choice((0.0, 1.0, 3.0)), mosaic=rng.choice((0.0, 0.0, 1.0)), imgsz=64, batch=8,
        images=rng.choice((32, 48)), epochs=rng.choice((20, 24)), inverted=rng.random() < 0.5,
    )  # fmt: skip
    early = rng.randrange(int(0.2 * s.steps), int(0.35 * s.steps))
    late = rng.randrange(int(0.7 * s.steps), int(0.85 * s.steps))
    changes: dict[str, dict[str, Any]] = {
        "lr-high": {"optimizer": "SGD", "lr0": 10 ** rng.uniform(-0.3, 0)},
        "explosion-late": {"at": late, "strength": 10 ** rng.uniform(2, 3)},
        "nan-batch": {"at": (early + late) // 2},
        "host-leak": {"at": early, "strength": rng.uniform(6, 14)},
        "frozen-net": {"wrong_weights": True} if rng.random() < 0.5 else {"at": early, "strength": 0.0},
        "killed": {"at": rng.randrange(s.steps // 5, s.steps - 5)},
        "spent-lr": {"at": early, "strength": rng.choice((1e-5, 1e-3, 3e-3))},
    }
    return replace(s, **changes.get(kind, {}))


class Training:
    """One training with one planted fault.

    Args:
        kind: A key of ``planted.YOLO_KINDS``, or ``healthy``.
        variant: Which setting.
        seed: Which training of that setting.
        shared: Folder of the start weights and the data sets.
    """

    def __init__(self, kind: str, variant: int, seed: int, shared: Path) -> None:
        self.kind, self.variant, self.seed, self.shared = kind, variant, seed, shared
        self.s = draw(kind, variant)
        self.step = -1
        self.kept: list[bytearray] = []

    def truth(self) -> Truth:
        """Return what is known of this training."""
        s = self.s
        return Truth(
            id=f"{self.kind}-{self.variant:03d}-{self.seed}", kind=self.kind, variant=self.variant, seed=self.seed,
            half=half_of(self.kind, self.variant), onset_step=None if self.kind in (HEALTHY, "val-is-train") else s.at, steps=s.steps,
            epochs=s.epochs, allowed=(), setting=asdict(s),
        )  # fmt: skip

    def run(self, folder: Path) -> Truth:
        """Train, record, and return the truth (not reached where the process is killed)."""
        import ultralytics
        from ultralytics.utils import LOGGER

        LOGGER.setLevel(logging.ERROR)
        s, data = self.s, self._data()
        model = ultralytics.YOLO(str(cure.base_weights(self.shared)))
        model.add_callback("on_train_start", self._on_train_start)
        model.add_callback("on_train_batch_start", self._on_batch_start)
        model.add_callback("on_train_batch_end", self._on_batch_end)
        watch(model, report=False)
        try:
            model.train(
                trainer=self._trainer(), data=str(data), seed=self.seed, project=str(folder.parent), name=folder.name,
                exist_ok=True, device="cpu", workers=0, plots=False, verbose=False, patience=0, nbs=s.batch,
                optimizer=s.optimizer, lr0=s.lr0, cos_lr=s.cos_lr, warmup_epochs=s.warmup_epochs, warmup_bias_lr=0.0,
                mosaic=s.mosaic, close_mosaic=5 if s.mosaic else 0, imgsz=s.imgsz, batch=s.batch, epochs=s.epochs,
                save=self.kind == "nan-batch",  # its recovery needs last.pt
            )  # fmt: skip
        except RuntimeError as error:  # three NaN recoveries in vain end a training; that is what is recorded
            print(f"{folder.name}: {error}", flush=True)
        return self.truth()

    def _data(self) -> Path:
        """Write the data set of the variant once and return its ``data.yaml``."""
        name = f"{self.kind}-{self.variant}-{self.seed}"
        number = random.Random(f"yolo data {name}").randrange(10**6)
        made = cure.data_set(self.shared / name, number, self.s.images, self.s.inverted, VAL_IMAGES)
        if self.kind == "labels-missing":
            for labels in (made.parent / "labels/train").glob("*.txt"):
                labels.write_text("")
        elif self.kind == "val-is-train":
            made.write_text(made.read_text().replace("val: images/val", "val: images/train"))
        return made

    def _trainer(self) -> type:
        planted = self

        class Spoilt(cure.short_trainer(VAL_IMAGES)):  # type: ignore[misc]
            def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
                """Plant what is in the batch."""
                batch = dict(super().preprocess_batch(batch))
                if planted.kind == "nan-batch" and planted.step == planted.s.at:
                    batch["img"].view(-1)[0] = float("nan")
                return batch

        return Spoilt

    def _on_train_start(self, trainer: Any) -> None:
        if self.s.wrong_weights:
            for group in trainer.optimizer.param_groups:
                group["params"] = [nn.Parameter(p.detach().clone()) for p in group["params"]]

    def _on_batch_start(self, trainer: Any) -> None:
        self.step += 1
        if (
            self.kind in ("explosion-late", "frozen-net", "spent-lr")
            and self.s.strength != 1.0
            and self.step >= self.s.at
        ):
            for group in trainer.optimizer.param_groups:
                group["lr"] = group["initial_lr"] * trainer.lf(trainer.epoch) * self.s.strength

    def _on_batch_end(self, trainer: Any) -> None:
        if self.step < self.s.at:
            return
        if self.kind == "host-leak":
            block = bytearray(int(self.s.strength * MIB * self.s.epochs / self.s.steps))
            block[::4096] = b"x" * len(block[::4096])
            self.kept.append(block)
        elif self.kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)

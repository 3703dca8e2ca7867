"""accumulate: several small batches per optimizer step instead of a big one, and a learning rate that fits.

What it does:
    ``accumulate=4`` with ``batch=64`` trains with an effective batch of 256: Ultralytics is given ``nbs=256``. The
    learning rate is bound to the batch, ``lr0 = 0.01 * batch / 64``, with an explicit optimizer. Asked to
    (``fit_batch``), the batch is the largest whose trial step stays below a memory budget, and as many of them are
    accumulated as the wanted effective batch needs.

Why it matters:
    Activations take memory in proportion to the batch, the optimizer step does not care how its gradient was gathered.
    The source: on a T4 a batch of 256 had reached 15.2 of 16 GB in epoch 3, 64 x 4 stayed at 11.3 GB for 600 epochs.

How it works:
    Ultralytics has no argument ``accumulate``; it accumulates ``round(nbs / batch)`` micro-batches (ramped up from 1
    during the warm-up, kept after an out-of-memory retry halves the batch) and sums their losses. With
    ``optimizer=auto`` it ignores lr0, therefore the optimizer is named. Nobody in Ultralytics scales the learning
    rate; the gradient is clipped at 10 on nearly every step, so that the length of a step follows lr alone.
    ``fit_batch`` runs two training steps (forward, loss, backward, optimizer) of the model on synthetic images in a
    process of its own, at several batch sizes, and reads that process' peak memory.

Settings:
    accumulate = 4          micro-batches per optimizer step; ``{"accumulate": 4}`` is short for it. An nbs that you
                            give is kept, unless you give this, too, and the two contradict each other
    bind_lr = true          set lr0 from the batch (unless you give lr0)
    lr0_at_64 = null        rate for a batch of 64; null: 0.01, for Adam-type optimizers 0.001
    optimizer = "SGD"       used if you name none
    fit_batch = false       find the batch by trial; needs effective_batch or accumulate x batch as the goal
    effective_batch = null  images per optimizer step wanted; null: batch x accumulate
    memory_gib = null       budget of fit_batch; null: 80 % of what is free on the device

What it does not do:
    Batch normalisation still sees the small batch. Fewer optimizer steps per epoch are taken: on a small data set
    with fewer micro-batches per epoch than ``accumulate`` that is less than one step per epoch, which it warns of.

References:
    The seven techniques, 1.1 and 1.2. Ultralytics engine/trainer.py (_build_train_pipeline); default.yaml for the
    usual lr0 of SGD (1e-2) and Adam (1e-3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from trainwatch_hooks.stabilisers.base import Control, Request, SettingsError, Stabiliser, require

SOURCE_BATCH: Final = 64
ADAM_TYPE: Final = frozenset({"adam", "adamw", "adamax", "nadam", "radam", "rmsprop"})


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    accumulate: int = 4
    bind_lr: bool = True
    lr0_at_64: float | None = None
    optimizer: str = "SGD"
    fit_batch: bool = False
    effective_batch: int | None = None
    memory_gib: float | None = None

    def __post_init__(self) -> None:
        require(self.accumulate >= 1, f"accumulate is {self.accumulate}; it must be 1 or more")
        require(
            self.lr0_at_64 is None or 0 < self.lr0_at_64 <= 1,
            f"lr0_at_64 is {self.lr0_at_64}; it must lie between 0 and 1",
        )
        require(self.optimizer.lower() != "auto", "optimizer is auto, which ignores lr0; name one, e.g. SGD")
        require(
            self.effective_batch is None or self.effective_batch >= 1,
            f"effective_batch is {self.effective_batch}; it must be 1 or more",
        )
        require(self.memory_gib is None or self.memory_gib > 0, f"memory_gib is {self.memory_gib}; it must be positive")
        require(
            self.fit_batch or self.memory_gib is None, "memory_gib is the budget of fit_batch; set fit_batch: true, too"
        )


def lr0(batch: int, optimizer: str, at_64: float | None = None) -> float:
    """Return the learning rate for a batch (images per micro-batch): proportional, 0.01 (Adam: 0.001) at 64.

    Args:
        batch: Images per micro-batch.
        optimizer: Ultralytics' name of it.
        at_64: Rate for a batch of 64 instead.
    """
    if at_64 is None:
        at_64 = 0.001 if optimizer.lower() in ADAM_TYPE else 0.01
    return float(f"{min(at_64 * batch / SOURCE_BATCH, 1.0):.6g}")


class Accumulate(Stabiliser):
    """Sets nbs, lr0 and optimizer; see the module's text."""

    settings_type = Settings
    shorthand = "accumulate"

    def arguments(self, request: Request) -> dict[str, Any]:
        """Turn the settings into Ultralytics' arguments; refuse what contradicts them."""
        settings, given = self.settings, request.given
        batch = request.value("batch")
        if isinstance(batch, float) and batch >= 1 and batch.is_integer():
            batch = int(batch)
        wanted: dict[str, Any] = {}
        if settings.fit_batch and not request.goes_on:
            batch, effective = self._fitted(request)
            wanted["batch"] = batch
        else:
            if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
                chosen = isinstance(batch, int | float) and batch < 1
                raise SettingsError(
                    f"accumulate: batch={batch!r} {'lets the trainer choose the batch' if chosen else 'is no whole number'}, "
                    "so that nbs and lr0 cannot be bound to it; give batch as a number of images, or fit_batch: true"
                )
            effective = self._effective(batch)
        nbs = given.get("nbs")
        if nbs is not None and not {"accumulate", "effective_batch", "fit_batch"} & self.explicit:
            return self._learning_rate(request, batch)  # asked for in Ultralytics' own words
        if nbs is not None and nbs != effective:
            raise SettingsError(
                f"accumulate: nbs={nbs} contradicts an effective batch of {effective} "
                f"({batch} x {max(round(effective / batch), 1)}); leave nbs out, or set accumulate: {max(round(nbs / batch), 1)}"
            )
        wanted["nbs"] = effective
        return wanted | self._learning_rate(request, batch)

    def _effective(self, batch: int) -> int:
        settings = self.settings
        effective = int(batch * settings.accumulate)
        if settings.effective_batch is None:
            return effective
        if "accumulate" in self.explicit and settings.effective_batch != effective:
            raise SettingsError(
                f"accumulate: {settings.accumulate} x batch={batch} is {effective}, not "
                f"effective_batch={settings.effective_batch}; give one of accumulate and effective_batch"
            )
        if settings.effective_batch % batch:
            raise SettingsError(
                f"accumulate: effective_batch={settings.effective_batch} is no multiple of batch={batch}; "
                f"use {batch * max(round(settings.effective_batch / batch), 1)}"
            )
        return int(settings.effective_batch)

    def _fitted(self, request: Request) -> tuple[int, int]:
        from trainwatch_hooks.stabilisers import _fit_batch

        if "batch" in request.given and self.settings.effective_batch is not None:
            raise SettingsError(
                f"accumulate: fit_batch finds the batch itself; leave batch={request.given['batch']} out"
            )
        batch = request.value("batch")
        effective = self.settings.effective_batch or (
            int(batch) * self.settings.accumulate if isinstance(batch, int) and batch > 0 else None
        )
        if effective is None:
            raise SettingsError("accumulate: fit_batch needs a goal; give effective_batch, e.g. 256")
        return _fit_batch.find(request, int(effective), self.settings.memory_gib), int(effective)

    def _learning_rate(self, request: Request, batch: int) -> dict[str, Any]:
        settings, given = self.settings, request.given
        if not settings.bind_lr:
            return {}
        named = str(given.get("optimizer", settings.optimizer))
        if named.lower() == "auto":
            raise SettingsError(
                "accumulate: optimizer=auto ignores lr0, so that it cannot be bound to the batch; "
                "name an optimizer (optimizer=SGD), or set bind_lr: false"
            )
        wanted: dict[str, Any] = {} if "optimizer" in given else {"optimizer": named}
        if "lr0" not in given:
            wanted["lr0"] = lr0(batch, named, settings.lr0_at_64)
        elif {"lr0_at_64", "bind_lr"} & self.explicit:
            raise SettingsError(
                f"accumulate: lr0={given['lr0']} contradicts a rate bound to the batch "
                f"({lr0(batch, named, settings.lr0_at_64):g}); leave lr0 out, or set bind_lr: false"
            )
        return wanted

    def setup(self, control: Control) -> None:
        """Warn where the data set is too small for it."""
        batches, accumulate = len(control.trainer.train_loader), int(control.trainer.accumulate)
        if batches < accumulate:
            control.note(
                "warning",
                f"less than one optimizer step per epoch: {batches} micro-batches, {accumulate} accumulated; "
                "use a smaller accumulate",
                micro_batches_per_epoch=batches,
                accumulate=accumulate,
            )

"""What a stabiliser is: settings, the arguments it wants, and the moments at which it may act.

    before the training    arguments()   what the trainer must be started with; contradictions are refused here
    everything is set up   setup()       optimizer, loaders, EMA and scheduler exist, the loop has not begun
    per epoch              epoch_start() trained() epoch_end() saved()
    per micro-batch        batch_end()
    the end                train_end() teardown()

All moments come after the recorder's own, so that a row or an epoch is on record when a stabiliser acts on it. An
exception inside a moment switches that stabiliser off, is recorded as a warning, and leaves the training alone.

Each member of this folder defines one :class:`Stabiliser` and its frozen settings; the file name is the key in
``watch(model, stabilise={...})``. Nothing here is imported unless a training was asked to be stabilised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from trainwatch_hooks.environment import world_size
from trainwatch_hooks.schema import EventKind

EndReason = Literal["early-stop", "stopped"]

SOURCE_EPOCHS: Final = 600
"""Length of the training that the numbers of the seven techniques were given for; epochs scale from it."""


class SettingsError(ValueError):
    """Settings that cannot work; the message is one line: what is wrong, and the way out."""


@dataclass(frozen=True, slots=True)
class Request:
    """The training that is about to start, as the user asked for it.

    Attributes:
        given: Arguments that the user gave.
        defaults: The trainer's default arguments.
        model: Name of the model, e.g. ``yolo12n``.
        goes_on: Whether a training goes on with changed arguments: ``given`` are the changes, ``defaults`` the rest.
    """

    given: Mapping[str, Any]
    defaults: Mapping[str, Any]
    model: str = ""
    goes_on: bool = False

    def value(self, name: str) -> Any:
        """Return the argument in force."""
        return self.given.get(name, self.defaults.get(name))

    @property
    def epochs(self) -> int:
        """Planned epochs."""
        return int(self.value("epochs") or 100)


@dataclass(slots=True)
class Control:
    """One training as a stabiliser sees it.

    Attributes:
        trainer: The Ultralytics trainer.
        session: The recording of this training (None if recording failed); its ``recorder`` takes events.
        folder: Where files of ours may go, ``<run dir>/trainwatch``.
        batch: Micro-batch within the epoch, from 0; -1 before the first.
        last_step: Iteration (micro-batches from the start) of the last optimizer step, -1 before the first.
        active: The stabilisers of this training by name, in the order in which they act.
        speaker: Name of the stabiliser that acts now; events carry it as their source.
    """

    trainer: Any
    session: Any
    folder: Path
    batch: int = -1
    last_step: int = -1
    active: dict[str, Stabiliser] = field(default_factory=dict)
    speaker: str = ""

    def note(self, kind: EventKind, message: str, **data: Any) -> None:
        """Record an event with the acting stabiliser as its source. Never raises."""
        if self.session is not None:
            self.session.recorder.event(kind, message, source=f"stabiliser/{self.speaker}", **data)

    def stop(self, reason: EndReason, message: str, **data: Any) -> None:
        """End the training after this epoch (at once after this micro-batch if a single process trains).

        Args:
            reason: ``early-stop`` (nothing left to gain) or ``stopped`` (it cannot go on).
            message: Why, one sentence.
            **data: Details for the record.
        """
        self.trainer.stop = True
        if self.session is not None:
            self.session.stop_reason = (reason, message, {**data, "by": self.speaker})

    @property
    def epoch(self) -> int:
        """Epoch, from 0."""
        return int(self.trainer.epoch)

    @property
    def epochs(self) -> int:
        """Planned epochs."""
        return int(self.trainer.epochs)

    @property
    def iteration(self) -> int:
        """Micro-batches from the start, as the trainer counts them."""
        return self.batch + len(self.trainer.train_loader) * self.epoch

    @property
    def model(self) -> Any:
        """The bare model."""
        return unwrap(self.trainer.model)

    @property
    def grad_norm(self) -> Any:
        """Total gradient norm before clipping of the optimizer step under way (0-d tensor), None outside of one."""
        norms = getattr(self.session, "grad_norm", None)
        return None if norms is None else norms.total

    @property
    def main_process(self) -> bool:
        """Whether this process writes files and decides (rank 0, or alone)."""
        from ultralytics.utils import RANK

        return RANK in (-1, 0)

    @property
    def distributed(self) -> bool:
        """Whether several processes train together."""
        return world_size(self.trainer) > 1


class Stabiliser:
    """One action on a training. Subclasses override the moments that they need.

    Args:
        settings: An instance of the class' ``settings_type``.
        explicit: Names of the settings that the user gave.
    """

    settings_type: ClassVar[type]
    """The frozen dataclass of its settings; raises :class:`SettingsError` in ``__post_init__`` on values that cannot work."""
    order: ClassVar[int] = 50
    """Place among the others at every moment; the checkpoints come last (90), what they save has then happened."""
    shorthand: ClassVar[str | None] = None
    """Setting that a bare value stands for, as in ``{"accumulate": 4}``."""

    def __init__(self, settings: Any, explicit: frozenset[str] = frozenset()) -> None:
        self.settings = settings
        self.explicit = explicit

    @property
    def name(self) -> str:
        """Key in the settings: the file's name."""
        return type(self).__module__.rsplit(".", 1)[-1]

    def arguments(self, request: Request) -> dict[str, Any]:
        """Return the arguments that the trainer must be started with.

        Raises:
            SettingsError: If the settings contradict the request.
        """
        return {}

    def setup(self, control: Control) -> None:
        """Everything is ready; the loop has not begun."""

    def epoch_start(self, control: Control) -> None:
        """An epoch begins, or begins anew."""

    def batch_end(self, control: Control) -> None:
        """A micro-batch is done."""

    def trained(self, control: Control) -> None:
        """The epoch's batches are done, validation has not begun."""

    def epoch_end(self, control: Control) -> None:
        """The epoch is validated."""

    def saved(self, control: Control) -> None:
        """All stabilisers have ended the epoch: the moment to write it down."""

    def train_end(self, control: Control) -> None:
        """The training came to its end (not on exceptions)."""

    def teardown(self, control: Control) -> None:
        """The trainer lets go, also after an exception: undo what outlives it."""

    def changes(self, control: Control) -> dict[int, str]:
        """Return the epochs (from 0) at which this stabiliser changes the regime, and how: ``stage``, ``lr_restart``."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must keep of this stabiliser (plain types and tensors)."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the state again."""


def unwrap(model: Any) -> Any:
    """Return the bare model inside compile and parallel wrappers."""
    while True:
        inner = getattr(model, "_orig_mod", None) or getattr(model, "module", None)
        if inner is None:
            return model
        model = inner


def scaled(epochs_of_600: float, epochs: int, least: int = 1) -> int:
    """Scale a number of epochs from the source's 600 to another length.

    Args:
        epochs_of_600: Number that the source gives for a training of 600 epochs.
        epochs: Planned epochs.
        least: Smallest result.
    """
    return max(least, round(epochs_of_600 * epochs / SOURCE_EPOCHS))


def boundary(value: float, epochs: int) -> int:
    """Turn a boundary into an epoch: a fraction of the training if below 1, else an epoch, from 0.

    Args:
        value: 0.5 (half way) or 300 (epoch 300).
        epochs: Planned epochs.
    """
    return round(value * epochs) if 0 < value < 1 else round(value)


def require(condition: bool, message: str) -> None:
    """Raise :class:`SettingsError` unless the condition holds."""
    if not condition:
        raise SettingsError(message)

"""Puts stabilisers into an Ultralytics training: their arguments before it starts, their moments while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any

from trainwatch_hooks.schema import FOLDER
from trainwatch_hooks.stabilisers import _settings
from trainwatch_hooks.stabilisers.base import Control, Request, SettingsError, Stabiliser
from trainwatch_hooks.trainers.ultralytics import UltralyticsHook

EVENTS = (
    "on_pretrain_routine_end",
    "on_train_epoch_start",
    "on_train_batch_start",
    "on_train_batch_end",
    "on_train_epoch_end",
    "on_fit_epoch_end",
    "on_train_end",
    "teardown",
)


def attach(model: Any, recording: UltralyticsHook, stabilisers: Sequence[Stabiliser]) -> StabiliserHook:
    """Stabilise every training of a model (or the one of a trainer) from now on.

    Args:
        model: The model or trainer, already recorded by ``recording``.
        recording: Receives the events.
        stabilisers: Prototypes; every training gets its own.

    Raises:
        SettingsError: If a trainer's arguments contradict the settings.
    """
    hook = StabiliserHook(recording, stabilisers)
    for event in EVENTS:
        model.add_callback(event, getattr(hook, event))
    if hasattr(model, "overrides"):
        model.train = StabilisedTrain(model, stabilisers, hook, vars(model).get("train"))
    else:
        _apply(model, stabilisers)
    return hook


def resolve(stabilisers: Sequence[Stabiliser], request: Request) -> dict[str, Any]:
    """Collect what the trainer must be started with, over what the user asked for.

    Raises:
        SettingsError: If settings contradict the request, or each other.
    """
    wanted: dict[str, Any] = {}
    owner: dict[str, str] = {}
    for stabiliser in stabilisers:
        for name, value in stabiliser.arguments(request).items():
            if name in wanted and wanted[name] != value:
                raise SettingsError(
                    f"{owner[name]} wants {name}={wanted[name]} and {stabiliser.name} wants {name}={value}; "
                    f"give {name} yourself, or switch one of them off"
                )
            wanted[name], owner[name] = value, stabiliser.name
    return wanted


class StabilisedTrain:
    """``model.train`` with the stabilisers' arguments; a class, so that a model can be copied and pickled.

    Args:
        model: The model.
        stabilisers: What to resolve against the user's arguments.
        hook: Lets go of what outlives a training, also where the trainer does not call ``teardown`` on an exception.
        own: A ``train`` that somebody else had put on the instance; None: the class' own.
    """

    def __init__(
        self, model: Any, stabilisers: Sequence[Stabiliser], hook: StabiliserHook, own: Callable[..., Any] | None
    ) -> None:
        self.model = model
        self.stabilisers = list(stabilisers)
        self.hook = hook
        self.own = own

    def __call__(self, trainer: Any = None, **kwargs: Any) -> Any:
        """Train; arguments and result as Ultralytics'."""
        from ultralytics.utils import DEFAULT_CFG_DICT

        model = self.model
        given = {**model.overrides, **_cfg_file(kwargs.get("cfg")), **kwargs}
        name = str(given.get("model") or getattr(model, "model_name", ""))
        extra: dict[str, Any] = {}
        if _goes_on(model, given.get("resume")):
            self._say_unused(given, name)  # the arguments in the checkpoint count
        else:
            given = {k: v for k, v in given.items() if v != DEFAULT_CFG_DICT.get(k) or k in kwargs}
            extra = resolve(self.stabilisers, Request(given, DEFAULT_CFG_DICT, name))
            _tell(self.stabilisers, extra)
        try:
            return self.bare(trainer=trainer, **{**kwargs, **extra})
        finally:
            self.hook.teardown(None)

    @property
    def bare(self) -> Callable[..., Any]:
        """The ``train`` below."""
        if self.own is not None:
            return self.own
        return partial(type(self.model).train, self.model)

    def _say_unused(self, given: Mapping[str, Any], name: str) -> None:
        """Say which arguments of the stabilisers a checkpoint of Ultralytics does not have; it will not take them."""
        saved = (getattr(self.model, "ckpt", None) or {}).get("train_args") or {}
        try:
            wanted = resolve(self.stabilisers, Request({}, {**given, **saved}, name, goes_on=True))
        except SettingsError as error:
            print(f"trainwatch: {error}", file=sys.stderr)
            return
        missing = {k: v for k, v in wanted.items() if saved.get(k) != v}
        if saved and missing:
            words = " ".join(f"{k}={v}" for k, v in missing.items())
            print(f"trainwatch: this resume keeps the checkpoint's arguments, not: {words}", file=sys.stderr)


def _tell(stabilisers: Sequence[Stabiliser], arguments: Mapping[str, Any]) -> None:
    """Say before the training which stabilisers act, and which arguments are theirs."""
    print(f"trainwatch: stabilised by {', '.join(s.name for s in stabilisers)}", file=sys.stderr)
    if arguments:
        print(f"trainwatch: sets {' '.join(f'{k}={v}' for k, v in arguments.items())}", file=sys.stderr)


def _goes_on(model: Any, resume: Any) -> bool:
    """Whether Ultralytics will resume; asked to without a checkpoint that can be, it begins a new training."""
    if resume is not True:
        return bool(resume)
    checkpoint = getattr(model, "ckpt", None) or {}
    return int(checkpoint.get("epoch", -1)) >= 0 and checkpoint.get("optimizer") is not None


def _cfg_file(path: Any) -> dict[str, Any]:
    """Read the arguments of ``cfg=``; a file that cannot be read is the trainer's to complain about."""
    if not path:
        return {}
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return dict(content) if isinstance(content, Mapping) else {}


def _apply(trainer: Any, stabilisers: Sequence[Stabiliser]) -> None:
    """Set the arguments of a trainer that is built but has not begun."""
    from ultralytics.utils import DEFAULT_CFG_DICT

    args = vars(trainer.args)
    given = {k: v for k, v in args.items() if DEFAULT_CFG_DICT.get(k) != v}
    for name, value in resolve(stabilisers, Request(given, DEFAULT_CFG_DICT, str(trainer.args.model))).items():
        setattr(trainer.args, name, value)
        if name == "batch":
            trainer.batch_size = value


class StabiliserHook:
    """The callbacks of one stabilised model; pickled with them when Ultralytics launches distributed workers."""

    def __init__(self, recording: UltralyticsHook, stabilisers: Sequence[Stabiliser]) -> None:
        self._recording = recording
        self._prototypes = list(stabilisers)
        self.control: Control | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_recording": self._recording, "_prototypes": self._prototypes, "control": None}

    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """Everything is set up: begin."""
        session = self._recording.session
        control = Control(trainer, session, Path(trainer.save_dir) / FOLDER)
        for prototype in sorted(self._prototypes, key=lambda s: (s.order, s.name)):
            control.active[prototype.name] = type(prototype)(prototype.settings, prototype.explicit)
        self.control = control
        if session is not None:
            session.recorder.update_meta(stabilisers=_settings.in_force(control.active.values()))
        self._count_steps(control)
        self._moment("setup")

    def on_train_epoch_start(self, trainer: Any) -> None:
        """An epoch begins, or begins anew."""
        if self.control is not None:
            self.control.batch = -1
            self._moment("epoch_start")

    def on_train_batch_start(self, trainer: Any) -> None:
        """Count micro-batches."""
        if self.control is not None:
            self.control.batch += 1

    def on_train_batch_end(self, trainer: Any) -> None:
        """A micro-batch is done."""
        self._moment("batch_end")

    def on_train_epoch_end(self, trainer: Any) -> None:
        """The epoch's batches are done."""
        self._moment("trained")

    def on_fit_epoch_end(self, trainer: Any) -> None:
        """The epoch is over; the extra call after the training is none."""
        control = self.control
        if control is not None and control.batch >= 0:
            self._moment("epoch_end")
            self._moment("saved")
            control.batch = -1

    def on_train_end(self, trainer: Any) -> None:
        """The training came to its end."""
        self._moment("train_end")

    def teardown(self, trainer: Any) -> None:
        """Undo what outlives the training."""
        self._moment("teardown")
        self.control = None

    def _moment(self, name: str) -> None:
        control = self.control
        if control is None:
            return
        for key, stabiliser in list(control.active.items()):
            control.speaker = key
            try:
                getattr(stabiliser, name)(control)
            except Exception as error:
                del control.active[key]
                control.note(
                    "warning",
                    f"{key} failed and is switched off ({type(error).__name__}: {error})",
                    moment=name,
                )
                self._report(control, key, error)
                if name != "teardown":
                    self._let_go(control, key, stabiliser)

    @staticmethod
    def _report(control: Control, key: str, error: Exception) -> None:
        if control.session is not None:
            control.session.recorder.guard.report(f"stabiliser {key}", error)

    def _let_go(self, control: Control, key: str, stabiliser: Stabiliser) -> None:
        try:
            stabiliser.teardown(control)
        except Exception as error:
            self._report(control, key, error)

    @staticmethod
    def _count_steps(control: Control) -> None:
        """Remember at which iteration the optimizer stepped last."""
        step = control.trainer.optimizer_step

        @wraps(step)
        def optimizer_step() -> None:
            step()
            control.last_step = control.iteration

        control.trainer.optimizer_step = optimizer_step


def settings_of(meta: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the stabilisers that ``run.json`` records, as :func:`_settings.parse` takes them."""
    found = meta.get("stabilisers")
    return dict(found) if isinstance(found, Mapping) else None

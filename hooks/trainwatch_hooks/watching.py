"""``watch(model)``: record its trainings and, asked to, stabilise them. The one place that knows both sides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from trainwatch_hooks import switches
from trainwatch_hooks.trainers.ultralytics import record

M = TypeVar("M")

OURS = "trainwatch_hooks."
"""Where the callbacks of an earlier call come from."""


def watch(
    model: M,
    *,
    stabilise: bool | str | os.PathLike[str] | Mapping[str, Any] | None = None,
    probes: Any = None,
    report: bool = True,
    rows_per_segment: int = 4096,
    fsync_seconds: float = 5.0,
) -> M:
    """Record every training of an Ultralytics model from now on, into ``<save_dir>/trainwatch/``.

    Of several calls for one model the last one counts.

    Args:
        model: A ``YOLO`` (or other Ultralytics) model, or a trainer; anything with ``add_callback``.
        stabilise: None: only record, the training stays bit for bit what it was. True: all stabilisers with their
            defaults. A mapping from stabiliser to True, False or settings: exactly those (``{"all": True, ...}``: the
            others, too). A path: a YAML file with such a mapping.
        probes: None: all. A mapping from a probe to True, False or the steps between its readings (``{"nonfinite": False,
            "update_ratio": 50}``): the others stay on. A set of names: exactly those.
        report: Write ``report.html`` when a training ends in an exception.
        rows_per_segment: Step rows per Parquet file.
        fsync_seconds: What a power loss may take at most (seconds).

    Returns:
        The same model.

    Raises:
        TypeError: If the model has no ``add_callback``.
        ProbesError: If ``probes`` names one that does not exist.
        SettingsError: If ``stabilise`` is wrong; ``model.train()`` raises it where settings contradict its arguments.
    """
    stabilisers = None
    if stabilise is not None and stabilise is not False:
        from trainwatch_hooks.stabilisers import _engine, _settings

        stabilisers = _settings.parse(stabilise)
    parsed = switches.parse(probes)
    _forget(model)
    hook = record(model, probes=parsed, report=report, rows_per_segment=rows_per_segment, fsync_seconds=fsync_seconds)
    if stabilisers:
        _engine.attach(model, hook, stabilisers)
    return model


def _forget(model: Any) -> None:
    """Take off what an earlier call put on: two recorders of one training would spoil each other's files."""
    registered = getattr(model, "callbacks", None)
    for callbacks in registered.values() if isinstance(registered, Mapping) else ():
        callbacks[:] = [c for c in callbacks if not type(getattr(c, "__self__", None)).__module__.startswith(OURS)]
    earlier: Any = getattr(model, "__dict__", {}).get("train")
    if type(earlier).__module__.startswith(OURS):
        if earlier.own is None:
            del model.train
        else:
            model.train = earlier.own

"""Small readings of the trainer's arguments that several pieces of advice need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwatch.result import Change, Context, Finding

MEMORY = ("out-of-memory", "near-memory-limit", "memory-creep", "memory-fragmentation")
"""Findings with which nothing may be advised that needs more device memory."""

HOST_MEMORY = ("host-memory-creep", "killed")
"""Findings with which nothing may be advised that needs more host memory."""

DIVERGED = (
    "gradient-explosion", "loss-explosion", "nonfinite-loss", "nonfinite-validation", "dead-output", "amp-scale-collapse",
    "unstable-training",
)  # fmt: skip
"""Findings with which no learning rate may be raised."""


IN_THE_BATCH = ("input", "loss term")
"""Places of the recorder's trace at which images or labels made the number."""


def has(findings: Sequence[Finding], ids: Sequence[str], *, least: str = "warning") -> bool:
    """Tell whether one of these findings was made, at least that severe."""
    return bool(answered(findings, ids, least=least))


def number(args: Mapping[str, Any], name: str) -> float | None:
    """Return a numeric argument; None if it is absent or something else (bool is no number)."""
    value = args.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e9:
        return None  # no such argument is that large; NaN falls here, too
    return float(value)


def answered(findings: Sequence[Finding], ids: Sequence[str], *, least: str = "warning") -> list[Finding]:
    """Return the findings with these ids that are at least that severe, worst first."""
    allowed = {"critical": ("critical",), "warning": ("critical", "warning"), "info": ("critical", "warning", "info")}
    return [f for f in findings if f.id in ids and f.severity in allowed[least]]


def traced(findings: Sequence[Finding]) -> Mapping[str, Any]:
    """Return where a loss that is not finite began, as the recorder traced it; empty if it did not.

    Returns:
        ``place``, ``name``, ``about``, ``step``, ``images`` (a few) and ``image_count``, or nothing.
    """
    origins = (f.detail.get("origin") for f in findings if f.id == "nonfinite-loss")
    return next((o for o in origins if isinstance(o, Mapping)), {})


def suspect_batch(findings: Sequence[Finding]) -> Finding | None:
    """Return the loss that became NaN for good where the evidence points at a batch and not at the rate; None if it does not.

    Every attempt failed at the same batches, the input was not finite, or only a term of the loss was not; and neither the
    gradient norm nor the size of the updates had grown before.
    """
    for finding in answered(findings, ("nonfinite-loss",), least="critical"):
        grew = finding.detail.get("precursor_steps") or finding.detail.get("update_precursor_steps")
        if not grew and (finding.detail.get("same_batches") or traced([finding]).get("place") in IN_THE_BATCH):
            return finding
    return None


def half_precision(context: Context) -> bool:
    """Tell whether half precision was in force."""
    on_cpu = str(context.args.get("device") or "").lower() in ("cpu", "mps")
    return context.args.get("amp", True) not in (False, "fp32") and not on_cpu


def effective_batch(context: Context) -> tuple[int, int] | None:
    """Return images per micro-batch and micro-batches per optimizer step in force, None if unknown.

    Without a recorded ``accumulate`` it is Ultralytics' ``max(round(nbs / batch), 1)`` (engine/trainer.py).
    """
    batch = number(context.args, "batch")
    if batch is None or batch < 1 or batch != int(batch):
        return None
    accumulate = context.accumulate or max(round((number(context.args, "nbs") or 64.0) / batch), 1)
    return int(batch), int(accumulate)


def images_per_step(context: Context) -> int | None:
    """Return the images per optimizer step in force, None if unknown."""
    in_force = effective_batch(context)
    return in_force[0] * in_force[1] if in_force else None


def explicit_optimizer(context: Context) -> tuple[Change, ...]:
    """Name the optimizer if ``auto`` was asked for, because ``auto`` ignores ``lr0`` and ``momentum``."""
    asked = str(context.requested.get("optimizer", "auto"))
    in_force = str(context.args.get("optimizer", "auto"))
    if asked.lower() != "auto" and in_force.lower() != "auto":
        return ()
    return (Change("optimizer", "auto", "AdamW" if in_force.lower() == "auto" else in_force),)


def significant(value: float, digits: int = 2) -> float:
    """Round to significant digits, so that nobody has to type 0.0024999."""
    return float(f"{value:.{digits}g}")


def changed(args: Mapping[str, Any], **new: Any) -> tuple[Change, ...]:
    """Return a change per argument that is not at its new value yet."""
    return tuple(Change(name, args.get(name), value) for name, value in new.items() if args.get(name) != value)


def copy_paste_by_scale() -> dict[str, float]:
    """Return ``copy_paste`` for each model scale: README of the YOLOv12 authors (600-epoch recipe)."""
    return {"n": 0.1, "s": 0.15, "m": 0.4, "b": 0.4, "l": 0.5, "x": 0.6}


def raised(context: Context, name: str, value: float) -> list[Change]:
    """Return a change that raises an argument to a value; none if it is as high already."""
    old = number(context.args, name)
    return [] if old is not None and old >= value else [Change(name, old, value)]


def whole(context: Context, name: str) -> int | None:
    """Return an argument that is a whole number, None if it is not."""
    value = number(context.args, name)
    return int(value) if value is not None and value == int(value) else None

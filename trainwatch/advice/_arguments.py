"""Small readings of the trainer's arguments that several pieces of advice need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwatch.result import Change, Context, Finding


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


def effective_batch(context: Context) -> tuple[int, int] | None:
    """Return images per micro-batch and micro-batches per optimizer step in force, None if unknown.

    Without a recorded ``accumulate`` it is Ultralytics' ``max(round(nbs / batch), 1)`` (engine/trainer.py).
    """
    batch = number(context.args, "batch")
    if batch is None or batch < 1 or batch != int(batch):
        return None
    accumulate = context.accumulate or max(round((number(context.args, "nbs") or 64.0) / batch), 1)
    return int(batch), int(accumulate)


def explicit_optimizer(context: Context) -> tuple[Change, ...]:
    """Name the optimizer if ``auto`` was asked for, because ``auto`` ignores ``lr0`` and ``momentum``."""
    asked = str(context.requested.get("optimizer", "auto"))
    in_force = str(context.args.get("optimizer", "auto"))
    if asked.lower() != "auto" and in_force.lower() != "auto":
        return ()
    return (Change("optimizer", "auto", "AdamW" if in_force.lower() == "auto" else in_force),)


def weights(context: Context, name: str | None) -> str | None:
    """Return a checkpoint's path as the user would type it."""
    return f"{context.run_dir.rstrip('/')}/{name}" if name else None


def significant(value: float, digits: int = 2) -> float:
    """Round to significant digits, so that nobody has to type 0.0024999."""
    return float(f"{value:.{digits}g}")


def changed(args: Mapping[str, Any], **new: Any) -> tuple[Change, ...]:
    """Return a change per argument that is not at its new value yet."""
    return tuple(Change(name, args.get(name), value) for name, value in new.items() if args.get(name) != value)

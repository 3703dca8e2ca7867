"""From a run that is being written to one frame."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from trainwatch.frame import Frame, Warned
from trainwatch.live.progress import Memory, memory_now, progress
from trainwatch.reports.wording import size
from trainwatch.result import Analysis, Finding
from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.ending import SILENT_S, last_sign_of_life_s

TOLD = (
    "warning", "nan_recovery", "oom", "exception", "signal", "intervention", "stage", "lr_restart", "mosaic_closed", "hang",
    "dropped",
)  # fmt: skip
"""Kinds of events that are worth a line."""
MAX_EVENTS = 4
MAX_PANELS = 6
REPEATS = ("loss_raw",)
"""Panels that show at this size what another one shows."""
EPOCHS_SILENT = 3.0
"""A log of epochs without our marks that has not changed for so many epochs, and ten minutes, has ended."""


def take_frame(path: str, run: Run, analysis: Analysis, *, read_s: float = 0.0, now_s: float | None = None) -> Frame:
    """Describe a run now.

    Args:
        path: Run, as the user named it.
        run: What was read just now.
        analysis: What was found in it, perhaps a little earlier.
        read_s: Seconds that reading took.
        now_s: Unix time; default: the clock.
    """
    now = time.time() if now_s is None else now_s
    done = progress(run, now)
    ending = how_it_ended(run, now_s=now)
    running = ending.kind == "running" or (
        run.source != "trainwatch" and ending.kind in ("truncated", "unknown") and _fresh(run, done.epoch_s, now)
    )
    seen = [p for p in analysis.page.panels if p.curves and not p.id.endswith("_close") and p.id not in REPEATS]
    return Frame(
        path=path,
        state="running" if running else "ended",
        message="" if running else ending.reason,
        epoch=done.epoch,
        planned=done.planned,
        share=done.share,
        step=run.step_rows,
        step_s=done.step_s,
        epoch_s=done.epoch_s,
        elapsed_s=done.elapsed_s,
        taken_s=now,
        remaining_s=done.remaining_s if running else None,
        last_sign_s=last_sign_of_life_s(run) if run.source == "trainwatch" else _changed_s(run.path),
        memory=_memory(memory_now(run), analysis.findings, analysis.page.first_epoch),
        panels=tuple(sorted(seen, key=lambda p: not p.evidence)[:MAX_PANELS]),
        warned=tuple(Warned(f.severity, f.id, f.title) for f in analysis.findings),
        events=_events(run.events),
        read_s=read_s,
        status=analysis.verdict.status,
        headline=_headline(run, analysis, running),
    )


def _headline(run: Run, analysis: Analysis, running: bool) -> str:
    """Return the verdict; of a run that goes on without what the frame says itself, and in newer numbers."""
    if not running or analysis.verdict.cause is not None:
        return analysis.verdict.headline
    if not run.step_rows and not run.epochs_done:
        return "no step has ended yet"
    if analysis.verdict.status == "unknown":
        return "too early to judge"
    return "nothing wrong so far" if analysis.verdict.status == "healthy" else analysis.verdict.headline


def _fresh(run: Run, epoch_s: float | None, now_s: float) -> bool:
    return now_s - _changed_s(run.path) < max(SILENT_S, EPOCHS_SILENT * (epoch_s or 0.0))


def _changed_s(path: Path) -> float:
    """Return when a log, or the newest file of its folder, was last written."""
    try:
        files = [p for p in path.iterdir() if p.is_file()] if path.is_dir() else [path]
        return max((f.stat().st_mtime for f in files), default=0.0)
    except OSError:
        return 0.0


def _memory(memory: Memory | None, findings: Sequence[Finding], first_epoch: int) -> str:
    if memory is None:
        return ""
    limit = f" of {size(memory.limit)} ({100 * memory.used / memory.limit:.0f} %)" if memory.limit else ""
    text = f"{size(memory.used)}{limit}"
    wanted = "memory-creep" if memory.what == "device memory" else "host-memory-creep"
    creep = next((f for f in findings if f.id == wanted), None)
    if creep is None:
        return f"{text}, no steady growth found"
    at, low, high = (creep.detail.get(k) for k in ("forecast_epoch", "forecast_epoch_low", "forecast_epoch_high"))
    growth = f"{size(creep.measured.value)} more per epoch" if creep.measured else "growing"
    if at is None:
        return f"{text}, {growth}"
    between = f" ({low + first_epoch:.0f} to {high + first_epoch:.0f})" if low is not None and high is not None else ""
    return f"{text}, {growth}: the limit is reached in epoch {at + first_epoch:.0f}{between}"


def _events(events: Sequence[dict[str, object]]) -> tuple[str, ...]:
    told = [e for e in events if e.get("kind") in TOLD][-MAX_EVENTS:]
    return tuple(f"{str(e['kind']).replace('_', ' ')}: {e.get('message') or ''}" for e in reversed(told))

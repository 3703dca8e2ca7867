"""The training ran out of memory, on the device or on the host.

What it does:
    Reports every allocation failure in the record: the one that ended the training (critical) and those that the
    trainer caught and retried with a smaller batch (warning). It says which memory was exhausted and how much was
    asked for, if the message tells it, and names the allocator's snapshot where one was kept.

Why it matters:
    Ultralytics retries only in the first epoch, on one GPU, at most three times, and halves the batch each time: the
    run that goes on is another one than was asked for. Later failures end the run.

How it decides:
    Events of kind ``oom``, and exceptions whose type or message carries a known text: torch's CUDA allocator, torch's
    CPU allocator ("can't allocate memory"), MemoryError, errno 12 (ENOMEM), and CUDNN_STATUS_INTERNAL_ERROR,
    CUBLAS_STATUS_ALLOC_FAILED, "unable to find an engine", which are the same failure in disguise. On the host it names the
    limit that was in force when it failed (address space, container, machine), where the recorder read it; without that it
    says so, and compares with none. Fatal is the event
    that ended the record; all others were survived. No statistic is involved.

What to do:
    Lower ``batch`` and keep ``nbs``, so that accumulation restores the effective batch; then ``imgsz``; then a
    smaller model. On the host: fewer ``workers``, ``cache=disk`` or ``cache=False``, a higher limit of the container
    or shell (``ulimit -v``).

Known false alarms:
    CUDNN_STATUS_INTERNAL_ERROR also comes from a broken driver installation; then it fails at the first step whatever
    the batch. A failure after a long run is often the end of a creep: see memory-creep and host-memory-creep.

References:
    ultralytics/engine/trainer.py (8.4.190), lines 566-601; Ultralytics pull requests 23590, 24360, 24569.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.detectors._words import epoch_name, size
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.oom import bytes_asked, place_of
from trainwatch.signals.limits import NEAR_LIMIT, HostLimit, host_limit_bytes, limit_hit


@dataclass(frozen=True)
class OutOfMemory(Detector):
    """Failed allocations, from events. It has no thresholds."""

    title: ClassVar[str] = "Out of memory"
    optional: ClassVar[tuple[str, ...]] = ("steps.rss_bytes", "steps.vram_reserved_bytes")

    def missing(self, run: Run) -> str | None:
        """Apply to records with events only."""
        return None if run.source == "trainwatch" or run.events else "the log holds no events"

    def judge(self, view: View) -> list[Finding]:
        """Return the fatal failure, then one finding for all survived ones."""
        run = view.run
        failures = [e for e in run.events if place_of(e) is not None]
        if not failures:
            return []
        ending = how_it_ended(run)
        fatal = ending.event if ending.kind == "oom" else None
        survived = [e for e in failures if e is not fatal]
        found = [] if fatal is None else [self._fatal(view, fatal, len(survived))]
        if survived and fatal is None:
            found.append(self._survived(view, survived))
        return found

    def _fatal(self, view: View, event: dict[str, Any], retries: int) -> Finding:
        place, asked = _place(view.run, event), bytes_asked(str(event.get("message") or ""))
        memory = "device memory" if place == "device" else "host memory"
        held_of = "vram_reserved_bytes" if place == "device" else "rss_bytes"
        held = view.steps(held_of)
        last = float(held.values[-1]) if len(held) and held.finite[-1] else None
        when = _when(view.run, event)
        text = f"The training ended{when} because {memory} ran out"
        text += f": {size(asked)} more were asked for" if asked is not None else ""
        text += f", with {size(last)} held at the last recorded step" if last is not None else ""
        text += f". It had been retried {retries} time(s) before." if retries else "."
        bound = limit_hit(_data(event).get("memory"), asked or 0) if place == "host" else None
        text += f" {_limit(view.run, bound, last)}" if place == "host" else ""
        snapshot = _data(event).get("snapshot")
        if isinstance(snapshot, str):
            text += f" What the allocator held then is in {snapshot}; pytorch.org/memory_viz draws it."
        return Finding(
            id=self.id,
            severity="critical",
            confidence=0.99,
            title=f"Out of {memory}{when}",
            summary=text,
            onset=_where(event),
            series=held_of if len(held) else None,
            measured=Quantity(float(asked), "bytes") if asked is not None else None,
            detail={
                "place": place,
                "handled": False,
                "asked_bytes": asked,
                "held_bytes": last,
                "retries": retries,
                "limit": bound.kind if bound is not None else None,
                "limit_bytes": bound.bytes if bound is not None else None,
                "snapshot": snapshot if isinstance(snapshot, str) else None,
                "message": str(event.get("message") or "")[:500],
            },
        )

    def _survived(self, view: View, events: list[dict[str, Any]]) -> Finding:
        run, first, last = view.run, events[0], events[-1]
        place, data = _place(run, last), _data(last)
        before, after = _data(first).get("batch_before"), data.get("batch_after")
        became = f"; the batch became {after} instead of {before}" if before and after else ""
        return Finding(
            id=self.id,
            severity="warning",
            confidence=0.95,
            title=f"Out of {place} memory, retried",
            summary=(
                f"The {place} memory ran out {len(events)} time(s), first{_when(run, first)}, and the training went "
                f"on{became}."
            ),
            onset=_where(first),
            end=_where(last),
            measured=Quantity(float(len(events)), "failures"),
            threshold=Quantity(0.0, "failures"),
            detail={
                "place": place,
                "handled": True,
                "failures": len(events),
                "batch_before": before,
                "batch_after": after,
            },
        )


def _limit(run: Run, bound: HostLimit | None, held: float | None) -> str:
    """Say which limit of the host was hit, or that it was not recorded: the machine's memory may not be it."""
    if bound is not None and bound.kind == "address_space":
        return (
            f"The limit that it hit is that of the address space, {size(bound.bytes)} (ulimit -v), of which "
            f"{size(bound.used_bytes or 0)} were in use: that counts reserved memory, too, so it is more than is held."
        )
    used = f", of which the process held {size(bound.used_bytes)}" if bound is not None and bound.used_bytes else ""
    if bound is not None and bound.kind == "container":
        return f"The limit in force was that of its container or control group, {size(bound.bytes)}{used}."
    if bound is not None:
        return f"No smaller limit than the machine's memory was in force, {size(bound.bytes)}{used}; other processes use it, too."
    known = host_limit_bytes(run.meta.get("hardware"))
    if known is not None and held is not None and held < NEAR_LIMIT * known:
        return (
            f"The limit that it hit was not recorded; it is not the {size(known)} of the start, but a smaller one set later, "
            "such as `ulimit -v` or a control group's."
        )
    return "The limit that it hit was not recorded."


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _place(run: Run, event: dict[str, Any]) -> str:
    """Name the memory; a machine known to have no GPU has host memory only."""
    hardware = run.meta.get("hardware")
    no_gpu = isinstance(hardware, dict) and hardware.get("gpus") == []
    return "host" if no_gpu else place_of(event) or "device"


def _where(event: dict[str, Any]) -> Where:
    step, epoch = event.get("step"), event.get("epoch")
    return Where(
        step if isinstance(step, int) and step >= 0 else None, epoch if isinstance(epoch, int) and epoch >= 0 else None
    )


def _when(run: Run, event: dict[str, Any]) -> str:
    where = _where(event)
    at = [epoch_name(run, where.epoch)] if where.epoch is not None else []
    at += [f"step {where.step}"] if where.step is not None else []
    return f" in {', '.join(at)}" if at else ""

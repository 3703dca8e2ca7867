"""The process vanished: no end mark, no exception, no signal that it could have caught.

What it does:
    Says that the training was ended from outside by SIGKILL, at which step, which rank of a distributed training went
    first, and whether it was the kernel's out-of-memory killer, somebody's hand or a scheduler, or that this cannot be
    told.

Why it matters:
    Nothing in the trainer's own log tells such an end from a training that is still running.

How it decides:
    The record has a start and no end, and the process is gone (or, on another machine, has been silent for ten
    minutes). Who ended it is told, in this order, by the wait status that ``trainwatch run`` saw, the fault log, the boot
    id, and the kernel's counters of processes killed for memory, against the last heartbeat (every 5 s). Where these say
    nothing, the last resident memory is compared with the limit in force: from ``pressure_share`` (85 %) of it the
    out-of-memory killer is likely; below, who sent the signal cannot be told. The resident memory leaves out loader
    workers, so a low share does not rule the killer out. In a distributed training the rank that fell silent before the
    others were told is named.

What to do:
    Look into the machine's own log (``dmesg -T | grep -i -E 'killed process|oom'``, the scheduler's job report) for
    the time given. Resume from the last checkpoint. If memory was near the limit, lower ``workers``, ``cache`` or
    ``batch`` first.

Known false alarms:
    A process that hangs, on another machine, for more than ten minutes in one step looks the same. Without
    ``trainwatch run``, a process that leaves by ``os._exit`` looks like one that was killed by hand.

References:
    https://docs.kernel.org/admin-guide/mm/concepts.html (OOM killer); Ultralytics issues 22944, 3562.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import last_place, size
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.ending import signs_of


@dataclass(frozen=True)
class Killed(Detector):
    """A record that stops in mid-air.

    Attributes:
        pressure_share: Share of the memory limit from which the out-of-memory killer is likely. The process is not
        alone:
            loader workers and page tables take the rest.
    """

    title: ClassVar[str] = "The process was killed"
    optional: ClassVar[tuple[str, ...]] = ("steps.rss_bytes", "steps.step", "steps.time_s")

    pressure_share: float = 0.85

    def missing(self, run: Run) -> str | None:
        """Apply to our own record only: other logs have no end mark to miss."""
        return None if run.source == "trainwatch" else "only trainwatch's own record tells a kill from an end"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        ending = how_it_ended(run)
        if ending.kind != "killed":
            return []
        death = ending.death
        rank = death.rank if death is not None else 0
        steps = view.steps("step", rank or None)
        onset = steps.where(len(steps) - 1) if len(steps) else Where()
        rss = view.steps("rss_bytes", rank or None)
        last = float(rss.values[rss.finite][-1]) if rss.finite.any() else None
        limit = _limit_bytes(run)
        share = last / limit if last is not None and limit else None
        told = death is not None and death.cause != "unknown"
        likely = death.cause == "oom-killer" if death is not None and told else _likely(share, self.pressure_share)
        where = last_place(run, steps)
        who = f"Rank {rank} was killed" if rank else "Killed"
        by = " by the out-of-memory killer" if told and likely else ""
        why = _sentence(death.reason) if death is not None and signs_of(run, rank) else ""
        held = "" if told else _memory(last, limit, likely)
        return [
            Finding(
                id=self.id,
                severity="critical",
                confidence=max(death.confidence, 0.9) if death is not None else 0.9,
                title=f"{who}{by} in {where}" if len(steps) else f"{who}{by} before the first step",
                summary=(
                    f"The record{f' of rank {rank}' if rank else ''} stops after {where} without an end mark, an exception "
                    f"or a catchable signal: the process was ended from outside. {' '.join(filter(None, (why, held)))}"
                ),
                onset=onset,
                series="rss_bytes" if last is not None else None,
                measured=Quantity(share, "share of the memory limit") if share is not None else None,
                threshold=Quantity(self.pressure_share, "share of the memory limit") if share is not None else None,
                detail={
                    "rss_bytes": last,
                    "limit_bytes": limit,
                    "oom_killer_likely": likely,
                    "rank": rank,
                    "cause": death.cause if death is not None else "unknown",
                    "cause_confidence": death.confidence if death is not None else 0.0,
                },
            )
        ]


def _likely(share: float | None, pressure_share: float) -> bool:
    return share is not None and share >= pressure_share


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _limit_bytes(run: Run) -> int | None:
    hardware = run.meta.get("hardware")
    if not isinstance(hardware, dict):
        return None
    limit = hardware.get("memory_limit_bytes") or hardware.get("memory_total_bytes")
    return int(limit) if isinstance(limit, int | float) and limit > 0 else None


def _memory(last: float | None, limit: int | None, likely: bool) -> str:
    if last is None:
        return "Its memory was not recorded, so who sent the signal cannot be told."
    if limit is None:
        return f"It held {size(last)} and the limit is not known, so who sent the signal cannot be told."
    held = f"It held {size(last)} of the {size(limit)} that it was allowed ({100 * last / limit:.3g} %)"
    if likely:
        return f"{held}: the kernel's out-of-memory killer is the likely cause."
    return f"{held}, so memory pressure is not the obvious cause and who sent the signal cannot be told."

"""The training stood still: no step ended for minutes.

What it does:
    Reports every silence that the recorder's own watch noticed while the process lived, how long it was, and the line at
    which the main thread waited.

Why it matters:
    A deadlock, a lost rank or a stalled disk costs hours before anybody looks, and leaves no line in any log.

How it decides:
    The training side writes an event if no step ends for 10 median steps and at least ``hang_seconds`` (300), outside
    validation. Critical if the training never went on, else a warning.

What to do:
    Read the stacks in the event (``trainwatch report``). In a collective of a distributed training: look for the rank
    that is missing. In ``next`` of a loader: its workers or the disk. ``kill -USR1 PID`` writes the stacks of a training
    that hangs now.

Known false alarms:
    Validation of more than five minutes in the first epoch of a loop of your own, unless it calls
    ``recorder.begin_validation()``; a process that was stopped (SIGSTOP, a suspended laptop).

References:
    Shortest silence and factor: rule of thumb of this project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run

_FRAME = re.compile(r'File "([^"\n]+)", line (\d+), in (\S+)')


@dataclass(frozen=True)
class Hang(Detector):
    """A silence that the recorder noticed."""

    title: ClassVar[str] = "The training stood still"

    def missing(self, run: Run) -> str | None:
        """Apply to our own record only."""
        return None if run.source == "trainwatch" else "only trainwatch's own recorder watches for silence"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding about the last silence of each rank, or none."""
        found = []
        by_rank: dict[Any, list[dict[str, Any]]] = {}
        for event in view.run.events_of("hang"):
            by_rank.setdefault(event.get("rank") or 0, []).append(event)
        for rank, events in sorted(by_rank.items()):
            silences = [e for e in events if not _data(e).get("over")]
            if not silences:
                continue
            last = silences[-1]
            over = events[-1] is not last
            quiet, limit = (_number(_data(last).get(key)) for key in ("quiet_s", "limit_s"))
            where = _innermost(str(_data(last).get("stacks") or ""))
            found.append(
                Finding(
                    id=self.id,
                    severity="warning" if over else "critical",
                    confidence=0.8 if over else 0.9,
                    title=f"The training stood still{f' (rank {rank})' if rank else ''}",
                    summary=(
                        f"No step ended for {quiet:.0f} s{where}; "
                        f"{'it went on later' if over else 'the record does not say that it went on'}"
                        f"{f' ({len(silences)} times in all)' if len(silences) > 1 else ''}."
                    ),
                    onset=Where(step=last.get("step"), epoch=last.get("epoch")),
                    series="step_s",
                    measured=Quantity(quiet, "s"),
                    threshold=Quantity(limit, "s"),
                    detail={"rank": rank, "times": len(silences)},
                )
            )
        return found


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _innermost(stacks: str) -> str:
    """Say where the main thread, whose stack comes first, was."""
    frames = _FRAME.findall(stacks.split("\n\n", 1)[0])
    if not frames:
        return ""
    file, line, function = frames[-1]
    return f", waiting in {function} ({file.rsplit('/', 1)[-1]}, line {line})"

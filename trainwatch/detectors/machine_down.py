"""The machine went down under the training: power cut, kernel panic, hard reset.

What it does:
    Says that the process did not die alone, at which step, and how long after its last sign of life the machine was up
    again.

Why it matters:
    Nothing is wrong with the training. What was written in the last seconds before may be lost: the record loses at most
    ``fsync_seconds``, a checkpoint without fsync may be empty.

How it decides:
    The boot id has changed on the same host, the record has no end, exception or signal, and the machine was up again
    within five minutes of the last heartbeat. After a longer gap the process may have died before, and nothing is
    claimed. An orderly shutdown sends SIGTERM first and is told as that.

What to do:
    Look into the log of the boot before (``journalctl -b -1 -e``). Check that the last checkpoint can be loaded before
    resuming from it.

Known false alarms:
    A process that was killed by hand less than five minutes before somebody pressed reset looks the same.

References:
    https://www.freedesktop.org/software/systemd/man/latest/machine-id.html (boot id); proc(5), btime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import last_place
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Where
from trainwatch.runs import Run, how_it_ended


@dataclass(frozen=True)
class MachineDown(Detector):
    """A record that stops where the machine did."""

    title: ClassVar[str] = "The machine went down"
    optional: ClassVar[tuple[str, ...]] = ("steps.step",)

    def missing(self, run: Run) -> str | None:
        """Apply to our own record only."""
        return None if run.source == "trainwatch" else "only trainwatch's own record holds a boot id"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        ending = how_it_ended(view.run)
        death = ending.death
        if ending.kind != "machine-down" or death is None:
            return []
        steps = view.steps("step")
        return [
            Finding(
                id=self.id,
                severity="critical",
                confidence=death.confidence,
                title=f"The machine went down in {last_place(view.run, steps)}",
                summary=f"{death.reason[0].upper()}{death.reason[1:]}.",
                onset=steps.where(len(steps) - 1) if len(steps) else Where(),
            )
        ]

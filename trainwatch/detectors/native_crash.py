"""Native code crashed: a segmentation fault, an abort, a bus error.

What it does:
    Says that the process died of a fault in compiled code, which one, at which step, and the Python line that had called
    it.

Why it matters:
    No Python exception is raised and no log line written; in the trainer's own log such an end looks like a kill.

How it decides:
    The wait status that ``trainwatch run`` saw (SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL), or the fault log that Python's
    faulthandler wrote beside the record, with the pid of the last heartbeat.

What to do:
    Read ``trainwatch/faulthandler-rank0.log`` for the stacks of all threads. A fault inside ``torch`` or a driver: try
    another version of the pair (``trainwatch doctor``), ``workers=0``, and a memory test of the machine. A bus error with
    loader workers mostly means that /dev/shm is full.

Known false alarms:
    A program that aborts on purpose (``os.abort``) looks the same. Where another tool had enabled faulthandler before,
    there is no fault log, and without ``trainwatch run`` the crash cannot be told from a kill.

References:
    https://docs.python.org/3/library/faulthandler.html; pytorch issue 5040 (bus error of loader workers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import last_place
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Where
from trainwatch.runs import Run, how_it_ended


@dataclass(frozen=True)
class NativeCrash(Detector):
    """A fault in compiled code."""

    title: ClassVar[str] = "Native code crashed"
    optional: ClassVar[tuple[str, ...]] = ("steps.step",)

    def missing(self, run: Run) -> str | None:
        """Apply to our own record only."""
        return None if run.source == "trainwatch" else "only trainwatch's own record holds a fault log"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        ending = how_it_ended(view.run)
        death = ending.death
        if ending.kind != "native-crash" or death is None:
            return []
        steps = view.steps("step", death.rank or None)
        who = f" of rank {death.rank}" if death.rank else ""
        return [
            Finding(
                id=self.id,
                severity="critical",
                confidence=death.confidence,
                title=f"Native code{who} crashed in {last_place(view.run, steps)}",
                summary=f"{death.reason[0].upper()}{death.reason[1:]}.",
                onset=steps.where(len(steps) - 1) if len(steps) else Where(),
                detail={"rank": death.rank},
            )
        ]

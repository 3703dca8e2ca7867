"""Faults of the installed Ultralytics that spoil long trainings.

What it does:
    Compares the installed version with those in which a fault was mended.

Why it matters:
    Several versions damage a long training without a word: they round the averaged weights in every validation, end
    healthy trainings, or do not recover from a NaN.

How it decides:
    By the table ``FAULTS``: from which version to before which, found by comparing the released versions. A fault that
    harms every training is bad, one that needs an occasion is a warning. No Ultralytics at all is bad, too.

What to do:
    ``pip install -U ultralytics``.

References:
    Pull requests of Ultralytics 24731, 24986, 25005 (averaged weights), 22352 and 25176 (recovery from NaN), 25486
    (healthy trainings ended), 23590 (retry out of memory), 25990 (assigner out of memory); issues 24615, 24871.
    Versions bracketed by reading the wheels 8.0.239 to 8.4.190.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line, State

Version = tuple[int, ...]


@dataclass(frozen=True)
class VersionFault:
    """One fault: in versions from ``since`` to before ``mended``, where ``concerns`` holds."""

    since: Version
    mended: Version
    state: State
    what: str
    why: str
    concerns: Callable[[Situation], bool] = lambda situation: True


def _adam(situation: Situation) -> bool:
    return str(situation.value("optimizer")).lower() in ("auto", "adam", "adamw", "adamax", "nadam", "radam")


FAULTS: Final = (
    VersionFault(
        (0,), (8, 4, 90), "bad", "validation casts the averaged weights to half precision in place",
        "They are rounded in every epoch, and a weight above 65504 becomes infinite for ever.",
    ),
    VersionFault(
        (0,), (8, 3, 213), "warn", "there is no recovery from a NaN loss", "One NaN ends what the epochs before it learnt.",
    ),
    VersionFault(
        (8, 3, 213), (8, 4, 96), "warn", "recovery from a NaN loss does not start as it should",
        "It waits for the score to fail too, and trains on with NaN until then.",
    ),
    VersionFault(
        (8, 3, 213), (8, 4, 150), "warn", "a score of 0 counts as a corrupt training",
        "Hard data sets score 0 for many epochs, and healthy trainings were ended for it.",
    ),
    VersionFault(
        (0,), (8, 4, 13), "warn", "out of memory in the first epoch is not retried", "The training ends at once.",
    ),
    VersionFault(
        (0,), (8, 4, 60), "warn", "Adam's second moment is stored in half precision",
        "Small values become 0, and the first steps after a resume are far too long.", _adam,
    ),
    VersionFault(
        (0,), (8, 4, 172), "warn", "early stopping forgets the best epoch on resume",
        "patience then counts from the resumed epoch.",
        lambda s: bool(s.value("resume")) and 0 < s.number("patience") < s.epochs,
    ),
    VersionFault(
        (0,), (8, 3, 218), "warn", "validation runs on one GPU while the others wait",
        "Ranks that wait for each other are where multi-GPU trainings hang.", lambda s: s.ranks > 1,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class KnownFaults(Check):
    """The installed version against the table."""

    title: ClassVar[str] = "Known faults of the installed version"

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for each fault."""
        version, name = situation.trainer, situation.machine.versions.get("ultralytics")
        if version is None:
            return self.bad(
                "Ultralytics is not installed here: its defaults are taken from 8.4.190, and no argument could be checked",
                "Nothing can be trained with this Python, and what trains is what should be looked at.",
                None,
                'pip install "trainwatch-toolkit[train]"',
            )
        lines: list[Line] = []
        for fault in FAULTS:
            if fault.since <= version < fault.mended and fault.concerns(situation):
                line = self.bad if fault.state == "bad" else self.warn
                until = ".".join(map(str, fault.mended))
                lines += line(
                    f"Ultralytics {name}: {fault.what} (mended by {until})",
                    fault.why,
                    None,
                    "pip install -U ultralytics",
                )
        return lines or self.ok(f"Ultralytics {name}: none of {len(FAULTS)} known faults")

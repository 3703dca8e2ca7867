"""A version in which this fault has been mended.

What it changes:
    No argument. It names the first version of Ultralytics without a known fault that fits what was found.

Why it works:
    Some faults are the trainer's own: half-precision averages that overflow, a recovery that never runs, ranks that
    disagree. No argument mends those.

When it is given:
    A finding that such a fault explains, in a recorded version that has it.

What to expect:
    The finding is gone in a run with the same arguments. If it is not, it had another cause.

References:
    Ultralytics pull requests 17514, 22352, 22377, 23590, 24731, 24810, 24986; wheels of 8.0.239 to 8.4.190 compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from trainwatch.advice._arguments import answered
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation

Version = tuple[int, int, int]


class Fault(NamedTuple):
    """A known fault of Ultralytics.

    Attributes:
        findings: Findings that it explains.
        since: First version with it.
        fixed: First version known to be without it (the change itself may be some releases older).
        about: What is wrong, in one clause.
        source: Where that is known from.
        resumed: It shows in resumed trainings only.
        ranks: It shows with several ranks only.
    """

    findings: tuple[str, ...]
    since: Version
    fixed: Version
    about: str
    source: str
    resumed: bool = False
    ranks: bool = False


def _faults() -> tuple[Fault, ...]:
    return (
        Fault(
            ("nonfinite-validation", "metric-frozen"), (8, 4, 0), (8, 4, 90),
            "validation casts the averaged weights to half precision in place, so that large ones become infinite for good",
            "Ultralytics PR 24731, 24986",
        ),
        Fault(
            ("nonfinite-loss",), (8, 0, 0), (8, 3, 213), "a loss that is NaN is trained on; there is no recovery",
            "Ultralytics PR 22352",
        ),
        Fault(
            ("out-of-memory",), (8, 0, 0), (8, 4, 13), "an out-of-memory error in the first epoch is not retried",
            "Ultralytics PR 23590",
        ),
        Fault(
            ("rank-divergence",), (8, 0, 0), (8, 4, 90), "ranks may disagree about half precision",
            "Ultralytics PR 24810", ranks=True,
        ),
        Fault(
            ("rank-divergence", "rank-straggler"), (8, 0, 0), (8, 3, 218), "rank 0 validates while the others wait",
            "Ultralytics PR 22377", ranks=True,
        ),
        Fault(
            ("loss-explosion", "gradient-explosion"), (8, 0, 0), (8, 4, 60),
            "a checkpoint holds Adam's second moments in half precision, where small ones become zero",
            "Ultralytics 8.3.253 utils/torch_utils.py", resumed=True,
        ),
        Fault(
            ("premature-early-stop",), (8, 0, 0), (8, 4, 172), "patience starts to count anew with every resume",
            "Ultralytics 8.4.172 engine/trainer.py", resumed=True,
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class UpgradeVersions(Advice):
    """Versions with a known fault.

    Attributes:
        faults: The known faults.
    """

    title: ClassVar[str] = "Version without a known fault"
    answers: ClassVar[tuple[str, ...]] = (
        "nonfinite-validation", "metric-frozen", "nonfinite-loss", "out-of-memory", "rank-divergence", "rank-straggler",
        "loss-explosion", "gradient-explosion", "premature-early-stop",
    )  # fmt: skip

    faults: tuple[Fault, ...] = field(default_factory=_faults)

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the version to install."""
        version = parse(context.versions.get("ultralytics", ""))
        found = answered(findings, self.answers)
        if version is None or not found or context.trainer != "ultralytics":
            return None
        resumed = bool(context.args.get("resume"))
        adam = "adam" in str(context.args.get("optimizer") or "").lower()
        fits = []
        for fault in self.faults:
            explained = [f.id for f in found if f.id in fault.findings]
            applies = (resumed or not fault.resumed) and (context.world_size > 1 or not fault.ranks)
            if "Adam" in fault.about and not adam:
                applies = False
            if explained and applies and fault.since <= version < fault.fixed:
                fits.append((fault, explained))
        if not fits:
            return None
        needed = ".".join(map(str, max(fault.fixed for fault, _ in fits)))
        installed = context.versions["ultralytics"]
        return Recommendation(
            id=self.id,
            answers=tuple(dict.fromkeys(i for _, explained in fits for i in explained)),
            changes=(),
            why=f"Ultralytics {installed} has known faults: {'; '.join(fault.about for fault, _ in fits)}.",
            expected="The finding is gone with the same arguments, in the epoch where it came. Wrong if it is not.",
            confidence=0.6,
            sources=tuple(dict.fromkeys(fault.source for fault, _ in fits)),
            steps=(f"pip install -U 'ultralytics>={needed}'",),
        )


def parse(text: str) -> Version | None:
    """Return a version's first three numbers, None if it does not begin with them."""
    match = re.match(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None

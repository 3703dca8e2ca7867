"""Lift the limit that ended it, where that is smaller than the machine's memory.

What it changes:
    No argument: the limit is set outside of the training, by a shell, a container or a batch system.

Why it works:
    An allocation that a limit refuses says nothing about the memory that is there. With the limit gone the same arguments
    may fit as they are.

When it is given:
    Host memory ran out, and the limit in force was recorded as one of the address space or of a container.

What to expect:
    The same arguments pass the step at which it ended. If they do not, the machine's memory is the limit.

References:
    POSIX ulimit; Linux setrlimit(2), RLIMIT_AS; Docker, docker run --memory; Slurm, sbatch --mem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation

_SHELL = (
    "Type `ulimit -v unlimited` in the shell that starts it, then train as before. If that is refused, whoever set the limit "
    "must raise it."
)
_CONTAINER = "Give the container or the job more memory (`docker run --memory`, `sbatch --mem`), then train as before."


@dataclass(frozen=True)
class RaiseLimit(Advice):
    """Lift a limit that is not the machine's."""

    title: ClassVar[str] = "A higher memory limit"
    answers: ClassVar[tuple[str, ...]] = ("out-of-memory",)

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return where the limit is lifted."""
        steps = {"address_space": _SHELL, "container": _CONTAINER}
        found = [f for f in answered(findings, self.answers) if f.detail.get("limit") in steps]
        if not found:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(),
            why="The limit that ended it is not the machine's memory.",
            expected="It passes the step at which it ended. Wrong if it does not: then the machine's memory is the limit.",
            confidence=0.9,
            sources=("Linux setrlimit(2): RLIMIT_AS", "Docker: docker run --memory"),
            steps=(steps[found[0].detail["limit"]],),
        )

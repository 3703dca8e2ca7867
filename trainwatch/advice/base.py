"""What an advice is.

A file ``advice/<some_change>.py`` holds a module docstring with the sections *What it changes, Why it works, When it is
given, What to expect, References* and one frozen dataclass that subclasses :class:`Advice`. Its public id is the file
name with hyphens. It never proposes an argument that the trainer would reject.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.result import Context, Finding, Recommendation


@dataclass(frozen=True)
class Advice(ABC):
    """Base of all advice.

    Attributes:
        title: What it does, in a few words, for lists.
        answers: Ids of the findings that it may answer.
    """

    title: ClassVar[str]
    answers: ClassVar[tuple[str, ...]]

    @property
    def id(self) -> str:
        """Public id: the file name with hyphens."""
        return type(self).__module__.rsplit(".", 1)[-1].replace("_", "-")

    @abstractmethod
    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the recommendation for those findings, or None if it does not apply.

        Args:
            findings: All findings of the run, worst first (not only those in ``answers``).
            context: What is known of the training.
        """

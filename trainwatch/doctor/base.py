"""What a check before the training is.

A file ``doctor/<some_matter>.py`` holds a module docstring with the sections *What it does, Why it matters, How it
decides, What to do, References* and one frozen dataclass that subclasses :class:`Check`. Its public id is the file name
with hyphens. Thresholds are fields with defaults. A check is pure: it judges a :class:`Situation`, and looks at nothing
else. It never proposes an argument that the trainer would reject.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, Literal

from trainwatch.doctor._situation import Situation

State = Literal["bad", "warn", "unknown", "ok"]

STATES: Final[tuple[State, ...]] = ("bad", "warn", "unknown", "ok")
"""Worst first: the order in which they are shown."""


@dataclass(frozen=True)
class Line:
    """One thing that a check says.

    Attributes:
        check: Id of the check.
        state: ``bad`` (do not start like this), ``warn``, ``unknown`` (could not tell) or ``ok``.
        found: What was found, with numbers and units.
        why: Why it matters, in one sentence; empty for ``ok``.
        arguments: Arguments of the trainer to add or to change.
        commands: What to type in a shell instead of the arguments, or where there are none.
    """

    check: str
    state: State
    found: str
    why: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    commands: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what ``json.dumps`` takes."""
        return {
            "check": self.check, "state": self.state, "found": self.found, "why": self.why,
            "arguments": dict(self.arguments), "commands": list(self.commands),
        }  # fmt: skip


@dataclass(frozen=True)
class Check(ABC):
    """Base of all checks.

    Attributes:
        title: What it looks at, in a few words, for lists.
    """

    title: ClassVar[str]

    @property
    def id(self) -> str:
        """Public id: the file name with hyphens."""
        return type(self).__module__.rsplit(".", 1)[-1].replace("_", "-")

    def thresholds(self) -> dict[str, Any]:
        """Return the fields in force."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @abstractmethod
    def judge(self, situation: Situation) -> list[Line]:
        """Return what there is to say; an empty list where the check does not apply."""

    def ok(self, found: str) -> list[Line]:
        """Return one line: looked at and good."""
        return [Line(self.id, "ok", found)]

    def unknown(self, found: str, why: str = "", *commands: str) -> list[Line]:
        """Return one line: could not tell. It is never counted as good."""
        return [Line(self.id, "unknown", found, why, {}, commands)]

    def warn(self, found: str, why: str, arguments: Mapping[str, Any] | None = None, *commands: str) -> list[Line]:
        """Return one line: works, but costs something or may fail later."""
        return [Line(self.id, "warn", found, why, arguments or {}, commands)]

    def bad(self, found: str, why: str, arguments: Mapping[str, Any] | None = None, *commands: str) -> list[Line]:
        """Return one line: do not start like this."""
        return [Line(self.id, "bad", found, why, arguments or {}, commands)]

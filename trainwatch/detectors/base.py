"""What a detector is.

A file ``detectors/<some_fault>.py`` holds a module docstring with the sections *What it does, Why it matters, How it
decides, What to do, Known false alarms, References* and one frozen dataclass that subclasses :class:`Detector`. Its
public id is the file name with hyphens. Thresholds are fields with defaults, each with its unit in the name or in a
comment, never literals in the code. A detector is pure: same run, same findings.
"""

from __future__ import annotations

import fnmatch
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from trainwatch.result import Finding
from trainwatch.runs import Run, Series


class Undeclared(KeyError):
    """A detector read a column that it had not declared."""


class View:
    """What one detector may see of a run: the columns it declared, the events and the meta data.

    Columns are named ``steps.<column>`` and ``epochs.<column>``; patterns as in ``fnmatch``.
    """

    def __init__(self, run: Run, declared: tuple[str, ...]) -> None:
        self._run = run
        self._declared = declared

    def _check(self, name: str) -> None:
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in self._declared):
            raise Undeclared(f"{name} was read but not declared; declared: {', '.join(self._declared) or 'nothing'}")

    def steps(self, column: str, rank: int | None = None) -> Series:
        """Return the measured values of a step column of one rank (None: the lowest); empty if the run lacks it."""
        self._check(f"steps.{column}")
        return self._run.step_series(column, rank)

    def epochs(self, column: str) -> Series:
        """Return the measured values of an epoch column; empty if the run lacks it."""
        self._check(f"epochs.{column}")
        return self._run.epoch_series(column)

    def names(self, pattern: str) -> list[str]:
        """List the columns present that match a declared pattern, e.g. ``steps.loss/*``, without the prefix."""
        self._check(pattern)
        return [n.split(".", 1)[1] for n in self._run.column_names() if fnmatch.fnmatchcase(n, pattern)]

    @property
    def run(self) -> Run:
        """The run, for events, meta data, ending and arguments; its tables are reached through this view only."""
        return self._run


@dataclass(frozen=True)
class Detector(ABC):
    """Base of all detectors.

    Attributes:
        title: The fault in a few words, for lists.
        requires: Column patterns that must each match at least one column of the run; otherwise "not applicable".
        optional: Further column patterns that it reads when present.
    """

    title: ClassVar[str]
    requires: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()

    @property
    def id(self) -> str:
        """Public id: the file name with hyphens."""
        return type(self).__module__.rsplit(".", 1)[-1].replace("_", "-")

    def missing(self, run: Run) -> str | None:
        """Say why this detector does not apply to a run, or None if it does."""
        for pattern in self.requires:
            if not any(fnmatch.fnmatchcase(name, pattern) for name in run.column_names()):
                return f"column {pattern.replace('.', ' ', 1)} missing"
        return None

    def thresholds(self) -> dict[str, Any]:
        """Return the fields in force."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @np.errstate(all="ignore")  # a recording may hold any float; what overflows is infinite, and judged as such
    def detect(self, run: Run) -> list[Finding]:
        """Judge a run through a view that holds the declared columns only."""
        return self.judge(View(run, self.requires + self.optional))

    @abstractmethod
    def judge(self, view: View) -> list[Finding]:
        """Return what was found, worst first; an empty list when nothing was."""

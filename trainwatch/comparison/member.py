"""One run of a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from trainwatch.result import Analysis
from trainwatch.runs import Run


@dataclass(frozen=True)
class Member:
    """A run and what was found in it."""

    path: str
    run: Run
    analysis: Analysis

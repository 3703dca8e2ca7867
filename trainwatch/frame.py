"""One moment of a running training, as data: what ``trainwatch live`` shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trainwatch.result import Panel, Severity, Status

State = Literal["waiting", "running", "ended"]


@dataclass(frozen=True)
class Warned:
    """A finding so far."""

    severity: Severity
    id: str
    title: str


@dataclass(frozen=True)
class Frame:
    """One moment.

    Attributes:
        path: Run, as the user named it.
        state: ``waiting``: nothing can be read yet; ``running``; ``ended``.
        message: Why it waits, or how it ended.
        epoch: Epochs finished.
        planned: Epochs asked for; None: not known.
        share: Share of the training that is done, 0 to 1; None: not known.
        step: Steps recorded.
        step_s: Median time of the last steps, seconds.
        epoch_s: Median time of the last epochs, seconds.
        elapsed_s: Seconds since the start, when it was taken.
        taken_s: Unix time at which it was taken; 0: not known.
        remaining_s: Seconds until the last planned epoch; None: not known.
        last_sign_s: Unix time of the newest row or event; 0: none.
        memory: Level, limit and forecast, in a sentence.
        panels: Curves, most telling first.
        warned: Findings so far, worst first.
        events: The newest events worth a line, newest first.
        read_s: Seconds that reading took.
        status: Verdict so far.
        headline: The same in a sentence.
    """

    path: str
    state: State
    message: str = ""
    epoch: int = 0
    planned: int | None = None
    share: float | None = None
    step: int = 0
    step_s: float | None = None
    epoch_s: float | None = None
    elapsed_s: float | None = None
    taken_s: float = 0.0
    remaining_s: float | None = None
    last_sign_s: float = 0.0
    memory: str = ""
    panels: tuple[Panel, ...] = field(default=())
    warned: tuple[Warned, ...] = ()
    events: tuple[str, ...] = ()
    read_s: float = 0.0
    status: Status | None = None
    headline: str = ""

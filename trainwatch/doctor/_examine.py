"""Runs every check over one situation."""

from __future__ import annotations

from collections.abc import Iterable

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import STATES, Check, Line
from trainwatch.registry import members


def examine(situation: Situation, checks: Iterable[Check] | None = None) -> list[Line]:
    """Return what the checks say, worst first. A check that fails says so; it spoils no other."""
    lines: list[Line] = []
    for check in members("trainwatch.doctor", Check).values() if checks is None else checks:
        try:
            lines += check.judge(situation)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            lines.append(Line(check.id, "unknown", f"the check could not run ({reason})"))
    return sorted(lines, key=lambda line: STATES.index(line.state))


def required_arguments(lines: Iterable[Line]) -> dict[str, object]:
    """Return the arguments that the bad lines ask for; the first to name one is followed."""
    wanted: dict[str, object] = {}
    for line in lines:
        if line.state == "bad":
            for name, value in line.arguments.items():
                wanted.setdefault(name, value)
    return wanted

"""What the checks before a training say, for a terminal and as JSON."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from trainwatch.doctor.base import STATES, Line, State
from trainwatch.reports.wording import clean

if TYPE_CHECKING:
    from trainwatch.doctor._situation import Situation

SCHEMA: Final = 1
SHAPES: Final[Mapping[State, str]] = {"bad": "▲", "warn": "■", "unknown": "○", "ok": "●"}
COLOURS: Final[Mapping[State, str]] = {"bad": "red", "warn": "yellow", "unknown": "cyan", "ok": "green"}
WORDS: Final[Mapping[State, str]] = {"bad": "bad", "warn": "warning", "unknown": "could not tell", "ok": "good"}


def render_text(
    lines: Sequence[Line], next_command: str, *, every: bool = False, width: int | None = None, color: bool = False
) -> str:
    """Return the text.

    Args:
        lines: What the checks say, worst first.
        next_command: What to type next.
        every: Show the good lines, too.
        width: Columns; None: the terminal's.
        color: Write ANSI colours.
    """
    from rich.console import Console
    from rich.text import Text

    from trainwatch.reports.text import _hanging, _indented

    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, emoji=False, markup=False, legacy_windows=False,
    )  # fmt: skip
    worst: State = next((s for s in STATES if any(line.state == s for line in lines)), "ok")
    _hanging(console, Text(f"{SHAPES[worst]} {headline(lines)}", style=f"bold {COLOURS[worst]}"))
    console.print()
    for line in lines:
        if line.state == "ok" and not every:
            continue
        head = Text(f"{SHAPES[line.state]} {WORDS[line.state]} ", style=COLOURS[line.state])
        head.append(line.check, style="bold")
        head.append(f"  {clean(line.found)}")
        _hanging(console, head)
        if line.why:
            _indented(console, clean(line.why))
        ways = [" ".join(f"{k}={argument_value(v)}" for k, v in line.arguments.items()), *line.commands]
        for i, way in enumerate(w for w in ways if w):
            # Never wrapped: they are there to be copied.
            console.print(Text(f"  {'or' if i else 'type'}: {clean(way)}", style="green"), soft_wrap=True)
    good = sum(line.state == "ok" for line in lines)
    if good and not every:
        _hanging(console, Text(f"{SHAPES['ok']} {good} good (--all shows them)", style=COLOURS["ok"]))
    console.print(Text("\nNext", style="bold"))
    console.print(Text(f"  {clean(next_command)}"), soft_wrap=True)
    return out.getvalue()


def render_json(lines: Sequence[Line], situation: Situation, next_command: str) -> str:
    """Return the same as JSON: counts by state, every line, and the facts that were judged."""
    data = None if situation.data is None else dataclasses.asdict(situation.data)
    for split in ("train", "val"):
        if data is not None and data[split] is not None:
            del data[split]["sizes"]
    document = {
        "schema": SCHEMA,
        "counts": {s: sum(line.state == s for line in lines) for s in STATES},
        "lines": [line.to_json() for line in lines],
        "next": next_command,
        "facts": {
            "requested": dict(situation.requested),
            "machine": dataclasses.asdict(situation.machine),
            "model": dataclasses.asdict(situation.model),
            "data": data,
        },
    }
    return json.dumps(document, indent=2, default=str) + "\n"


def headline(lines: Sequence[Line]) -> str:
    """Count the lines in words."""
    bad, warn, unknown = (sum(line.state == s for line in lines) for s in ("bad", "warn", "unknown"))
    if bad:
        start = f"Do not start yet: {bad} bad"
    elif warn:
        start = "Can start"
    else:
        start = "Ready to start"
    rest = [f"{warn} warning{'s' if warn != 1 else ''}"] if warn else []
    rest += [f"{unknown} could not be told"] if unknown else []
    return ", ".join([start, *rest])


def argument_value(value: Any) -> str:
    """Write a value as the trainer's command line takes it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

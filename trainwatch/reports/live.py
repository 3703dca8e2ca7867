"""One frame of ``trainwatch live`` for a terminal, and as one line for a log."""

from __future__ import annotations

from rich.text import Text

from trainwatch.frame import Frame
from trainwatch.reports.sparkline import sparkline, summary
from trainwatch.reports.text import COLOURS, spark_name, spark_number
from trainwatch.reports.wording import SEVERITY_SHAPE, clean, percent, printable_panel, short
from trainwatch.result import Panel

STATE_SHAPE = {"waiting": "○", "running": "●", "ended": "■"}
BAR = 24
NAME_WIDTH = 15
NUMBERS_WIDTH = 34
MIN_SPARK = 8
MAX_WARNED = 5
MIN_PATH = 20
"""Letters of the path that are shown at least."""


def render(frame: Frame, *, width: int, height: int, now_s: float) -> Text:
    """Return the frame, no wider and no higher than asked.

    Args:
        frame: What to show.
        width: Columns.
        height: Rows.
        now_s: Unix time, for "written 3 s ago".
    """
    head = [_head(frame, width)]
    if frame.state == "waiting":
        head.append(Text(f"  {_flat(frame.message)}", style="dim"))
    else:
        head += [_bar(frame, now_s), Text("  " + " · ".join(_facts(frame, now_s)), style="dim")]
        if frame.message and frame.state == "running":
            head.append(Text(f"  {_flat(frame.message)}", style="yellow"))
    body: list[Text] = []
    if frame.memory:
        # The forecast is at its end: it is continued rather than cut.
        said = [_flat(f"memory: {frame.memory}")[i : i + width] for i in range(0, len(frame.memory) + 8, width)]
        body += [Text(part) for part in said]
    for warned in frame.warned[:MAX_WARNED]:
        line = Text(f"{SEVERITY_SHAPE[warned.severity]} {warned.severity} ", style=COLOURS[warned.severity])
        body.append(line.append(f"{_flat(warned.id)}: {_flat(warned.title)}", style="default"))
    if len(frame.warned) > MAX_WARNED:
        body.append(Text(f"  … and {len(frame.warned) - MAX_WARNED} more findings", style="dim"))
    body += [Text(f"· {_flat(e)}", style="dim") for e in frame.events]
    foot = [Text("Ctrl-C leaves; the training goes on", style="dim")] if frame.state != "ended" else []
    room = height - len(head) - len(body) - len(foot) - 2
    drawn = [_curve(printable_panel(panel), width) for panel in frame.panels]
    curves = [curve for curve in drawn if curve is not None][: max(room, 1)]
    lines = [*head, *([Text()] if curves else []), *curves, *([Text()] if body else []), *body, *foot]
    shown = [line.copy() for line in lines[:height]]
    for line in shown:
        line.truncate(width, overflow="ellipsis")
    return Text("\n").join(shown)


def _head(frame: Frame, width: int) -> Text:
    colour = COLOURS[frame.status] if frame.status else "cyan"
    style = f"bold {'green' if frame.state == 'running' and frame.status in ('healthy', 'incomplete') else colour}"
    line = Text(
        f"{STATE_SHAPE[frame.state]} {_tail(_flat(frame.path), max(width // 2, MIN_PATH))} · {frame.state}", style=style
    )
    return line.append(f" · {_flat(frame.headline)}", style="default") if frame.headline else line


def _tail(path: str, limit: int) -> str:
    """Cut a path at its front: its end tells runs apart."""
    return path if len(path) <= limit else f"…{path[1 - limit :]}"


def _bar(frame: Frame, now_s: float) -> Text:
    planned = f" of {frame.planned}" if frame.planned else ""
    line = Text(f"  {frame.epoch}{planned} epochs ")
    if frame.share is not None:
        full = round(BAR * frame.share)
        line.append("━" * full, style="green").append("─" * (BAR - full), style="dim")
        line.append(f" {percent(frame.share)}")
    if frame.remaining_s is not None:
        # Patience or a stabiliser may end it sooner.
        line.append(f" · {span(frame.remaining_s)} left at most", style="bold")
    elif frame.state == "ended" and frame.message:
        line.append(f" · {_flat(short(frame.message))}")
    return line


def _facts(frame: Frame, now_s: float) -> list[str]:
    facts = [f"{frame.step} steps"] if frame.step else []
    if frame.step_s is not None:
        facts.append(f"{span(frame.step_s)} per step")
    if frame.epoch_s is not None:
        facts.append(f"{span(frame.epoch_s)} per epoch")
    if frame.elapsed_s is not None and frame.state == "running":
        since = max(now_s - frame.taken_s, 0.0) if frame.taken_s else 0.0  # reading may take longer than a picture
        facts.append(f"for {span(frame.elapsed_s + since)}")
    if frame.last_sign_s > 0 and frame.state == "running":
        facts.append(f"written {span(max(now_s - frame.last_sign_s, 0.0))} ago")
    if frame.read_s > 1.0:
        facts.append(f"reading takes {span(frame.read_s)}")
    return facts


def _flat(text: str) -> str:
    """Make text safe for one line."""
    return clean(" ".join(text.split()))


def span(seconds: float) -> str:
    """Write a time with two or three digits."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _curve(panel: Panel, width: int) -> Text | None:
    found = summary(panel.curves[0])
    room = width - NAME_WIDTH - NUMBERS_WIDTH
    if found is None or room < MIN_SPARK:
        return None
    first, last, _, high = (spark_number(v, panel.unit) for v in found)
    line = Text(f"{short(spark_name(panel), NAME_WIDTH - 1):<{NAME_WIDTH}}")
    line.append(sparkline(panel.curves[0], room, log=panel.log).ljust(room), style="cyan")
    return line.append(f" {first} → {last}, max {high}", style="dim")


def one_line(frame: Frame) -> str:
    """Return the frame as one line, for a log or a pipe."""
    if frame.state == "waiting":
        return f"waiting: {_flat(frame.message)}"
    planned = f"/{frame.planned}" if frame.planned else ""
    parts = [frame.state, f"epoch {frame.epoch}{planned}", f"{frame.step} steps"]
    if frame.remaining_s is not None:
        parts.append(f"{span(frame.remaining_s)} left at most")
    if frame.memory:
        parts.append(f"memory {frame.memory}")
    worst = frame.warned[0] if frame.warned else None
    if worst is not None:
        parts.append(f"{SEVERITY_SHAPE[worst.severity]} {worst.id}")
    return _flat(" · ".join(parts))

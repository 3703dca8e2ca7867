"""How values are put into words on every output: shapes of the verdict, sizes, numbers, places."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trainwatch.result import MARK, Analysis, Change, Page, Panel, Quantity, Where

STATUS_SHAPE = {
    "crashed": "▲", "diverged": "▲", "stalled": "■", "degraded": "■", "incomplete": "○", "healthy": "●", "unknown": "○",
}  # fmt: skip
"""Meaning is never told by colour alone."""

SHARE_IN_PERCENT, SMALLEST_PERCENT = 10.0, 0.01
"""Shares below the first are written in percent (4700 % says less than 47 times), down to the second, in percent."""

MAX_FACT = 400
"""Letters of a fact at most; an exception's message may be as long as a page."""

SEVERITY_SHAPE = {"critical": "▲", "warning": "■", "info": "●"}

SOURCES = {
    "trainwatch": "our own recording",
    "ultralytics-csv": "results.csv and args.yaml",
    "yolov5-csv": "YOLOv5's results.csv",
    "yolov7-txt": "YOLOv7's results.txt",
    "lightning-csv": "Lightning's metrics.csv",
    "hf-trainer": "Trainer's trainer_state.json",
    "tensorboard": "TensorBoard event files",
    "keras-csv": "Keras' CSVLogger",
    "wandb-offline": "offline run of Weights & Biases",
    "mlflow-local": "run of MLflow",
    "generic": "a table, columns by name or --map",
}


# C0 and C1 controls but tab and line feed (they move a terminal's cursor), overrides of the writing direction (they make
# text read otherwise than it is), and lone surrogates (no file can hold them).
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(analysis: Analysis) -> Analysis:
    """Replace characters that no log, path or exception may send to a terminal or page by the sign U+FFFD."""
    bare = replace(analysis, page=replace(analysis.page, panels=()))
    cleaned = Analysis.from_json(_cleaned(bare.to_json(full=True)))
    return replace(cleaned, page=replace(cleaned.page, panels=tuple(printable_panel(p) for p in analysis.page.panels)))


def printable_panel(panel: Panel) -> Panel:
    """Clean the words of a chart (columns of the user's own, ids of outside checks); numbers stay as they are."""
    return replace(
        panel,
        title=clean(panel.title),
        caption=clean(panel.caption),
        curves=tuple(replace(c, name=clean(c.name)) for c in panel.curves),
        marks=tuple(replace(m, label=clean(m.label)) for m in panel.marks),
    )


def clean(text: str) -> str:
    """Replace the unprintable characters of one string by the sign U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text)


def short(text: str, limit: int = 80) -> str:
    """Cut a text at a word, with an ellipsis, if it is longer than ``limit`` characters."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut) + "…"


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(k): _cleaned(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_cleaned(v) for v in value]
    return value


def number(value: float) -> str:
    """Write a number with four significant digits."""
    if not math.isfinite(value):
        return repr(value)
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 10000 else f"{value:.0f}"


def quantity(value: Quantity | None) -> str:
    """Write a number with its unit, bytes in binary units, shares in percent; empty for None."""
    if value is None:
        return ""
    unit = value.unit
    if unit == "share" or unit.startswith(("share of ", "of ")):
        return _share(value.value, unit.removeprefix("share").strip())
    if unit.startswith("bytes"):
        return size(value.value) + unit.removeprefix("bytes").replace("/", " per ")
    return f"{number(value.value)} {unit}".strip()


def _share(value: float, of: str) -> str:
    if abs(value) >= SHARE_IN_PERCENT:
        return f"{number(value)} times {of.removeprefix('of ')}".strip()
    if value and abs(value) < SMALLEST_PERCENT / 100:
        return f"{value:.1g} {of}".strip()
    return f"{100 * value:.3g} % {of}".strip()


def size(count: float) -> str:
    """Write bytes in GiB, MiB or kiB."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("kiB", 2**10)):
        if abs(count) >= factor:
            value = count / factor
            return f"{value:.0f} {unit}" if 999.5 <= abs(value) < 1e6 else f"{value:.3g} {unit}"
    return f"{count:.0f} bytes"


def place(where: Where | None, analysis: Analysis) -> str:
    """Write a place as the user's tool counts."""
    if where is None:
        return ""
    parts = []
    if where.epoch is not None:
        parts.append(f"epoch {where.epoch + analysis.page.first_epoch}")
    if where.step is not None:
        parts.append(f"step {where.step}")
    return ", ".join(parts)


def percent(confidence: float) -> str:
    """Write a confidence."""
    return f"{100 * confidence:.0f} %"


def because(analysis: Analysis) -> str:
    """Return the reason of the verdict; empty where the headline, with all of it, stands above."""
    reason = analysis.page.cause_reason
    return "" if not analysis.verdict.cause and analysis.verdict.headline.endswith(f": {reason}") else reason


def fact(value: str) -> str:
    """Return a fact for its box, where it wraps; only what would fill a screen (a stranger's message) is cut."""
    return short(value, MAX_FACT)


def confidence(page: Page) -> str:
    """Say how sure the next command or step is; empty where nobody said."""
    return "" if page.next_confidence is None else f"{percent(page.next_confidence)} sure that it helps"


def changed(change: Change) -> str:
    """Write what a command changes: ``lr0 1.0 -> 0.0025``."""
    if is_option(change):
        return f"{change.arg}={change_value(change.new)}"
    return f"{change.arg} {change_value(change.old)} -> {change_value(change.new)}"


def is_option(change: Change) -> bool:
    """Tell whether a change is an option of our own command, which the run that was read did not have."""
    return change.old is None and change.arg.startswith("--")


def words(command: str, changes: Sequence[Change]) -> list[tuple[str, bool]]:
    """Split a command at its blanks, with whether each word is changed or a mark to be replaced; joined it is the command."""
    names = {c.arg for c in changes}
    return [(w, MARK in w or w.strip("'").partition("=")[0] in names) for w in re.findall(r"(?:'[^']*'|\S)+", command)]


def change_value(value: Any) -> str:
    """Write an argument's value; None is "not set"."""
    return "not set" if value is None else str(value)

"""An analysis in another language: every sentence of our own translated, whatever is the user's left as it is."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from trainwatch.compared import ArgumentChange
from trainwatch.reports import languages, wording
from trainwatch.result import Change, Panel, Quantity

T = TypeVar("T")

KEPT: Final = frozenset({
    "answer", "answers", "arg", "by", "change", "label", "noise", "paths", "statuses",
    "cause", "detail", "ended_by", "explanations", "finding", "id", "kind", "next_command",
    "overrides_yaml", "passed", "path", "series", "severity", "source", "sources", "status", "thresholds", "traceback", "unit",
    "version", "x_unit",
})  # fmt: skip
"""Fields that are names, commands, files and numbers."""

_SIZE = re.compile(r"([-+]?[\d.]+(?:e[-+]?\d+)?(?: (?:GiB|MiB|kiB|%))?) (.+)")


def translated(analysis: T, language: str) -> T:
    """Return an analysis or a comparison with its sentences in another language; a sentence without a translation stays English.

    Args:
        analysis: What to show, printable.
        language: A key of :data:`trainwatch.reports.languages.LANGUAGES`.
    """
    return analysis if language == "en" else _walk(analysis, languages.catalogue(language).say)


def quantity(value: Quantity | None, language: str) -> str:
    """Write a measured value with its unit in another language."""
    text = wording.quantity(value)
    if language == "en":
        return text
    from trainwatch.reports.languages.sentences import fill

    catalogue = languages.catalogue(language)
    said, whole = catalogue.translate(text)
    parts = _SIZE.fullmatch(text)
    if parts is None or (whole and said != text):
        return said
    return fill("{value} {unit}", {"value": parts[1], "unit": catalogue.say(parts[2])})


def _walk(item: T, say: Callable[[str], str]) -> T:
    """Translate the fields of a dataclass, and of those it holds."""
    if isinstance(item, Panel):
        # Marks stay as they are: the chart, which finds room for their words, translates them.
        return replace(
            item,
            title=say(item.title),
            caption=say(item.caption),
            curves=tuple(replace(c, name=say(c.name)) for c in item.curves),
        )
    changed = {
        f.name: _value(f.name, getattr(item, f.name), say)
        for f in dataclasses.fields(item)  # type: ignore[arg-type]
        if f.name not in KEPT
    }
    return replace(item, **changed)  # type: ignore[type-var]


def _value(name: str, value: Any, say: Callable[[str], str]) -> Any:
    if name == "facts":
        return tuple((label, say(text)) for label, text in value)
    if name == "configuration":
        return tuple((say(title), rows) for title, rows in value)
    if name in ("actions", "events"):
        return tuple(_event(e, say) for e in value)
    if isinstance(value, str):
        return say(value)
    if isinstance(value, Mapping):
        return {k: _value(name, v, say) for k, v in value.items()}
    if isinstance(value, Change | ArgumentChange):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _walk(value, say)
    if isinstance(value, tuple):
        return tuple(_value(name, v, say) for v in value)
    return value


def _event(event: Mapping[str, Any], say: Callable[[str], str]) -> dict[str, Any]:
    kind, message = str(event.get("kind") or ""), str(event.get("message") or "")
    return {**event, "kind": say(kind.replace("_", " ")), "message": say(message)}

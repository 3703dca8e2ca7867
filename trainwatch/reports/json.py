"""The result as JSON: strict, the keys in documented order."""

from __future__ import annotations

import json

from trainwatch.result import Analysis


def render(analysis: Analysis, *, full: bool = False) -> str:
    """Return the document, ending with a newline.

    Args:
        analysis: What to write.
        full: Add charts, events, configuration and details.
    """
    document = json.dumps(analysis.to_json(full=full), indent=2, ensure_ascii=False, allow_nan=False)
    return storable(document) + "\n"


def storable(document: str) -> str:
    """Write lone surrogates (undecodable bytes of a path) as JSON escapes, so that UTF-8 can hold the document."""
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in document)

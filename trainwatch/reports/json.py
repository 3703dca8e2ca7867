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
    return json.dumps(analysis.to_json(full=full), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

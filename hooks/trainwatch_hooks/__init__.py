"""What a training process imports: ``watch`` for Ultralytics, ``Recorder`` for any other loop.

Importing this package imports neither torch nor ultralytics, pandas or matplotlib; both names are imported when they are
first asked for, so that reading the schema costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwatch_hooks.recorder import Recorder
    from trainwatch_hooks.watching import watch

__all__ = ["Recorder", "watch"]


def __getattr__(name: str) -> Any:
    """Import ``Recorder`` or ``watch``."""
    if name == "Recorder":
        from trainwatch_hooks.recorder import Recorder

        return Recorder
    if name == "watch":
        from trainwatch_hooks.watching import watch

        return watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

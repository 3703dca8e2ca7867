"""trainwatch: reads what a training left behind, judges it, and says what happened and what to change."""

__version__ = "0.1.0"

"""Everything trainwatch raises on purpose.

    TrainwatchError            exit 2
    ├── UnreadableRun          the path is missing, empty, damaged, or in no format we know
    ├── UnknownName            no detector, advice or format has this name
    ├── OutputExists           a file would be overwritten
    ├── BadArgument            no argument of the trainer, or a value that it would reject
    └── UnreadableData         data.yaml is missing, damaged, or describes no data set

A message is one line: what is wrong, where, and the way out.
"""

from __future__ import annotations


class TrainwatchError(Exception):
    """Base of all errors that are shown as one line, without a traceback."""

    exit_code = 2


class UnreadableRun(TrainwatchError):
    """The given path holds nothing that can be read as a run."""


class UnknownName(TrainwatchError):
    """A name was asked for that no file of the folder carries."""


class OutputExists(TrainwatchError):
    """Writing would replace a file that is already there."""


class BadArgument(TrainwatchError):
    """The trainer has no such argument, or would reject its value."""


class UnreadableData(TrainwatchError):
    """The description of a data set cannot be used."""

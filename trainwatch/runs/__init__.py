"""A run as data: ``read_run("runs/exp3")`` gives a :class:`Run`, whatever tool wrote the log."""

from trainwatch.runs.ending import Ending, how_it_ended
from trainwatch.runs.read import read_run
from trainwatch.runs.run import Run, Series

__all__ = ["Ending", "Run", "Series", "how_it_ended", "read_run"]

"""What a training process imports: ``watch`` for Ultralytics, ``Recorder`` for any other loop.

Importing this package imports neither torch nor ultralytics, pandas or matplotlib.
"""

from trainwatch_hooks.recorder import Recorder
from trainwatch_hooks.watching import watch

__all__ = ["Recorder", "watch"]

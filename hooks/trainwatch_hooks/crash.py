"""Hears the end of the process: uncaught exceptions, SIGTERM, interpreter exit. Chained, never replaced.

Whatever was installed before is called afterwards exactly as it would have been; a SIGTERM still ends the process as a
SIGTERM.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import sys
import threading
import weakref
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwatch_hooks.recorder import Recorder

_open: weakref.WeakSet[Recorder] = weakref.WeakSet()
_installed = False
_faults: Any = None


def register(recorder: Recorder) -> None:
    """Tell a recorder of the end of this process; installs the hooks at the first call."""
    _open.add(recorder)
    _install()
    _enable_faulthandler(recorder)


def unregister(recorder: Recorder) -> None:
    """Forget a closed recorder; the hooks stay and do nothing."""
    _open.discard(recorder)


def _install() -> None:
    global _installed
    if _installed:
        return
    _installed = True
    atexit.register(_at_exit)
    previous = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        for recorder in list(_open):
            with recorder.guard("recording the crash"):
                recorder.flush()
                recorder.exception(error)
                recorder.close()
        previous(kind, error, trace)

    sys.excepthook = excepthook
    previous_thread = threading.excepthook

    def thread_excepthook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            name = args.thread.name if args.thread else "?"
            for recorder in list(_open):  # the training may go on without that thread: a warning, no end
                recorder.event("warning", f"thread {name} died: {args.exc_value!r}", source="recorder")
        previous_thread(args)

    threading.excepthook = thread_excepthook
    if threading.current_thread() is threading.main_thread():
        _chain_sigterm()


def _chain_sigterm() -> None:
    previous = signal.getsignal(signal.SIGTERM)
    if previous is None or previous == signal.SIG_IGN:  # installed outside Python, or ignored on purpose
        return

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        for recorder in list(_open):
            with recorder.guard("recording SIGTERM"):
                recorder.event("signal", "SIGTERM", source="recorder", signal="SIGTERM")
                recorder.flush()
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_sigterm)


def _enable_faulthandler(recorder: Recorder) -> None:
    """Let a segmentation fault leave its stacks beside the record, unless somebody already listens."""
    global _faults
    if faulthandler.is_enabled():
        return
    _faults = open(recorder.folder / f"faulthandler-rank{recorder.rank}.log", "w")  # noqa: SIM115 (open as long as the process)
    faulthandler.enable(_faults)


def _at_exit() -> None:
    for recorder in list(_open):
        with recorder.guard("closing the record at exit"):
            recorder.close(reason="exit")

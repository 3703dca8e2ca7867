"""Hears the end of the process: uncaught exceptions, signals, interpreter exit. Chained, never replaced.

Whatever was installed before is called afterwards exactly as it would have been; a SIGTERM still ends the process as a
SIGTERM. Signals that were ignored stay ignored. SIGUSR1 writes all stacks and the state now into the events.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import sys
import threading
import time
import weakref
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from trainwatch_hooks import stacks
from trainwatch_hooks.stderr_tail import StderrTail

if TYPE_CHECKING:
    from trainwatch_hooks.recorder import Recorder

ENDING: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGXCPU")
"""Signals that end a process and can be heard. SIGKILL and SIGSTOP cannot; faults are heard by faulthandler."""

WITNESS: Final = "TRAINWATCH_WITNESS"
"""Environment variable by which ``trainwatch run`` names the file in which recorders announce themselves."""

_open: weakref.WeakSet[Recorder] = weakref.WeakSet()
_installed = _chained = False
_faults: Any = None
_stacks: Any = None
_tail = StderrTail()


def register(recorder: Recorder) -> None:
    """Tell a recorder of the end of this process; installs the hooks at the first call."""
    _open.add(recorder)
    _install()
    _tail.install()
    _enable_faulthandler(recorder)
    _announce(recorder)


def unregister(recorder: Recorder) -> None:
    """Forget a closed recorder; the hooks stay and do nothing."""
    _open.discard(recorder)
    if not _open:
        _tail.remove()


def stderr_tail() -> str:
    """Return the last lines of stderr."""
    return _tail.text()


def _install() -> None:
    global _installed, _chained
    if not _chained and threading.current_thread() is threading.main_thread():  # only there can it be done
        _chained = True
        for name in ENDING:
            if hasattr(signal, name):
                _chain(getattr(signal, name))
        _chain_dump()
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
                with recorder.guard("recording the end of a thread"):
                    recorder.event("warning", f"thread {name} died: {args.exc_value!r}", source="recorder")
        previous_thread(args)

    threading.excepthook = thread_excepthook


def _chain(number: int) -> None:
    previous = signal.getsignal(number)
    if previous is None or previous == signal.SIG_IGN:  # installed outside Python, or ignored on purpose
        return
    name = signal.Signals(number).name

    def on_signal(number: int, frame: FrameType | None) -> None:
        for recorder in list(_open):
            recorder.signalled(name)
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(number, on_signal)


def _chain_dump() -> None:
    """Answer SIGUSR1, unless a scheduler is likely to mean something else by it."""
    if not hasattr(signal, "SIGUSR1"):
        return
    previous = signal.getsignal(signal.SIGUSR1)
    if previous is None or previous == signal.SIG_IGN:
        return
    if not callable(previous) and "SLURM_JOB_ID" in os.environ:
        # Lightning requeues a job at SIGUSR1, but only if nobody has a handler there yet.
        return

    def on_dump(number: int, frame: FrameType | None) -> None:
        for recorder in list(_open):
            recorder.dump()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGUSR1, on_dump)


def _enable_faulthandler(recorder: Recorder) -> None:
    """Let a fault leave its stacks beside the record, unless somebody already listens.

    SIGUSR1 is heard by faulthandler, too: where the main thread is stuck in C code, no Python handler runs.
    """
    global _faults, _stacks
    if faulthandler.is_enabled() and _faults is None:
        return
    with recorder.guard("opening the fault log"):
        old, _faults = _faults, open(recorder.folder / f"faulthandler-rank{recorder.rank}.log", "w")  # noqa: SIM115 (open as long as the process)
        # By this line the reader knows whose fault it was: the file outlives the process.
        print(f"# pid {os.getpid()}, opened {time.time():.3f}", file=_faults, flush=True)
        faulthandler.enable(_faults)
        if old is not None:
            old.close()
        if not hasattr(faulthandler, "register") or not callable(signal.getsignal(signal.SIGUSR1)):
            return
        old, _stacks = _stacks, open(recorder.folder / f"stacks-rank{recorder.rank}.log", "w")  # noqa: SIM115
        faulthandler.register(signal.SIGUSR1, _stacks, all_threads=True, chain=True)
        if old is not None:
            old.close()


def _announce(recorder: Recorder) -> None:
    """Tell ``trainwatch run``, if that started us, where the record is."""
    from trainwatch_hooks.store import append_line

    path = os.environ.get(WITNESS)
    if path:
        with recorder.guard("telling the witness"):
            from pathlib import Path

            append_line(
                Path(path), {"folder": str(recorder.folder.resolve()), "pid": os.getpid(), "rank": recorder.rank}
            )


def state() -> dict[str, Any]:
    """Return what every event of an end carries: stacks and the last lines of stderr."""
    return {"stacks": stacks.of_all_threads(), "stderr": stderr_tail()}


def _at_exit() -> None:
    for recorder in list(_open):
        with recorder.guard("closing the record at exit"):
            recorder.close(reason="exit")

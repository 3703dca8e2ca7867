"""Reads a run again and again in a thread of its own, so that a slow disk stops no clock on the screen."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

from trainwatch.analysis import analyse
from trainwatch.errors import UnreadableRun
from trainwatch.frame import Frame
from trainwatch.live.moment import take_frame
from trainwatch.result import Analysis
from trainwatch.runs import Run, read_run

REST = 4.0
"""Pause after a reading, in times of how long it took: following costs a fifth of one core at most."""
JUDGE_REST = 20.0
"""The same for judging, which costs more."""


class Follower:
    """Publishes the newest frame of a run.

    Args:
        path: Run folder or log; it need not exist yet.
        interval_s: Seconds between two readings at least.
    """

    def __init__(self, path: str, interval_s: float) -> None:
        self.frame = Frame(path, "waiting", "not read yet")
        self.analysis: Analysis | None = None
        self.error: UnreadableRun | None = None
        self.done = threading.Event()
        self._path = path
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._judged: tuple[int, int, int] | None = None
        self._judge_at = 0.0
        self._thread = threading.Thread(target=self._work, name="trainwatch-follow", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; a reading that hangs on a disk is left behind."""
        self._stop.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.read_once()
            if self.frame.state == "ended":
                self.done.set()
                return
            self._stop.wait(max(self._interval_s, REST * (time.monotonic() - began)))

    def read_once(self) -> None:
        """Read and publish; whatever goes wrong is shown, and tried again next time."""
        began = time.monotonic()
        try:
            run = read_run(self._path)
            read_s = time.monotonic() - began
            analysis = self._judge(run)
            frame = take_frame(self._path, run, analysis, read_s=read_s)
            if frame.state == "ended" and self._key(run) != self._judged:
                self._judge_at = 0.0
                analysis = self._judge(run)
                frame = take_frame(self._path, run, analysis, read_s=read_s)
            self.error = None
        except UnreadableRun as error:
            self.error = error
            frame = replace(self.frame, message=self._why_not(error), read_s=time.monotonic() - began)
        except Exception as error:  # a file was renamed or cut while it was read
            frame = replace(self.frame, message=f"{type(error).__name__}: {error}", read_s=time.monotonic() - began)
        self.frame = frame

    def _why_not(self, error: UnreadableRun) -> str:
        """Say why nothing is shown; that a run is not there yet is no error here."""
        if self.frame.state == "waiting" and not os.path.exists(self._path):
            return "not there yet; it is shown as soon as the training has made it"
        return str(error).removeprefix(f"{self._path}: ")

    def _judge(self, run: Run) -> Analysis:
        """Judge the run if it has changed and the last judgement is long enough ago for its cost."""
        key = self._key(run)
        # "Nothing to judge" stands in the first seconds only: beside curves it would be wrong.
        first = self._judged is not None and not any(self._judged[:2]) and any(key[:2])
        if self.analysis is None or (key != self._judged and (first or time.monotonic() >= self._judge_at)):
            began = time.monotonic()
            self.analysis = analyse(run)
            self._judged = key
            self._judge_at = time.monotonic() + JUDGE_REST * (time.monotonic() - began)
        return self.analysis

    @staticmethod
    def _key(run: Run) -> tuple[int, int, int]:
        return run.step_table.num_rows, run.epoch_table.num_rows, len(run.events)

"""Signs of life beside the record, for the question how a process died; and the watch over a training that hangs.

A daemon thread writes ``heartbeat-rank<r>.json`` every few seconds: time, boot id, step, memory, and how many processes
the kernel has killed for memory so far. It also takes the samples of slow probes, which the next row carries, so that
none of this costs the training thread anything.

A training hangs if no step ends for ``max(HANG_STEPS x the median step, hang_seconds)`` outside validation. Its stacks
then become an event; nothing is ever ended.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from trainwatch_hooks import environment, forks, stacks
from trainwatch_hooks.store import write_json, write_text

if TYPE_CHECKING:
    from trainwatch_hooks.recorder import Recorder

INTERVAL_S: Final = 5.0
SHORTEST_S: Final = 1.0
HANG_STEPS: Final = 10
"""A silence of so many median steps is no slow step."""

PACES_KEPT: Final = 101
SAMPLE_S: Final = 30.0
"""Seconds between two samples of the slow probes."""

Sampler = Callable[[], dict[str, float]]


class Heartbeat:
    """The thread of one recorder.

    Args:
        recorder: Whose; it is not kept alive by this.
        interval_s: Between two beats.
        hang_s: Shortest silence that counts as hanging.
    """

    def __init__(self, recorder: Recorder, interval_s: float, hang_s: float) -> None:
        self._recorder = weakref.ref(recorder)
        self._path = recorder.folder / f"heartbeat-rank{recorder.rank}.json"
        self._interval_s = min(max(interval_s, SHORTEST_S), INTERVAL_S)
        self._hang_s = hang_s
        self._depth = forks.depth
        self._group = environment.memory_cgroup()
        self._fixed: dict[str, Any] = {**environment.process(), "rank": recorder.rank, "interval_s": self._interval_s}
        self._fixed["oom_kills_at_start"] = self._fixed.pop("oom_kills")
        self._fixed["machine_oom_kills_at_start"] = self._fixed.pop("machine_oom_kills")
        self._first_step = self._seen_step = recorder.next_step
        self._seen_at = time.monotonic()
        self._paces: deque[float] = deque(maxlen=PACES_KEPT)
        self._hanging = False
        self._samplers: list[Sampler] = []
        self._sampled_at = -SAMPLE_S
        self._tail = ""
        self._stop = threading.Event()
        self._beating = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="trainwatch-heartbeat", daemon=True)

    def start(self) -> None:
        """Write the first sign of life and start the thread."""
        self.beat()
        self._thread.start()

    def sample(self, sampler: Sampler) -> None:
        """Call ``sampler`` every ``SAMPLE_S`` seconds on the thread; its columns come with the next row."""
        self._samplers.append(sampler)

    def stop(self, ended: str) -> None:
        """End the thread and write the last sign of life.

        Args:
            ended: How the training ended.
        """
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=self._interval_s)
        self.beat(ended)

    def beat(self, ended: str | None = None) -> None:
        """Write the signs of life. Raises nothing."""
        recorder = self._recorder()
        # A fork must not sign for its parent, nor anybody as alive after the last sign.
        if recorder is None or forks.depth != self._depth or (ended is None and self._stop.is_set()):
            return
        # A signal handler may come while the thread is at it, and must not wait for it; the last sign may.
        if not self._beating.acquire(timeout=0.0 if ended is None else self._interval_s):
            return
        try:
            with recorder.guard("writing the heartbeat"):
                write_json(self._path, {**self._fixed, **self._signs(recorder), "ended": ended})
            with recorder.guard("writing the tail of stderr"):
                tail = recorder.stderr_tail()
                if tail != self._tail:
                    self._tail = tail
                    write_text(self._path.with_name(f"stderr-rank{recorder.rank}.log"), tail + "\n")
        finally:
            self._beating.release()

    def _signs(self, recorder: Recorder) -> dict[str, Any]:
        return {
            "time_s": time.time(),
            "step": recorder.next_step - 1,
            "epoch": recorder.epoch,
            "validating": recorder.validating,
            "oom_kills": environment.oom_kills(self._group),
            "machine_oom_kills": environment.machine_oom_kills(),
            "rss_bytes": recorder.rss_bytes(),
            "free_bytes": environment.free_memory(self._group),
            "dropped": recorder.dropped,
        }

    def _work(self) -> None:
        while not self._stop.wait(self._interval_s):
            recorder = self._recorder()
            if recorder is None or recorder.closed or os.getpid() != self._fixed["pid"]:
                return
            with recorder.guard("watching over the training"):
                self._look(recorder, time.monotonic())
                self._take_samples(recorder, time.monotonic())
            self.beat()
            del recorder

    def _take_samples(self, recorder: Recorder, now: float) -> None:
        if not self._samplers or now - self._sampled_at < SAMPLE_S:
            return
        self._sampled_at = now
        row: dict[str, float] = {}
        for sampler in self._samplers:
            with recorder.guard("sampling"):
                row.update(sampler())
        recorder.sampled = row

    def _look(self, recorder: Recorder, now: float) -> None:
        """Compare the step counter with the last look's; tell of a hang once, and of its end.

        Args:
            recorder: Whose steps.
            now: Monotonic clock, seconds.
        """
        step = recorder.next_step
        if step != self._seen_step:
            if not recorder.validating and not self._hanging:
                self._paces.append((now - self._seen_at) / (step - self._seen_step))
            if self._hanging:
                recorder.event("hang", f"went on after {now - self._seen_at:.0f} s", source="recorder", over=True)
            self._seen_step, self._seen_at, self._hanging = step, now, False
            return
        if recorder.validating or step == self._first_step:  # set-up and validation take as long as they take
            self._seen_at = now
            return
        limit_s = max(HANG_STEPS * statistics.median(self._paces), self._hang_s) if self._paces else self._hang_s
        if self._hanging or now - self._seen_at < limit_s:
            return
        self._hanging = True
        recorder.event(
            "hang",
            f"no step has ended for {now - self._seen_at:.0f} s (limit {limit_s:.0f} s); the stacks show where it waits",
            source="recorder",
            quiet_s=now - self._seen_at,
            limit_s=limit_s,
            stacks=stacks.of_all_threads(),
            stderr=recorder.stderr_tail(),
        )

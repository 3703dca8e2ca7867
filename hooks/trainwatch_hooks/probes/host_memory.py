"""Resident memory of this process.

Column: ``rss_bytes``, read at most every 20 ms; steps shorter than that repeat the last value. Cost: one read of an open
/proc file on Linux (2 to 30 us), about 20 us elsewhere (psutil); nothing in between.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

READ_EVERY_S: Final = 0.02
"""A leak of a gigabyte per second would be told 20 MB late; a read costs more than a step of a small net may."""


class HostMemory:
    """Reads this process' resident set; keeps the file open between steps.

    Args:
        every_s: Shortest time between two reads (seconds).
    """

    def __init__(self, every_s: float = READ_EVERY_S) -> None:
        self._every_s = every_s
        self._next_s = 0.0
        self._last = 0
        self._page_bytes = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._process: Any = None
        try:
            self._fd = os.open("/proc/self/statm", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            self._fd = -1
            import psutil

            self._process = psutil.Process()

    def read(self) -> int:
        """Return bytes resident now, or a moment ago."""
        now = time.monotonic()
        if now >= self._next_s:
            self._next_s = now + self._every_s
            self._last = self._read()
        return self._last

    def _read(self) -> int:
        if self._fd >= 0:
            return int(os.pread(self._fd, 128, 0).split()[1]) * self._page_bytes
        return self._last if self._process is None else int(self._process.memory_info().rss)

    def close(self) -> None:
        """Close the file; may be called twice. Whoever reads after that gets the last value."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

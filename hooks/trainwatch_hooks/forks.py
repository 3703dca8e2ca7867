"""Whether this process is a fork of the one that opened a record.

A record belongs to the process that opened it; a forked DataLoader worker inherits the object and must write nothing.
Asking ``os.getpid()`` at each step costs two system calls; a count that changes in each child costs none.
"""

from __future__ import annotations

import os

depth = 0
"""Forks between the process that imported this first and this one."""


def _in_child() -> None:
    global depth
    depth += 1


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_in_child)

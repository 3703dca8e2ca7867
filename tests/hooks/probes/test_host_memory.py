from __future__ import annotations

import psutil
import pytest

from trainwatch_hooks.probes.host_memory import HostMemory


def test_agrees_with_psutil_and_sees_growth() -> None:
    probe = HostMemory()
    before = probe.read()
    assert before == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    block = bytearray(64 << 20)
    block[::4096] = b"x" * len(block[::4096])
    assert probe.read() - before > 48 << 20
    probe.close()
    probe.close()

from __future__ import annotations

import psutil
import pytest

from trainwatch_hooks.probes.host_memory import HostMemory


def test_agrees_with_psutil_and_sees_growth() -> None:
    probe = HostMemory(every_s=0.0)
    before = probe.read()
    assert before == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    block = bytearray(64 << 20)
    block[::4096] = b"x" * len(block[::4096])
    assert probe.read() - before > 48 << 20
    probe.close()
    probe.close()
    assert probe.read() > 0, "whoever comes late gets the last value"


def test_short_steps_share_a_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = HostMemory(every_s=60.0)
    first = probe.read()
    monkeypatch.setattr(probe, "_read", lambda: 1)
    assert probe.read() == first
    monkeypatch.setattr("time.monotonic", lambda: 1e12)
    assert probe.read() == 1
    probe.close()

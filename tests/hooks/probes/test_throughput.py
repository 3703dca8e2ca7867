from __future__ import annotations

import pytest

from trainwatch_hooks.probes import throughput


def test_wait_and_work_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 10.0, 12.0, 15.0, 15.5, 18.0])
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: next(now))
    watch = throughput.Stopwatch()  # 0
    watch.begin_epoch()  # 10: validation and saving before it are no data wait
    watch.begin_step()  # 12
    first: dict[str, float | None] = {}
    watch.end_step(first)  # 15
    watch.begin_step()  # 15.5
    second: dict[str, float | None] = {}
    watch.end_step(second)  # 18
    assert (first["data_s"], first["step_s"]) == (2.0, 3.0)
    assert (second["data_s"], second["step_s"]) == (0.5, 2.5)

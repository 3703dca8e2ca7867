from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.runs.run import empty_series
from trainwatch.signals.limits import device_limit_bytes, host_limit_bytes


def test_device() -> None:
    none = empty_series("x")
    assert device_limit_bytes(None, none, none) is None
    assert device_limit_bytes({"gpus": [{"total_bytes": 16}, {"name": "?"}, 3]}, none, none) == 16
    run = make_run({"free": np.full(5, 4), "reserved": np.full(5, 6)})
    free, reserved = run.step_series("free"), run.step_series("reserved")
    assert device_limit_bytes({"gpus": [{"total_bytes": 16}]}, free, reserved) == 10, "others hold the rest"


def test_host() -> None:
    assert host_limit_bytes({"memory_limit_bytes": 8, "memory_total_bytes": 16}) == 8
    assert host_limit_bytes({"memory_total_bytes": 16}) == 16
    assert host_limit_bytes({"memory_limit_bytes": "lots"}) is None
    assert host_limit_bytes("x") is None

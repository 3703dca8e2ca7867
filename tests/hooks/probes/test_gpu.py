"""Injected values: there is no device here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trainwatch_hooks.probes.gpu import COLUMNS, Gpu, of_device


def refuse(*_: Any) -> Any:
    raise RuntimeError("NVML_ERROR_NOT_SUPPORTED")


def nvml(**other: Any) -> Any:
    told = {
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=87, memory=3),
        "nvmlDeviceGetTemperature": lambda handle, sensor: 71,
        "nvmlDeviceGetPowerUsage": lambda handle: 312_500,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle: 4,
    }
    return SimpleNamespace(**{**told, **other})


def test_units() -> None:
    row = Gpu(nvml(), None)()
    assert row == {"gpu_utilisation": 0.87, "gpu_temperature_c": 71.0, "gpu_power_w": 312.5, "gpu_throttle": 4.0}
    assert tuple(row) == COLUMNS


def test_a_sensor_that_is_not_there_is_left_out() -> None:
    row = Gpu(nvml(nvmlDeviceGetPowerUsage=refuse), None)()
    assert set(row) == set(COLUMNS) - {"gpu_power_w"}


def test_no_device_no_probe() -> None:
    assert of_device(SimpleNamespace(type="cpu")) is None
    assert of_device(None) is None
    assert of_device(SimpleNamespace(type="cuda", index=0)) is None, "no driver here: nothing is raised"

"""What the device's driver tells: utilisation, temperature, power, and why the clock is held down.

Columns: ``gpu_utilisation``, ``gpu_temperature_c``, ``gpu_power_w``, ``gpu_throttle``. Only with a CUDA device and the package
``nvidia-ml-py``. Cost: nothing on the training thread; the heartbeat's asks the driver every 30 s. Not yet run on a device.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

COLUMNS: Final = ("gpu_utilisation", "gpu_temperature_c", "gpu_power_w", "gpu_throttle")

TEMPERATURE_GPU: Final = 0
"""NVML's sensor number of the GPU die."""


class Gpu:
    """Reads the columns of one device; a value that the driver refuses is left out.

    Args:
        nvml: The module ``pynvml``, initialised.
        handle: NVML's handle of the device.
    """

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    def __call__(self) -> dict[str, float]:
        """Return what the driver tells."""
        nvml, handle = self._nvml, self._handle
        readings: dict[str, Callable[[], float]] = {
            "gpu_utilisation": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100.0,
            "gpu_temperature_c": lambda: float(nvml.nvmlDeviceGetTemperature(handle, TEMPERATURE_GPU)),
            "gpu_power_w": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0,
            "gpu_throttle": lambda: float(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)),
        }
        row = {}
        for name, read in readings.items():
            try:
                row[name] = read()
            except Exception:  # NVML_ERROR_NOT_SUPPORTED: this kind of device has no such sensor
                continue
        return row


def of_device(device: Any) -> Gpu | None:
    """Return the reader of a ``torch.device``, None without CUDA or without NVML."""
    if getattr(device, "type", None) != "cuda":
        return None
    import torch

    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        index = device.index if device.index is not None else torch.cuda.current_device()
        # By its UUID: CUDA_VISIBLE_DEVICES renumbers what torch sees, and NVML does not know of it.
        uuid = f"GPU-{torch.cuda.get_device_properties(index).uuid}"
        return Gpu(nvml, nvml.nvmlDeviceGetHandleByUUID(uuid))
    except Exception:  # no such package, no driver, no permission
        return None

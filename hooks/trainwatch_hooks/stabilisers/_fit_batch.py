"""The largest batch below a memory budget, by trial: real training steps in a process of their own.

python -m trainwatch_hooks.stabilisers._fit_batch '{"model": "yolo12n.yaml", "batch": 8, ...}'   # one trial
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from trainwatch_hooks.stabilisers.base import Request, SettingsError

GIB: Final = 1 << 30
BUDGET_SHARE: Final = 0.8
"""Share of what is free that a training may take: validation, dense batches and other processes need the rest."""
OBJECTS_PER_IMAGE: Final = 50
"""Objects in a synthetic image; the label assigner's memory grows with them (ultralytics.md A-1 1.2)."""
TRIAL_TIMEOUT_S: Final = 300.0
MAX_TRIALS: Final = 8


def find(request: Request, effective: int, memory_gib: float | None) -> int:
    """Return the largest divisor of the effective batch whose step stays below the budget.

    Args:
        request: The training that is about to start.
        effective: Images per optimizer step.
        memory_gib: Budget; None: a share of what is free.

    Raises:
        SettingsError: If not even one image fits, or a trial cannot run.
    """
    device = request.value("device")
    task = {
        "model": request.model,
        "imgsz": int(request.value("imgsz") or 640),
        "amp": request.value("amp") not in (False, "fp32"),
        "device": "" if device is None else str(device),
        "classes": _classes(request.value("data")),
    }
    budget = memory_gib * GIB if memory_gib is not None else BUDGET_SHARE * _free_bytes(str(task["device"]))
    return search(effective, budget, lambda batch: trial({**task, "batch": batch}))


def search(effective: int, budget_bytes: float, peak_bytes: Callable[[int], float | None]) -> int:
    """Search the divisors of ``effective`` from two small trials and the line through them.

    Args:
        effective: Images per optimizer step.
        budget_bytes: What a step may take.
        peak_bytes: Peak memory of a step at a batch (bytes), None if it ran out of memory.

    Raises:
        SettingsError: If one image is too much.
    """
    candidates = [b for b in range(1, effective + 1) if effective % b == 0]
    known: dict[int, float] = {}

    def fits(batch: int) -> bool:
        if batch not in known:
            known[batch] = float("inf") if (peak := peak_bytes(batch)) is None else peak
        return known[batch] <= budget_bytes

    if not fits(candidates[0]):
        raise SettingsError(
            f"accumulate: fit_batch: one image takes {known[candidates[0]] / GIB:.3g} GiB, more than the budget of "
            f"{budget_bytes / GIB:.3g} GiB; use a smaller imgsz or model, or a larger memory_gib"
        )
    low, high = 0, len(candidates) - 1  # candidates[low] fits; above high none does
    at = min(2, high)
    for _ in range(MAX_TRIALS):
        if low == high:
            break
        if fits(candidates[at]):
            low = at
        else:
            high = at - 1
        at = max(low + 1, min(high, _guess(candidates, known, budget_bytes)))
    return candidates[low]


def _guess(candidates: list[int], known: dict[int, float], budget_bytes: float) -> int:
    """Return the largest candidate that the line through the two largest finite trials allows."""
    points = sorted((b, p) for b, p in known.items() if p < float("inf"))[-2:]
    if len(points) < 2 or points[1][1] <= points[0][1]:
        return len(candidates) - 1
    (b0, p0), (b1, p1) = points
    limit = b0 + (budget_bytes - p0) * (b1 - b0) / (p1 - p0)
    return max((i for i, b in enumerate(candidates) if b <= limit), default=0)


def trial(task: dict[str, Any]) -> float | None:
    """Run one trial in a process of its own; return its peak memory in bytes, None if it ran out of memory.

    Raises:
        SettingsError: If the trial fails for another reason.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, json.dumps(task)],
            capture_output=True, text=True, check=False, timeout=TRIAL_TIMEOUT_S, stdin=subprocess.DEVNULL,
            env={**os.environ, "YOLO_VERBOSE": "false", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None  # a step of minutes is no candidate, whatever it takes
    if done.returncode in (-9, 137):
        return None
    last = done.stdout.strip().rsplit("\n", 1)[-1]
    try:
        found = json.loads(last)
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise SettingsError(
            f"accumulate: fit_batch: a trial step with batch={task['batch']} failed ({reason})"
        ) from None
    return None if found["peak_bytes"] is None else float(found["peak_bytes"])


def step(task: dict[str, Any]) -> int | None:
    """Train two steps on synthetic images; return the peak memory in bytes, None if it ran out of memory."""
    import torch
    from ultralytics.cfg import get_cfg

    from trainwatch_hooks.recorder import is_out_of_memory

    ultralytics: Any = import_module("ultralytics")
    device = import_module("ultralytics.utils.torch_utils").select_device(task["device"], verbose=False)
    yolo = ultralytics.YOLO(task["model"])
    if yolo.task != "detect":
        raise ValueError(f"it makes images for detection only, not for the task {yolo.task}; give batch yourself")
    model = type(yolo.model)(yolo.model.yaml, nc=task["classes"], verbose=False) if task["classes"] else yolo.model
    model.args = get_cfg()
    try:
        model = model.to(device).train()
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)
        average = [p.detach().clone() for p in model.parameters()]  # the trainer keeps a moving average of the weights
        batch, size, objects = task["batch"], task["imgsz"], task["batch"] * OBJECTS_PER_IMAGE
        data = {
            "img": torch.rand(batch, 3, size, size, device=device),
            "cls": torch.zeros(objects, 1, device=device),
            "bboxes": torch.rand(objects, 4, device=device) * 0.4 + 0.1,
            "batch_idx": torch.arange(batch, device=device).repeat_interleave(OBJECTS_PER_IMAGE).float(),
        }
        for _ in range(2):
            with torch.autocast(device.type, enabled=bool(task["amp"]) and device.type == "cuda"):
                loss = model(data)[0].sum()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        del average
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            return None
        raise
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    return _peak_resident_bytes()


def _peak_resident_bytes() -> int:
    """Return the largest resident size this program has had.

    Linux' ``ru_maxrss`` will not do: a child starts with that of the process which started it (execve keeps it).
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration, ValueError, IndexError):
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def _free_bytes(device: str) -> float:
    if device not in ("cpu", "mps"):
        try:
            import torch

            if torch.cuda.is_available():
                return float(torch.cuda.mem_get_info(int(device.split(",")[0]) if device else 0)[0])
        except (ImportError, ValueError, RuntimeError):
            pass  # no such device: the trainer will say so; the trial runs on the host
    import psutil

    return float(psutil.virtual_memory().available)


def _classes(data: Any) -> int | None:
    """Return the number of classes in a data.yaml, None if it cannot be read here."""
    import yaml

    try:
        content = yaml.safe_load(Path(str(data)).read_text(encoding="utf-8"))
        return len(content["names"]) if "names" in content else int(content["nc"])
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return None


if __name__ == "__main__":
    print(json.dumps({"peak_bytes": step(json.loads(sys.argv[1]))}))

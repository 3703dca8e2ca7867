"""The machine: cores, memory, disks, devices, versions. Without importing torch, which would cost seconds."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from trainwatch.doctor._installed import package_folder
from trainwatch.doctor._situation import Gpu, Machine

PACKAGES: Final = ("ultralytics", "torch", "torchvision", "numpy", "flash-attn", "cloudpickle")
VARIABLES: Final = (
    "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "FLASH_ATTENTION_V2", "TORCH_CUDA_ARCH_LIST",
    "CUDA_VISIBLE_DEVICES", "CUDA_LAUNCH_BLOCKING",
)  # fmt: skip
SMI_TIMEOUT_S: Final = 10.0
MIB: Final = 2**20

GENERATIONS: Final = (
    (r"\b[BG]B?[23]00\b", (10, 0)),
    (r"RTX 50\d\d|RTX PRO \d000 Blackwell", (12, 0)),
    (r"\bH[12]00\b|\bGH200\b|\bH800\b|\bH20\b", (9, 0)),
    (r"RTX 40\d\d|\bL4\b|\bL40S?\b|Ada Generation", (8, 9)),
    (r"RTX 30\d\d|\bA10G?\b|\bA16\b|\bA40\b|RTX A\d000|\bA2\b", (8, 6)),
    (r"\bA100\b|\bA800\b|\bA30\b", (8, 0)),
    (r"\bT4G?\b|RTX 20\d\d|GTX 16\d\d|TITAN RTX|Quadro RTX|\bT[5-9]\d0\b|\bT[124]\d00\b", (7, 5)),
    (r"V100|TITAN V", (7, 0)),
    (r"\bP100\b", (6, 0)),
    (r"GTX 10\d\d|\bP40?\b|TITAN X[Pp]", (6, 1)),
    (r"K80", (3, 7)),
    (r"K40", (3, 5)),
)
"""Compute capability by name (NVIDIA's list of CUDA GPUs), for drivers too old to tell it."""


def look_at_machine(run_dir: Path, data_dir: Path | None) -> Machine:
    """Return what this machine has.

    Args:
        run_dir: Where the run folder will be; it, or its nearest parent that exists, is asked for space.
        data_dir: Where the images are, if that is known.
    """
    import psutil

    from trainwatch_hooks.environment import hardware

    memory = hardware()
    run_disk, data_disk = _existing(run_dir), _existing(data_dir) if data_dir else None
    shm = _usage(Path("/dev/shm")) if platform.system() == "Linux" else None
    gpus, note = cuda_devices()
    here = _usage(run_disk)
    there = _usage(data_disk) if data_disk else None
    limit = int(memory["memory_limit_bytes"])
    return Machine(
        system=platform.system(),
        cpu_count=os.cpu_count(),
        cpu_usable=_cpu_usable(),
        memory_limit_bytes=limit,
        memory_available_bytes=min(int(psutil.virtual_memory().available), limit),
        shm_total_bytes=shm.total if shm else None,
        shm_free_bytes=shm.free if shm else None,
        disk_free_bytes=here.free if here else None,
        disk_path=str(run_disk),
        data_disk_free_bytes=there.free if there else None,
        same_disk=data_disk is None or _device(run_disk) == _device(data_disk),
        gpus=gpus,
        gpu_note=note,
        in_container=_in_container(),
        environment={k: os.environ[k] for k in VARIABLES if k in os.environ},
        versions=versions(),
        torch_cuda=torch_cuda(),
    )


def versions() -> dict[str, str]:
    """Return the versions of the packages that matter, of those that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def torch_cuda() -> str | None:
    """Return the CUDA version that torch was built with, ``rocm`` for AMD, empty for none; None without torch."""
    folder = package_folder("torch")
    try:
        text = (folder / "version.py").read_text(encoding="utf-8") if folder else None
    except OSError:
        return None
    if text is None:
        return None
    for name in ("hip", "rocm"):
        if re.search(rf"^{name}\b[^=\n]*=\s*'", text, re.MULTILINE):
            return "rocm"
    built = re.search(r"^cuda\b[^=\n]*=\s*'([\d.]+)'", text, re.MULTILINE)
    return built.group(1) if built else ""


def cuda_devices() -> tuple[tuple[Gpu, ...] | None, str]:
    """Ask the driver's own tool for the devices; None if nobody can tell. Also return how it was found out."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        if Path("/dev/nvidia0").exists() or torch_cuda() == "rocm":
            return None, "nvidia-smi is not on the PATH"
        return (), "no NVIDIA driver found"
    for fields in ("name,memory.total,memory.free,compute_cap", "name,memory.total,memory.free"):
        try:
            done = subprocess.run(
                [tool, f"--query-gpu={fields}", "--format=csv,noheader,nounits"],
                capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, f"nvidia-smi did not answer ({type(error).__name__})"
        if done.returncode == 0:
            return visible_devices(parse_smi(done.stdout), os.environ.get("CUDA_VISIBLE_DEVICES")), "nvidia-smi"
    return None, f"nvidia-smi failed ({' '.join((done.stdout or done.stderr).split())[:120]})"


def parse_smi(text: str) -> tuple[Gpu, ...]:
    """Read nvidia-smi's table: name, total MiB, free MiB and, from newer drivers, compute capability."""
    found = []
    for line in text.splitlines():
        cells = [c.strip() for c in line.split(",")]
        if len(cells) < 3:
            continue
        given = re.fullmatch(r"(\d+)\.(\d+)", cells[3]) if len(cells) > 3 else None
        capability = (int(given.group(1)), int(given.group(2))) if given else capability_of(cells[0])
        total, free = (int(c) * MIB if c.isdigit() else 0 for c in cells[1:3])
        found.append(Gpu(cells[0], total, free, capability))
    return tuple(found)


def capability_of(name: str) -> tuple[int, int] | None:
    """Return the compute capability of a device from its name; None for one that is not listed."""
    return next((c for pattern, c in GENERATIONS if re.search(pattern, name)), None)


def visible_devices(gpus: tuple[Gpu, ...], variable: str | None) -> tuple[Gpu, ...]:
    """Apply CUDA_VISIBLE_DEVICES: indices end at the first that does not exist, as in CUDA; names (UUID) hide none."""
    if variable is None:
        return gpus
    shown: list[Gpu] = []
    for word in variable.split(","):
        if re.match(r"(GPU|MIG)-", word.strip()):
            return gpus
        if not word.strip().isdigit() or int(word) >= len(gpus):
            break
        shown.append(gpus[int(word)])
    return tuple(shown)


def _cpu_usable() -> float | None:
    counts = [float(os.cpu_count() or 0) or None]
    if hasattr(os, "sched_getaffinity"):
        counts.append(float(len(os.sched_getaffinity(0))))
    counts.append(_cpu_quota())
    return min((c for c in counts if c is not None), default=None)


def _cpu_quota() -> float | None:
    """Cores that a container's quota allows."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text().strip()
            period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def _in_container() -> bool:
    return (
        Path("/.dockerenv").exists() or Path("/run/.containerenv").exists() or "KUBERNETES_SERVICE_HOST" in os.environ
    )


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _usage(path: Path) -> shutil._ntuple_diskusage | None:
    try:
        return shutil.disk_usage(path)
    except OSError:
        return None


def _device(path: Path) -> int | None:
    try:
        return path.stat().st_dev
    except OSError:
        return None

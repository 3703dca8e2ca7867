"""What importing costs and offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import trainwatch_hooks
import trainwatch_hooks.schema as schema

HEAVY = ("torch", "ultralytics", "pandas", "matplotlib", "scipy", "jinja2", "rich", "pyarrow")


@pytest.mark.parametrize(
    ("package", "forbidden"), [("trainwatch_hooks", HEAVY), ("trainwatch", (*HEAVY, "numpy", "click"))]
)
def test_light(package: str, forbidden: tuple[str, ...]) -> None:
    code = f"import sys, {package}; print([m for m in {forbidden!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


HEAVY = ("pandas", "scipy", "matplotlib", "jinja2", "pyarrow.compute", "pyarrow.parquet", "psutil", "torch")


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["analyze", "sample_runs/unwatched"], HEAVY),
        (["checks"], HEAVY),
        (["explain", "memory-creep"], (*HEAVY, "numpy", "pyarrow")),
        (["--help"], (*HEAVY, "numpy", "pyarrow")),
    ],
)
def test_a_command_starts_without_what_it_does_not_need(arguments: list[str], forbidden: tuple[str, ...]) -> None:
    code = (
        f"import sys; from trainwatch.cli import run; code = run({arguments!r});"
        f"print([m for m in {forbidden!r} if m in sys.modules], code, file=sys.stderr)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stderr.strip() == "[] 0"


def test_public_names_are_pinned() -> None:
    assert trainwatch_hooks.__all__ == ["Recorder", "watch"]


def test_the_schema_has_every_promised_column() -> None:
    promised = [
        "step",
        "epoch",
        "attempt",
        "batch",
        "rank",
        "time_s",
        "data_s",
        "step_s",
        "optimizer_stepped",
        "loss",
        "loss/*",
        "gain/*",
        "lr/*",
        "momentum",
        "batch_size",
        "accumulate",
        "grad_norm",
        "grad_norm/*",
        "amp_scale",
        "amp_skipped",
        "vram_allocated_bytes",
        "vram_reserved_bytes",
        "vram_peak_bytes",
        "vram_inactive_split_bytes",
        "vram_free_bytes",
        "rss_bytes",
        "instances",
        "image_size",
        "tree_rss_bytes",
        "tree_pss_bytes",
        "host_free_bytes",
        "shm_free_bytes",
        "disk_free_bytes",
        "gpu_utilisation",
        "gpu_temperature_c",
        "gpu_power_w",
        "gpu_throttle",
        "update_ratio",
        "update_ratio/*",
    ]
    names = [c.name for c in schema.STEP_COLUMNS]
    assert names[: len(promised)] == promised, "further columns of probes come after them"
    assert len(names) == len(set(names))
    assert schema.column("loss/box_loss") == schema.column("loss/*")
    assert schema.column("mine") is None
    assert all(c.unit and c.about for c in (*schema.STEP_COLUMNS, *schema.EPOCH_COLUMNS))

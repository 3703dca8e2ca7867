"""What importing costs and offers."""

from __future__ import annotations

import subprocess
import sys

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
    ]
    assert [c.name for c in schema.STEP_COLUMNS] == promised
    assert schema.column("loss/box_loss") == schema.column("loss/*")
    assert schema.column("mine") is None
    assert all(c.unit and c.about for c in (*schema.STEP_COLUMNS, *schema.EPOCH_COLUMNS))

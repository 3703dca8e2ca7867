"""Findings and contexts that every piece of advice is tried with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from synthetic import make_finding

from trainwatch.result import Context, Finding

DETAILS: dict[str, list[dict[str, Any]]] = {
    "gradient-explosion": [{"lr": 0.5, "times_baseline": 100.0}, {}],
    "loss-explosion": [{"level": 1.0}],
    "nonfinite-loss": [
        {"precursor_steps": None, "component": "box_loss"},
        {"precursor_steps": 5, "lr": 0.01},
        {"precursor_steps": None, "same_batches": [2, 3]},
    ],
    "plateau": [{"training_loss_falls": f, "flat_epochs": 50, "best_epoch": 3} for f in (True, False, None)],
    "memory-creep": [{"kind": "leak"}, {"kind": "fragmentation"}],
    "host-memory-creep": [{"kind": "leak"}],
    "out-of-memory": [{"place": "host"}, {"place": "device"}],
    "killed": [{}],
    "native-crash": [{}],
    "machine-down": [{}],
    "hang": [{}],
    "truncated-run": [{}],
    "early-stopped": [{}],
    "amp-scale-collapse": [{"skipped_steps": 30, "steps": 200, "lowest_scale": 0.5}],
    "lr-too-small": [
        {"kind": "off", "lr": 0.0},
        {"kind": "tiny", "lr": 1e-7},
        {"kind": "warm-up", "least_epochs": 50.0},
    ],
    "lr-overridden": [
        {"requested_lr0": 0.5, "lr0": 0.002, "optimizer": "AdamW", "auto": True},
        {"requested_lr0": 0.004, "lr0": 0.01, "optimizer": "MuSGD", "auto": False},
    ],
    "loss-imbalance": [
        {"component": "cls_loss", "levels": {"box_loss": 0.01, "cls_loss": 3.0}, "gains": {}},
        {"component": "mine", "levels": {"mine": 1.0}, "gains": {}},
    ],
    "memory-fragmentation": [{"kind": "slack"}],
    "near-memory-limit": [{"place": "host"}, {"place": "device"}],
    "throughput-drop": [{"part": "data"}, {"part": "work"}],
    "dataloader-bound": [{"workers": 8}],
    "rank-divergence": [{"rank": 1}],
    "rank-straggler": [{"part": "data", "rank": 1}],
    "copy-paste-inert": [{"copy_paste": 0.3}],
    "overfitting": [{"minimum_epoch": 10}],
    "few-updates": [
        {"updates": 1, "batches": 80, "accumulate": 64},
        {"updates": 10, "batch": 32, "train_images": 32},
    ],
    "momentum-too-high": [{"momentum": 0.999, "updates": 80}],
    "validation-is-training": [{"images": 48, "val_images": 48}],
    "over-regularised": [
        {"brakes": {"freeze": "21", "weight_decay": 0.9, "degrees": 180.0, "hsv_h": 1.0}},
        {"brakes": {"mixup": 1.0}},
    ],
    "unusual-arguments": [
        {"arguments": {"lr0": 0.5, "box": 1e-5}},
        {"arguments": {"momentum": 0.999, "cls": 90.0}},
    ],
    "degraded-after-best": [{"best_epoch": 10}],
    "underfitting": [{"slope_per_epoch": 0.01}],
    "premature-early-stop": [{"patience_epochs": 20}],
    "no-learning": [{"too_early": False}, {"too_early": True}],
    "missing-labels": [{"training": True, "validation": False}],
    "close-mosaic-jump": [{"steps": {"train/box_loss": 0.2}}],
    "unstable-training": [{}],
    "nonfinite-validation": [{}],
    "metric-frozen": [{}],
    "gradient-vanishing": [{}],
}


def contexts() -> Iterator[Context]:
    """Yield contexts over the arguments that advice reads."""
    for batch, optimizer, scale, polygons, done, device in itertools.product(
        (1, 16, 256, -1, 0.7), ("auto", "SGD", "AdamW"), ("n", "x", None), (True, False, None), (0, 40), ("cpu", "0")
    ):
        args = {
            "model": "yolo12n.yaml", "data": "d.yaml", "epochs": 100, "batch": batch, "nbs": 64, "optimizer": optimizer,
            "lr0": 0.01, "momentum": 0.98, "warmup_epochs": 3.0, "warmup_bias_lr": 0.1, "amp": True, "cache": "ram",
            "workers": 8, "multi_scale": 0.5, "mosaic": 0.0, "copy_paste": 0.0, "mixup": 0.0, "cos_lr": False,
            "device": device, "save_period": -1, "patience": 100,
            "task": "detect", "imgsz": 640, "box": 0.05, "cls": 0.5, "dfl": 1.5, "lrf": 0.0, "close_mosaic": 10, "rect": True,
            "save": done != 40 or batch != 1,
        }  # fmt: skip
        yield Context(
            args=args, requested={k: args[k] for k in ("model", "data", "epochs", "batch", "optimizer")}, planned_epochs=100,
            epochs_done=done, model_scale=scale, labels_have_polygons=polygons, run_dir="runs/exp 3",
            resume_from="weights/last.pt" if done else None, accumulate=4 if batch == 16 else None,
            versions={"ultralytics": "8.3.40" if batch == 16 else "8.4.190"}, cpu_count=16 if optimizer == "SGD" else None,
            world_size=2 if scale == "x" else 1, best_epoch=12 if done else None, train_images=100,
        )  # fmt: skip


def finding_sets() -> Iterator[list[Finding]]:
    """Yield each finding alone, with each of its details, and all together."""
    for id, details in DETAILS.items():
        for detail in details:
            for severity in ("critical", "warning", "info"):
                yield [make_finding(id, severity, detail=detail)]
    yield [make_finding(id, "critical", detail=details[0]) for id, details in DETAILS.items()]


EVERYWHERE = frozenset({
    "gradient-explosion", "loss-explosion", "nonfinite-loss", "plateau", "memory-creep", "host-memory-creep", "out-of-memory",
    "killed", "truncated-run", "early-stopped",
})  # fmt: skip
"""Findings that are tried in every context; the others in every eighth, each in another eighth."""


@pytest.fixture(scope="session")
def cases() -> list[tuple[list[Finding], Context]]:
    """All combinations, some 30 000."""
    sets = list(finding_sets())
    return [
        (findings, context)
        for i, context in enumerate(contexts())
        for j, findings in enumerate(sets)
        if findings[0].id in EVERYWHERE or (i + j) % 8 == 0
    ]

"""Whatever a check proposes goes through Ultralytics' own check of arguments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from situations import A100, GIB, GTX1660, T4, data, machine, polygons, situation, split, without

from trainwatch.doctor._examine import examine
from trainwatch.doctor._situation import Fault, Model, Situation

cfg = pytest.importorskip("ultralytics.cfg")


def situations() -> Iterator[Situation]:
    eight = [A100] * 8
    machines = [
        (machine(T4), 0), (machine(GTX1660, system="Windows"), 0), (machine(), "cpu"), (machine(), 0),
        (machine(*eight, shm_free_bytes=64 << 20, in_container=True, cpu_usable=4.0, memory_limit_bytes=8 * GIB), "0,1,2,3,4,5,6,7"),
        (machine(T4, disk_free_bytes=GIB // 8, shm_free_bytes=GIB, versions=without("cloudpickle", ultralytics="8.3.100")), 0),
        (machine(T4, environment={"FLASH_ATTENTION_V2": "1"}, versions=without(**{"flash-attn": "2.8.0", "torchvision": "0.1.0"})), 0),
        (machine(A100, A100, versions=without(ultralytics="8.4.100")), [0, 1]),
    ]  # fmt: skip
    sets = [
        None, data(), data(polygons()), data(split(images=40, box_files=20, polygon_files=20), split("val", 9)),
        data(split(most_objects=3000, instances={0: 90_000, 1: 3}, faults=(Fault("negative values", 900, "x"),)), shared=400),
    ]  # fmt: skip
    recipes = [
        {}, {"batch": 500, "imgsz": 1300, "degrees": 30, "copy_paste": 0.9, "patience": 3, "cache": "ram", "amp": "bf16"},
        {"batch": -1, "optimizer": "auto", "lr0": 0.5, "momentum": 0.9, "cache": "disk", "save_period": 1, "amp": False},
        {"batch": 7, "optimizer": "AdamW", "lr0": 0.01, "box": 0.03, "cls": 90.0, "warmup_epochs": 0, "val": False, "workers": 0},
        {"batch": 1, "epochs": 2, "warmup_epochs": 3, "save": False, "conf": 1e-6, "max_det": 10, "lr0": 0},
        {"resume": True, "batch": 999, "epochs": 5, "multi_scale": 0.5, "rect": True, "optimizer": "SGD", "lr0": 3},
    ]  # fmt: skip
    models = [
        Model(source="nowhere"),
        Model("yolo12x-seg.yaml", True, "x", 60_000_000, "segment"),
        Model("yolo11m.pt", False, "m", source="download"),
    ]
    for (on, device), of, recipe, model in itertools.product(machines, sets, recipes, models):
        yield situation(on=on, of=of, model=model, device=device, **recipe)


def test_every_argument_and_value() -> None:
    names: set[str] = set()
    tried: set[str] = set()
    states: dict[str, set[str]] = {}
    for about in situations():
        for line in examine(about):
            states.setdefault(line.check, set()).add(line.state)
            assert "could not run" not in line.found, line
            assert line.found
            assert line.state == "ok" or line.why or line.state == "unknown", f"{line.check} does not say why"
            if not line.arguments or str(line.arguments) in tried:
                continue
            tried.add(str(line.arguments))
            cfg.get_cfg(overrides=dict(line.arguments))
            names |= set(line.arguments)
    assert len(tried) > 40
    assert {"batch", "nbs", "lr0", "optimizer", "amp", "workers", "cache", "copy_paste", "close_mosaic"} <= names
    quiet = [check for check, seen in states.items() if seen == {"ok"}]
    assert quiet == [], "every check found something somewhere"

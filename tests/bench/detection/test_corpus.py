from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("detection_corpus", HERE / "corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["detection_corpus"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path, corpus: ModuleType) -> Path:
    """One healthy run and one that learns nothing, both of owners of the tuning half, and one nobody can read."""
    owners = [f"owner{i}" for i in range(40) if corpus.half_of(f"owner{i}__x") == "tuning"][:3]
    rows = ["id\tkind\ttruth"]
    for owner, label, top in zip(owners, ("healthy", "no-learning", "plateau"), (0.6, 0.0, None), strict=True):
        run = tmp_path / "runs" / "ultralytics" / f"{owner}__run"
        run.mkdir(parents=True)
        rows.append(f"{owner}__run\tultralytics\t{label}")
        if top is None:
            continue
        lines = ["epoch,train/box_loss,val/box_loss,metrics/mAP50-95(B)"]
        lines += [f"{i + 1},{2 - i / 50},{2 - i / 60},{top * (1 - np.exp(-i / 20)):.5f}" for i in range(60)]
        (run / "results.csv").write_text("\n".join(lines) + "\n")
        (run / "args.yaml").write_text("epochs: 60\nval: true\n")
    (tmp_path / "truth.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_an_owner_is_in_one_half_only(corpus: ModuleType) -> None:
    halves = {corpus.half_of(f"owner{i}__a") for i in range(40)}
    assert halves == {"tuning", "held-out"}
    assert all(corpus.half_of(f"owner{i}__a") == corpus.half_of(f"owner{i}__b__c") for i in range(40))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 0, 0.0, 1.0), (10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763)]
)
def test_wilson(corpus: ModuleType, hits: int, n: int, low: float, high: float) -> None:
    assert corpus.wilson(hits, n) == pytest.approx((low, high), abs=1e-3)


def test_labels_are_counted_and_unreadable_runs_told(corpus: ModuleType, folder: Path) -> None:
    half = corpus.measure(folder, ("tuning",))["tuning"]
    assert (half.runs, half.unread, half.healthy) == (2, 1, 1)
    assert half.hits["no-learning"] == [1, 0, 0]
    assert half.wrong["critical"] == 0
    assert "| tuning | no-learning | 1.00" in corpus.table({"tuning": half})
    assert corpus.measure(folder, ("held-out",))["held-out"].runs == 0

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trainwatch.doctor import _installed
from trainwatch.doctor._installed import FALLBACK, Installed, describe_model, find_installed


def test_reads_what_the_trainer_itself_says() -> None:
    cfg = pytest.importorskip("ultralytics.cfg")
    from ultralytics.utils import DEFAULT_CFG_DICT

    found = find_installed()
    assert dict(found.defaults) == dict(DEFAULT_CFG_DICT)
    for kind, table in (("int", "INT"), ("float", "FLOAT"), ("bool", "BOOL"), ("fraction", "FRACTION")):
        assert {k for k, v in found.kinds.items() if v == kind} == set(getattr(cfg, f"CFG_{table}_KEYS"))
    assert dict(found.minimum) == dict(cfg.CFG_INT_MIN)


def test_the_documented_defaults_are_the_installed_ones() -> None:
    pytest.importorskip("ultralytics")
    assert {k: find_installed().defaults[k] for k in FALLBACK} == dict(FALLBACK)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from trainwatch.doctor._gather import gather; from trainwatch.doctor._examine import examine;"
        "examine(gather({}));"
        "print([m for m in ('torch', 'ultralytics', 'torchvision', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "yolo12", "scale", "task"),
    [
        ("yolo12n.yaml", True, "n", "detect"), ("yolov12x.pt", True, "x", "detect"), ("yolo11m-seg.pt", False, "m", "segment"),
        ("runs/a/yolo12s-obb.yaml", True, "s", "obb"), ("best.pt", False, None, "detect"), ("yolo12-cls.yaml", True, None, "classify"),
    ],
)  # fmt: skip
def test_names(name: str, yolo12: bool, scale: str | None, task: str) -> None:
    model = describe_model(name, None, Installed())
    assert (model.yolo12, model.scale, model.task) == (yolo12, scale, task)
    assert describe_model(name, "pose", Installed()).task == "pose"


@pytest.mark.parametrize(("name", "millions"), [("yolo12n.yaml", 2.60), ("yolo12x.pt", 59.2), ("yolov8s.yaml", 11.17)])
def test_sizes_from_the_trainers_model_files(name: str, millions: float) -> None:
    pytest.importorskip("ultralytics")
    parameters = describe_model(name, None, find_installed()).parameters
    assert parameters is not None
    assert parameters / 1e6 == pytest.approx(millions, rel=0.01)


def test_size_from_a_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "best.pt"
    file.write_bytes(bytes(5000))
    assert describe_model(str(file), None, Installed()).parameters == 2500
    assert describe_model("absent.pt", None, Installed()).parameters is None


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_installed, "package_folder", lambda name: None)
    found = find_installed()
    assert found.folder is None
    assert found.defaults is FALLBACK


def test_damaged_settings_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Ultralytics").mkdir()
    file = tmp_path / "Ultralytics" / "settings.json"
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    for text, expected in (("{", {}), ("[]", {}), ('{"runs_dir": "/r"}', {"runs_dir": "/r"})):
        file.write_text(text)
        assert _installed._settings() == expected

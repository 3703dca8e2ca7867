from __future__ import annotations

from pathlib import Path

import pytest
from situations import judge, situation, states

from trainwatch.doctor._installed import Installed, describe_model, find_installed
from trainwatch.doctor._situation import Model

ID = "model-file"


def of(source: str | None, name: str = "yolo12n.yaml") -> list[str]:
    return states(ID, situation(model=Model(name, source=source)))


def test_where_it_comes_from() -> None:
    assert of("file") == of("trainer") == ["ok"]
    assert of("download", "yolo12n.pt") == ["warn"]
    assert of("nowhere") == ["bad"]
    assert of(None) == ["unknown"]


def test_it_says_what_to_type() -> None:
    (line,) = judge(ID, situation(model=Model("yolo12n.pt", source="download")))
    assert line.commands == ("python -c \"from ultralytics import YOLO; YOLO('yolo12n.pt')\"",)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("yolo12n.yaml", "trainer"), ("yolo12.yaml", "trainer"), ("yolov8x-seg.yaml", "trainer"), ("yolo11m-obb.yaml", "trainer"),
        ("yolov8n-p2.yaml", "trainer"), ("yolo99n.yaml", "nowhere"), ("yolo12n.pt", "download"), ("runs/none/best.pt", "nowhere"),
    ],
)  # fmt: skip
def test_names_as_the_trainer_resolves_them(name: str, source: str) -> None:
    tasks = pytest.importorskip("ultralytics.nn.tasks")
    assert describe_model(name, None, find_installed()).source == source
    if name.endswith(".yaml"):
        try:
            tasks.yaml_model_load(name)
            found = True
        except FileNotFoundError:
            found = False
        assert found is (source == "trainer")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("yolo13n.yaml", "yolo12n.yaml"), ("yolo13", "yolo12.yaml"), ("yol12n.pt", "yolo12n.pt"), ("yolo8n.pt", "yolov8n.pt"),
        ("yolo12n.yaml", None), ("yolo12n.pt", None), ("yolo12n", None), ("yolov5nu.pt", None), ("yolov8n-oiv7.pt", None),
        ("best.pt", None), ("mine.yaml", None), ("runs/none/yol12n.pt", None),
    ],
)  # fmt: skip
def test_a_mistyped_name_is_guessed(name: str, near: str | None) -> None:
    pytest.importorskip("ultralytics")
    found = describe_model(name, None, find_installed())
    assert next(iter(found.near), None) == near
    assert found.source in ("nowhere", "download") or near is None


def test_the_guess_is_what_to_type() -> None:
    (line,) = judge(ID, situation(model=Model("yolo13n.yaml", source="nowhere", near=("yolo12n.yaml", "yolo11n.yaml"))))
    assert "did you mean yolo12n.yaml or yolo11n.yaml?" in line.found
    assert line.arguments == {"model": "yolo12n.yaml"}


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("nc: 3\n")
    assert describe_model(str(file), None, Installed()).source == "file"
    assert describe_model("yolo12n.yaml", None, Installed()).source is None

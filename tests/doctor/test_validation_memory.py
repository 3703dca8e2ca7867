from __future__ import annotations

from situations import A100, data, judge, machine, situation, split, states

from trainwatch.doctor._situation import Model

ID = "validation-memory"


def test_twice_the_batch() -> None:
    (line,) = judge(ID, situation(batch=128, nbs=...))
    assert line.state == "warn"
    assert "256 images" in line.found
    assert dict(line.arguments) == {"batch": 64, "nbs": 128}


def test_per_device_and_per_task() -> None:
    eight = machine(*[A100] * 8)
    assert states(ID, situation(on=eight, device="0,1,2,3,4,5,6,7", batch=128)) == ["ok"]
    assert states(ID, situation(batch=128, model=Model("yolo12n-obb.yaml", True, "n", None, "obb"))) == ["ok"]


def test_dense_validation_images() -> None:
    dense = data(val=split("val", 500, most_objects=900))
    assert states(ID, situation(of=dense, batch=16)) == ["warn"]
    assert states(ID, situation(of=dense, batch=8)) == ["ok"]


def test_a_tiny_confidence() -> None:
    assert states(ID, situation(conf=0.00001)) == ["warn"]


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(val=False)) == []
    assert states(ID, situation(device="cpu")) == []
    assert states(ID, situation(batch=-1)) == []

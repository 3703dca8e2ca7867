from __future__ import annotations

from types import SimpleNamespace

from trainwatch_hooks.probes.batch import read


def shaped(*shape: int) -> SimpleNamespace:
    return SimpleNamespace(shape=shape)


def test_detection_batch() -> None:
    data = {"img": shaped(8, 3, 64, 96), "cls": shaped(21, 1), "bboxes": shaped(21, 4)}
    assert read(data) == {"batch_size": 8.0, "image_size": 96.0, "instances": 21.0}
    assert read(data, world_size=4)["batch_size"] == 32.0


def test_a_class_per_image_is_no_instance() -> None:
    assert read({"img": shaped(8, 3, 64, 64), "cls": shaped(8)}) == {"batch_size": 8.0, "image_size": 64.0}

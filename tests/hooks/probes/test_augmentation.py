from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trainwatch_hooks.probes import augmentation


class Mosaic:
    def __init__(self, p: float) -> None:
        self.p = p


class OwnMosaic(Mosaic):
    pass


class MixUp(Mosaic):
    pass


class RandomPerspective:
    def __init__(self, scale: Any = 0.5) -> None:
        self.degrees, self.translate, self.scale = 0.0, 0.1, scale


class RandomFlip:
    def __init__(self, direction: str, p: float) -> None:
        self.direction, self.p = direction, p


class Compose:
    def __init__(self, *steps: Any) -> None:
        self.transforms = list(steps)


def dataset(*steps: Any) -> Any:
    return SimpleNamespace(transforms=Compose(*steps))


def test_nested_steps_subclasses_and_flips() -> None:
    inner = Compose(OwnMosaic(0.8), RandomPerspective())
    found = augmentation.read(dataset(inner, MixUp(0.1), RandomFlip("vertical", 0.0), RandomFlip("horizontal", 0.5)))
    assert found == {
        "mosaic": 0.8, "degrees": 0.0, "translate": 0.1, "scale": 0.5, "mixup": 0.1, "flipud": 0.0, "fliplr": 0.5,
        "box_copy_paste": 0.0,
    }  # fmt: skip


def test_what_is_no_number_is_left_out() -> None:
    assert "scale" not in augmentation.read(dataset(RandomPerspective(scale=(0.5, 1.5))))


def test_foreign_data_sets_give_nothing() -> None:
    loop = Compose()
    loop.transforms.append(loop)
    for odd in (None, object(), dataset(), SimpleNamespace(transforms=lambda x: x), SimpleNamespace(transforms=loop)):
        assert augmentation.read(odd) == {}

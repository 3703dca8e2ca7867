from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trainwatch_hooks.trainers._ultralytics_facts import _in_both, as_float, dataset, in_force, plain_args


def trainer(train: Any, val: Any = None) -> SimpleNamespace:
    loaders = {"train_loader": SimpleNamespace(dataset=train), "test_loader": val and SimpleNamespace(dataset=val)}
    return SimpleNamespace(data={"nc": 3}, **loaders)


class Images(list[str]):
    """A detection data set as Ultralytics holds it in memory."""

    im_files = property(list)
    labels = property(lambda self: [{"cls": [0, 1], "segments": []}, {"cls": [2], "segments": [[0.1]]}])


def test_validation_images_that_are_trained_on_are_counted() -> None:
    images = [f"/data/{i}.png" for i in range(8)]
    train = SimpleNamespace(im_files=images)
    assert _in_both(train, SimpleNamespace(im_files=images[6:])) == 2
    assert (
        _in_both(train, SimpleNamespace(samples=[[images[0], 0, None, None], ["/data/other.png", 1, None, None]])) == 1
    )
    assert _in_both(train, SimpleNamespace(im_files=["/data/val.png"])) == 0
    assert _in_both(train, SimpleNamespace()) is None, "it lists no files"
    assert _in_both(train, None) is None, "nothing is validated"


def test_images_labels_and_classes_are_counted_from_memory() -> None:
    found = dataset(trainer(Images(["/a/1.png", "/a/2.png"]), Images(["/a/2.png"])))
    assert {k: v for k, v in found.items() if k != "counted_in_s"} == {
        "train_images": 2, "val_images": 1, "val_images_trained_on": 1, "classes": 3, "has_polygons": True, "instances": 3,
    }  # fmt: skip


def test_what_a_data_set_does_not_tell_stays_unknown() -> None:
    found = dataset(trainer([1, 2, 3]))
    assert found["train_images"] == 3
    assert {found[k] for k in ("val_images", "val_images_trained_on", "has_polygons", "instances")} == {None}


def test_what_auto_chose_is_told_and_nothing_else() -> None:
    groups = [{"initial_lr": 0.002}]
    chosen = SimpleNamespace(args=SimpleNamespace(optimizer="auto"), optimizer=SimpleNamespace(param_groups=groups))
    assert in_force(chosen) == {"optimizer": "SimpleNamespace", "lr0": 0.002}
    chosen.args.optimizer = "SGD"
    assert in_force(chosen) == {}


def test_arguments_and_numbers_are_plain() -> None:
    assert plain_args(SimpleNamespace(a=1, b=None, c=object)) == {"a": 1, "b": None, "c": str(object)}
    assert as_float(None) is None
    assert as_float(1) == 1.0

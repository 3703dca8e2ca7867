from __future__ import annotations

from types import SimpleNamespace

import pytest

from trainwatch_hooks.probes.losses import components, gains

ARGS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, pose=12.0, kobj=1.0)


def test_a_dict_of_any_size_is_taken_as_it_is() -> None:
    items = {"box_loss": 1, "seg_loss": 2, "cls_loss": 3, "l1_loss": 4, "sem_loss": 5}
    assert components(items, ()) == items


def test_a_tensor_is_named_by_loss_names() -> None:
    torch = pytest.importorskip("torch")
    items = components(torch.tensor([1.0, 2.0, 3.0]), ("box_loss", "cls_loss", "dfl_loss"))
    assert {k: float(v) for k, v in items.items()} == {"box_loss": 1.0, "cls_loss": 2.0, "dfl_loss": 3.0}


def test_before_the_first_batch_there_is_nothing() -> None:
    assert components(None, ("box_loss",)) == {}


def test_gains_by_component() -> None:
    assert gains(["box_loss", "cls_loss", "l1_loss", "strange"], ARGS, "detect") == {
        "box_loss": 7.5,
        "cls_loss": 0.5,
        "l1_loss": 1.5,
    }
    assert gains(["loss"], ARGS, "classify") == {}
    assert gains(["giou_loss", "cls_loss", "l1_loss"], ARGS, "detect") == {}, "RT-DETR weighs its losses by itself"

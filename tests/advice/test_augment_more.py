from __future__ import annotations

from advising import advise, new

from trainwatch.advice.augment_more import AugmentMore

A = AugmentMore()


def test_polygons_get_copy_paste_by_scale() -> None:
    context = {"labels_have_polygons": True, "model_scale": "l"}
    assert new(advise(A, "overfitting", context=context, mosaic=1.0, copy_paste=0.0)) == {"copy_paste": 0.5}


def test_boxes_get_mixup_and_mosaic_comes_back() -> None:
    assert new(advise(A, "overfitting", context={"labels_have_polygons": False}, mosaic=0.0)) == {
        "mosaic": 1.0,
        "mixup": 0.1,
    }


def test_where_all_is_on_the_backbone_is_frozen_if_it_was_pretrained() -> None:
    on = {"mosaic": 1.0, "mixup": 0.2}
    assert new(advise(A, "overfitting", model="yolo12n.pt", **on)) == {"freeze": 10}
    assert advise(A, "overfitting", model="yolo12n.yaml", **on) is None


def test_inert_copy_paste_is_replaced() -> None:
    found = advise(A, "copy-paste-inert", context={"labels_have_polygons": False}, copy_paste=0.3, mosaic=0.0)
    assert new(found) == {"mixup": 0.1, "copy_paste": 0.0}


def test_other_tasks_and_findings_get_none() -> None:
    assert advise(A, "overfitting", task="classify", mosaic=0.0) is None
    assert advise(A, "plateau", mosaic=0.0) is None


def test_images_that_are_never_changed_are_named_as_the_root() -> None:
    off = dict.fromkeys(("mosaic", "mixup", "copy_paste", "scale", "translate", "fliplr", "hsv_h"), 0.0)
    found = advise(A, "overfitting", context={"train_images": 48}, **off)
    assert found is not None
    assert found.root == "its 48 training images are shown without augmentation"
    some = advise(A, "overfitting", **{**off, "fliplr": 0.5})
    assert some is not None
    assert some.root == ""

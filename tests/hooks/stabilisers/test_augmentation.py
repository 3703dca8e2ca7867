"""The augmentation that images really get: from the loader's output, through its workers, and over whole trainings."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable
from copy import copy, deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ultralytics")

from trainwatch.runs import read_run
from trainwatch_hooks.probes import augmentation as in_force
from trainwatch_hooks.stabilisers import _box_copy_paste as pasting
from trainwatch_hooks.stabilisers import _box_picture as drawing
from trainwatch_hooks.stabilisers._settings import in_force as written
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.augmentation import Augmentation, copy_paste_for
from trainwatch_hooks.stabilisers.base import Control, Request, SettingsError

SIZE = 64
STILL = {"scale": 0.0, "translate": 0.0, "degrees": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0, "fliplr": 0.0}
"""Without these an image that is no mosaic comes out of the loader as it is on disk."""
DEFAULTS = {
    "mosaic": 1.0, "mixup": 0.0, "cutmix": 0.0, "copy_paste": 0.0, "degrees": 0.0, "translate": 0.1, "scale": 0.5,
    "epochs": 100, "close_mosaic": 10,
}  # fmt: skip


def make(**settings: Any) -> Augmentation:
    (made,) = parse({"augmentation": settings or True})
    assert isinstance(made, Augmentation)
    return made


def asked(model: str = "yolo12n.pt", **given: Any) -> Request:
    return Request(given, DEFAULTS, model)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from shapes import make_dataset

    return make_dataset(tmp_path_factory.mktemp("boxes"), train=32, val=8, size=SIZE, polygons=False)


@pytest.fixture
def loader(boxes: Path, shapes: Path) -> Callable[..., Any]:
    """Build the loader of a training without the training: ``loader(workers=2, mosaic=0.8)``."""

    def build(*, workers: int = 0, polygons: bool = False, epochs: int = 100, **args: Any) -> Any:
        from ultralytics.cfg import get_cfg
        from ultralytics.data import build_dataloader, build_yolo_dataset
        from ultralytics.data.utils import check_det_dataset
        from ultralytics.utils import DEFAULT_CFG

        cfg = get_cfg(DEFAULT_CFG, {"imgsz": SIZE, "task": "detect", "epochs": epochs, "workers": workers, **args})
        data = check_det_dataset(str(shapes if polygons else boxes))
        dataset = build_yolo_dataset(cfg, data["train"], 16, data, mode="train", rect=cfg.rect, stride=32)
        made = build_dataloader(dataset, 16, workers, shuffle=True)
        made.args = cfg
        return made

    return build


def watched(loader: Any, folder: Path, epochs: int = 100) -> tuple[Control, list[tuple[str, str, dict[str, Any]]]]:
    """Stand in for the trainer around a real loader; return its control and the events."""
    events: list[tuple[str, str, dict[str, Any]]] = []
    recorder = SimpleNamespace(event=lambda kind, message, **data: events.append((kind, message, data)))
    trainer = SimpleNamespace(train_loader=loader, args=loader.args, epoch=0, epochs=epochs, world_size=1)
    return Control(trainer, SimpleNamespace(recorder=recorder), folder), events


def begin(stabiliser: Augmentation, control: Control, epoch: int) -> None:
    """Begin an epoch as the trainer does: callbacks first, then its own closing of mosaic."""
    trainer = control.trainer
    trainer.epoch = epoch
    stabiliser.epoch_start(control)
    if trainer.args.close_mosaic and epoch == trainer.epochs - trainer.args.close_mosaic:
        trainer.train_loader.dataset.close_mosaic(hyp=copy(trainer.args))
        trainer.train_loader.reset()


def share_of_mosaics(loader: Any, epochs: int) -> float:
    """Count the images of a loader that are not the ones on disk."""
    import cv2

    changed: list[bool] = []
    for _ in range(epochs):
        for batch in loader:
            for image, path in zip(batch["img"].numpy(), batch["im_file"], strict=True):
                changed.append(not np.array_equal(image[::-1].transpose(1, 2, 0), cv2.imread(path)))
    return float(np.mean(changed))


def annotated(dataset: Any, index: int) -> dict[str, Any]:
    labels: dict[str, Any] = dataset.get_image_and_label(index)
    return labels


# Start values


def test_start_values_and_the_users_own() -> None:
    assert make().arguments(asked()) == {"mosaic": 0.8, "degrees": 0.0, "translate": 0.1, "copy_paste": 0.1}
    assert make().arguments(asked(mosaic=1.0, copy_paste=0.0)) == {"degrees": 0.0, "translate": 0.1}
    assert make(mosaic=0.6).arguments(asked(mosaic=0.6)).keys() == {"degrees", "translate", "copy_paste"}
    with pytest.raises(SettingsError, match=r"mosaic=1.0 for the training and mosaic=0.6 here") as caught:
        make(mosaic=0.6).arguments(asked(mosaic=1.0))
    assert "\n" not in str(caught.value)
    assert make(schedule={90: {"degrees": 1.0}}).arguments(asked(resume=True)) == {}, "the checkpoint's epochs count"


@pytest.mark.parametrize(
    ("model", "capped", "authors"),
    [
        ("yolo12n.pt", 0.1, 0.1),
        ("yolo12s.yaml", 0.15, 0.15),
        ("some/where/yolo12m.pt", 0.2, 0.4),
        ("yolov8l-seg.pt", 0.2, 0.5),
        ("C:\\models\\YOLO11x.pt", 0.2, 0.6),
        ("best.pt", 0.1, 0.1),
    ],
)
def test_copy_paste_by_size(model: str, capped: float, authors: float) -> None:
    assert make().arguments(asked(model))["copy_paste"] == capped
    assert make(copy_paste_cap=1).arguments(asked(model))["copy_paste"] == authors == copy_paste_for(model, 1)
    assert make(copy_paste=0.3).arguments(asked(model))["copy_paste"] == 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mosaic": 1.5}, "mosaic is 1.5"),
        ({"box_max_objects": 0}, "box_max_objects is 0"),
        ({"schedule": {0.5: {"mosiac": 0.5}}}, "did you mean 'mosaic'"),
        ({"schedule": {0.5: {"mosaic": 2}}}, "mosaic is 2; it must lie between 0 and 1"),
        ({"schedule": {0.5: {"degrees": 200}}}, "degrees is 200"),
        ({"schedule": {0: {"mosaic": 0.5}}}, "no time after the start"),
        ({"schedule": {1.5: {"mosaic": 0.5}}}, "no time after the start"),
        ({"schedule": {"soon": {"mosaic": 0.5}}}, "'soon' is no time"),
        ({"schedule": {0.5: {"mosaic": 0.5}, "0.5": {"mosaic": 0.4}}}, "two stages begin at the same time"),
        ({"schedule": {0.5: 0.5}}, "augmentation.schedule is"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        make(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({100: {"degrees": 1}}, "after the end of 100 epochs"),
        ({0.5: {"degrees": 1}, 50: {"degrees": 2}}, "overlap: two begin at epoch 50"),
        ({0.001: {"degrees": 1}}, "would begin at epoch 0"),
        ({95: {"mosaic": 0.5}}, "too late: close_mosaic switches it off at epoch 90"),
        ({50: {"hsv_s": 0.5}}, "has no hsv_s"),
    ],
)
def test_schedules_that_do_not_fit_the_training(schedule: dict[float, dict[str, float]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make(schedule=schedule).arguments(asked())


def test_a_schedule_survives_run_json() -> None:
    first = make(schedule={400: {"degrees": 2}, 0.5: {"mosaic": 0.5, "mixup": 0.1}})
    (again,) = parse(json.loads(json.dumps(written([first]))))
    assert again.settings == first.settings
    assert list(again.settings.schedule) == [0.5, 400.0]


# What the loader gives


def test_mosaic_probability_from_the_images(loader: Callable[..., Any]) -> None:
    wanted = make().arguments(asked())
    made = loader(**{**STILL, **wanted, "translate": 0.0})
    assert share_of_mosaics(made, 8) == pytest.approx(0.8, abs=0.09)
    made = loader(**{**STILL, "mosaic": 0.0, "copy_paste": 0.0})
    assert share_of_mosaics(made, 1) == 0, "an image that is no mosaic is the one on disk: the count can be trusted"


def test_the_schedule_reaches_the_workers_and_mosaic_stays_closed(loader: Callable[..., Any], tmp_path: Path) -> None:
    made = loader(workers=2, **{**STILL, "mosaic": 1.0, "copy_paste": 0.0})
    control, events = watched(made, tmp_path)
    stabiliser = make(schedule={0.5: {"mosaic": 0.25}, 95: {"degrees": 3.0}})
    stabiliser.setup(control)
    begin(stabiliser, control, 0)
    assert share_of_mosaics(made, 1) == 1
    assert len(made.iterator._workers) == 2
    begin(stabiliser, control, 50)
    assert share_of_mosaics(made, 8) == pytest.approx(0.25, abs=0.1)
    assert control.trainer.args.mosaic == 0.25
    assert [(k, d["values"]["mosaic"]) for k, _, d in events] == [("stage", 0.25)]
    assert "mosaic 0.25" in events[0][1]
    workers = made.iterator
    begin(stabiliser, control, 51)
    assert made.iterator is workers, "nothing has changed: the workers go on"
    begin(stabiliser, control, 90)
    assert share_of_mosaics(made, 2) == 0
    for epoch in (91, 95, 95, 96):  # 95 twice: a replay
        begin(stabiliser, control, epoch)
        assert in_force.read(made.dataset)["mosaic"] == 0, epoch
    assert in_force.read(made.dataset)["degrees"] == 3.0, "what is not mosaic's may still change"
    assert len(events) == 2
    assert "stay closed" in events[1][1]
    stabiliser.teardown(control)
    assert (control.trainer.args.mosaic, control.trainer.args.degrees) == (1.0, 0.0)
    assert stabiliser.changes(control) == {50: "stage", 95: "stage"}
    made.close()


def test_a_rebuilt_loader_gets_the_stage_and_a_closed_one_stays_closed(
    loader: Callable[..., Any], tmp_path: Path
) -> None:
    first = loader(**STILL, mosaic=1.0)
    control, events = watched(first, tmp_path)
    stabiliser = make(schedule={0.5: {"mosaic": 0.5}}, box_copy_paste=0.2)
    stabiliser.setup(control)
    for epoch, expected in ((0, (1.0, 0.2)), (50, (0.5, 0.2)), (90, (0.0, 0.0)), (91, (0.0, 0.0))):
        for _ in range(2):
            begin(stabiliser, control, epoch)
            now = in_force.read(control.trainer.train_loader.dataset)
            assert (now["mosaic"], now["box_copy_paste"]) == expected, epoch
            fresh = loader(**STILL)
            fresh.dataset.transforms = fresh.dataset.build_transforms(copy(control.trainer.args))
            control.trainer.train_loader = fresh
    assert [k for k, _, _ in events] == ["stage"]


def test_mosaic_that_somebody_else_closed_stays_closed(loader: Callable[..., Any], tmp_path: Path) -> None:
    made = loader(**STILL, mosaic=1.0)
    control, _ = watched(made, tmp_path)
    stabiliser = make(schedule={0.5: {"mosaic": 0.5, "degrees": 2.0}})
    stabiliser.setup(control)
    begin(stabiliser, control, 0)
    made.dataset.close_mosaic(hyp=copy(made.args))
    begin(stabiliser, control, 50)
    now = in_force.read(made.dataset)
    assert (now["mosaic"], now["degrees"]) == (0.0, 2.0)


def test_a_pair_as_scale_gives_way_to_the_schedule(loader: Callable[..., Any], tmp_path: Path) -> None:
    made = loader(**{**STILL, "scale": [0.5, 1.5]})
    control, _ = watched(made, tmp_path)
    stabiliser = make(schedule={0.5: {"scale": 0.25}})
    stabiliser.setup(control)
    begin(stabiliser, control, 0)
    begin(stabiliser, control, 50)
    assert in_force.read(made.dataset)["scale"] == 0.25


# What it says


def test_copy_paste_on_boxes_is_called_inert(loader: Callable[..., Any], tmp_path: Path) -> None:
    def warnings(made: Any, **settings: Any) -> list[str]:
        control, events = watched(made, tmp_path)
        make(**settings).setup(control)
        return [m for k, m, _ in events if k == "warning"]

    (said,) = warnings(loader(copy_paste=0.1))
    assert "copy_paste=0.1 does nothing" in said
    assert "box_copy_paste" in said
    assert "mixup" in said
    assert warnings(loader(copy_paste=0.1, polygons=True)) == []
    assert warnings(loader(copy_paste=0.0)) == []
    assert warnings(loader(copy_paste=0.1), box_copy_paste=0.1) == []
    (said,) = warnings(loader(polygons=True), box_copy_paste=0.1)
    assert "labels are polygons" in said
    (said,) = warnings(loader(close_mosaic=100), box_copy_paste=0.1)
    assert "never acts" in said


def test_other_pipelines_are_left_alone(tmp_path: Path) -> None:
    made = SimpleNamespace(dataset=SimpleNamespace(transforms=None), args=SimpleNamespace(task="classify"))
    control, events = watched(made, tmp_path)
    stabiliser = make(schedule={0.5: {"mosaic": 0.1}})
    stabiliser.setup(control)
    stabiliser.epoch_start(control)
    assert "classify training has other transforms" in events[0][1]


# Box copy-paste


def test_pasted_boxes_are_inside_hide_little_and_carry_their_labels(loader: Callable[..., Any]) -> None:
    dataset = loader().dataset
    paste = pasting.BoxCopyPaste(dataset, p=1.0, overlap=0.3)
    random.seed(0)
    before = after = 0
    for index in list(range(len(dataset))) * 3:
        labels = annotated(dataset, index)
        own = len(labels["instances"])
        cached = dataset.ims[index].copy()
        done = paste(labels)
        assert np.array_equal(dataset.ims[index], cached), "the data set's own image is not painted on"
        new = done["instances"]
        assert len(done["cls"]) == len(new)
        assert len(new.segments) == 0
        if len(new) > own:
            assert not new.normalized
            assert (new.bboxes >= 0).all()
            assert (new.bboxes <= SIZE).all()
            hidden = np.zeros(len(new))
            for i in range(own, len(new)):
                hidden[:i] += pasting.covered(new.bboxes[i], new.bboxes[:i])
                assert max(pasting.covered(other, new.bboxes[i : i + 1])[0] for other in new.bboxes[:i]) <= 0.3 + 1e-5
            assert hidden.max() <= 0.3 + 1e-5
            assert (new.bboxes[own:, 2:] - new.bboxes[own:, :2]).min() >= pasting.MIN_SIDE
        before, after = before + own, after + len(new)
    assert after > 1.3 * before


def test_the_share_of_pasted_objects_is_the_setting(loader: Callable[..., Any]) -> None:
    dataset = loader().dataset
    random.seed(0)
    growth = {}
    for p in (0.0, 0.2):
        paste = pasting.BoxCopyPaste(dataset, p=p)
        counts = [
            (len(labels["instances"]), len(paste(labels)["instances"]))
            for i in list(range(len(dataset))) * 6
            for labels in [annotated(dataset, i)]
        ]
        own, total = np.sum(counts, axis=0)
        growth[p] = total / own - 1
    assert growth[0.0] == 0
    assert 0.1 < growth[0.2] < 0.25


@pytest.mark.parametrize("feather", [0, 2])
def test_pixels_and_class_are_the_sources(
    loader: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, feather: int
) -> None:
    dataset = loader().dataset
    paste = pasting.BoxCopyPaste(dataset, p=1.0, feather=feather, jitter=0.0, overlap=0.0)
    compared = 0
    for seed in range(40):
        random.seed(seed)
        other = seed % len(dataset)
        monkeypatch.setattr(pasting.BoxCopyPaste, "_other", lambda self, other=other: other)
        source = annotated(dataset, other)
        source_boxes = pasting._absolute(source)
        labels = annotated(dataset, (seed + 7) % len(dataset))
        own = len(labels["instances"])
        done = paste(labels)
        for box, name in zip(done["instances"].bboxes[own:], done["cls"][own:], strict=True):
            same = np.abs((source_boxes[:, 2:] - source_boxes[:, :2]) - (box[2:] - box[:2])).sum(axis=1)
            i = int(same.argmin())
            assert same[i] < 1e-3
            assert name == source["cls"][i]
            (left, top), (right, bottom) = np.floor(box[:2] + 1e-4).astype(int), np.ceil(box[2:] - 1e-4).astype(int)
            x, y = np.floor(source_boxes[i][:2]).astype(int)
            wanted = source["img"][y : y + bottom - top, x : x + right - left]
            got = done["img"][top:bottom, left:right]
            edge = slice(feather, -feather or None)
            assert np.array_equal(got[edge, edge], wanted[edge, edge])
            if feather:
                assert not np.array_equal(got[0], wanted[0]), "the edge fades"
            compared += 1
    assert compared > 20


def test_same_seed_same_pastes_and_it_travels_to_workers(loader: Callable[..., Any]) -> None:
    results = []
    for seed in (3, 3, 4):
        paste = pickle.loads(pickle.dumps(pasting.BoxCopyPaste(loader().dataset, p=0.7)))
        random.seed(seed)
        results.append(np.concatenate([paste(annotated(paste.dataset, i))["img"].ravel() for i in range(32)]))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_full_images_and_polygons_get_nothing(loader: Callable[..., Any]) -> None:
    dataset = loader().dataset
    crowded = pasting.BoxCopyPaste(dataset, p=1.0, max_objects=3)
    for i in range(len(dataset)):
        labels = annotated(dataset, i)
        own = len(labels["instances"])
        assert len(crowded(labels)["instances"]) <= max(own, 3)
    polygons = loader(polygons=True).dataset
    labels = annotated(polygons, 0)
    image = labels["img"].copy()
    done = pasting.BoxCopyPaste(polygons, p=1.0)(labels)
    assert np.array_equal(done["img"], image)


def test_objects_at_the_border_or_under_another_are_not_taken() -> None:
    boxes = np.array([[0, 5, 10, 15], [20, 20, 30, 30], [40, 40, 60, 60], [45, 45, 58, 58]], np.float32)
    assert pasting.whole(boxes, 64, 64, 0.3) == [1]
    assert pasting.whole(boxes, 64, 64, 1.0) == [1, 2, 3]


def test_nothing_lands_on_the_grey_margin() -> None:
    grey = np.full((40, 40, 3), pasting.MARGIN_GREY, np.uint8)
    crop = np.zeros((8, 8, 3), np.uint8)
    assert pasting.on_margin(grey, crop, 3, 3)
    assert not pasting.on_margin(grey + 1, crop, 3, 3)


def test_it_stands_between_mosaic_and_affine_and_close_mosaic_removes_it(
    loader: Callable[..., Any], tmp_path: Path
) -> None:
    for mode in ("flip", "mixup"):
        made = loader(mosaic=0.8, copy_paste_mode=mode)
        control, _ = watched(made, tmp_path)
        stabiliser = make(box_copy_paste=0.3, box_overlap=0.2, box_max_objects=9, box_feather=1)
        stabiliser.setup(control)
        begin(stabiliser, control, 0)
        names = [type(s).__name__ for s in made.dataset.transforms.transforms[0].transforms]
        at = names.index("BoxCopyPaste")
        assert names[at + 1] == "RandomPerspective", mode
        assert "Mosaic" in names[:at]
        ours = made.dataset.transforms.transforms[0].transforms[at]
        assert (ours.p, ours.overlap, ours.max_objects, ours.feather) == (0.3, 0.2, 9, 1)
        begin(stabiliser, control, 90)
        begin(stabiliser, control, 91)
        assert in_force.read(made.dataset)["box_copy_paste"] == 0


def test_workers_paste(loader: Callable[..., Any], tmp_path: Path) -> None:
    made = loader(workers=2, **STILL, mosaic=0.0, copy_paste=0.0)

    def count() -> int:
        return sum(len(batch["cls"]) for batch in made)

    control, _ = watched(made, tmp_path)
    own = count()
    stabiliser = make(box_copy_paste=1.0)
    stabiliser.setup(control)
    begin(stabiliser, control, 0)
    assert count() > 1.3 * own
    for batch in made:
        centre, half = batch["bboxes"][:, :2], batch["bboxes"][:, 2:] / 2
        assert (centre - half).min() > -1e-5
        assert (centre + half).max() < 1 + 1e-5
    made.close()


def test_the_picture_shows_pasted_boxes_and_leaves_no_trace(loader: Callable[..., Any], tmp_path: Path) -> None:
    import cv2

    made = loader(mosaic=0.8)
    control, _ = watched(made, tmp_path / "trainwatch")
    stabiliser = make(box_copy_paste=0.3)
    stabiliser.setup(control)
    random.seed(5)
    np.random.seed(5)
    buffer = deepcopy(made.dataset.buffer)
    states = random.getstate(), np.random.get_state()[1].copy()
    begin(stabiliser, control, 0)
    assert random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert made.dataset.buffer == buffer
    image = cv2.imread(str(tmp_path / "trainwatch" / "box_copy_paste.jpg"))
    assert image.shape == (4 * drawing.PICTURE_TILE, 4 * drawing.PICTURE_TILE, 3)
    orange = np.abs(image.astype(int) - drawing.PASTED).max(axis=2) < 40
    assert orange.sum() > 1000


# Whole trainings


def run(data: Path, folder: Path, stabilise: Any, callbacks: dict[str, Any] | None = None, **args: Any) -> Any:
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    model = YOLO("yolo12n.yaml")
    for event, callback in (callbacks or {}).items():
        model.add_callback(event, callback)
    if stabilise is not None:
        watch(model, stabilise=stabilise, report=False)
    model.train(
        **{
            "data": str(data), "device": "cpu", "imgsz": SIZE, "batch": 16, "nbs": 16, "optimizer": "SGD", "seed": 0,
            "patience": 0, "plots": False, "verbose": False, "workers": 0, "val": False, "project": str(folder), **args,
        }
    )  # fmt: skip
    return model.trainer


@pytest.mark.training
def test_a_training_records_what_was_in_force_also_after_an_out_of_memory_retry(boxes: Path, tmp_path: Path) -> None:
    labels: list[int] = []
    failed: list[int] = []

    def tap(trainer: Any) -> None:
        inner = trainer.preprocess_batch

        def preprocess(batch: Any) -> Any:
            if not failed:
                failed.append(1)
                raise RuntimeError("out of memory (planted)")
            labels.append(len(batch["cls"]))
            return inner(batch)

        trainer.preprocess_batch = preprocess

    trainer = run(
        boxes,
        tmp_path,
        {"augmentation": {"box_copy_paste": 0.5, "schedule": {0.34: {"mosaic": 0.3, "degrees": 1}}}},
        {"on_train_start": tap},
        epochs=3,
        close_mosaic=1,
    )
    recorded = read_run(trainer.save_dir)
    epochs = recorded.epochs
    assert epochs["augment/mosaic"].tolist() == [0.8, 0.3, 0.0]
    assert epochs["augment/box_copy_paste"].tolist() == [0.5, 0.5, 0.0]
    assert epochs["augment/degrees"].tolist() == [0.0, 1.0, 1.0]
    assert recorded.events_of("oom")
    assert trainer.batch_size == 8
    assert [e["epoch"] for e in recorded.events_of("stage")] == [1]
    assert not [e for e in recorded.events_of("warning") if "augmentation" in e["message"]]
    assert recorded.steps["instances"].dropna().astype(int).tolist() == labels
    assert (Path(trainer.save_dir) / "trainwatch" / "box_copy_paste.jpg").is_file()
    assert recorded.args["mosaic"] == 0.8


@pytest.mark.training
def test_values_that_the_user_has_anyway_change_no_bit(boxes: Path, tmp_path: Path) -> None:
    import torch

    final: list[dict[str, Any]] = []
    keep = {"on_train_end": lambda t: final.append({k: v.clone() for k, v in t.ema.ema.state_dict().items()})}
    own = {"mosaic": 0.8, "degrees": 0.0, "translate": 0.1, "copy_paste": 0.1, "epochs": 1, "close_mosaic": 0}
    run(boxes, tmp_path, None, keep, **own, name="bare")
    trainer = run(boxes, tmp_path, {"augmentation": {"box_copy_paste": 0.0}}, keep, **own, name="stabilised")
    assert all(torch.equal(v, final[1][k]) for k, v in final[0].items())
    warned = [e["message"] for e in read_run(trainer.save_dir).events_of("warning")]
    assert any("copy_paste=0.1 does nothing" in m for m in warned)

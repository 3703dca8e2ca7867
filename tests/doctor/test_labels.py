from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from shapes import make_dataset

from trainwatch.doctor._installed import Installed
from trainwatch.doctor._labels import (
    Limits,
    label_path,
    list_images,
    parse_label,
    read_data_set,
    shared_images,
)
from trainwatch.errors import UnreadableData

BOX = "0 0.5 0.5 0.2 0.2"
POLYGON = "1 0.1 0.1 0.4 0.1 0.4 0.4"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BOX, ""), (POLYGON, ""), ("", ""), (f"{BOX}\n\n{BOX}", ""),
        ("0 0.5 0.5 0.2", "lines that do not have 5 numbers"), (f"{BOX} 0.9", "lines that do not have 5 numbers"),
        (f"{BOX}\n{POLYGON}", "boxes and polygons in one file"), (f"{POLYGON} 0.2", "a polygon with an odd"),
        ("0 320 240 64 64", "coordinates above 1"), ("0 0.5 0.5 -0.2 0.2", "negative values"), ("-1 0.5 0.5 0.2 0.2", "negative"),
        ("3 0.5 0.5 0.2 0.2", "class ids beyond 0-2"), ("0.5 0.5 0.5 0.2 0.2", "class ids that are no whole"),
        ("car 0.5 0.5 0.2 0.2", "something that is no number"), ("0 nan 0.5 0.2 0.2", "coordinates"),
        ("0 1.005 0.5 0.2 0.2", ""), ("0 -0.005 0.5 0.2 0.2", ""),
    ],
)  # fmt: skip
def test_faults(text: str, fault: str) -> None:
    found = parse_label(text.encode(), nc=3, single_cls=False, keypoints=0).fault
    assert found.startswith(fault) if fault else not found


def test_what_it_reads() -> None:
    label = parse_label(f"{BOX}\n2 0.1 0.1 0.1 0.1\n{BOX}\n".encode(), nc=3, single_cls=False, keypoints=0)
    assert (label.classes, label.repeated, label.polygons) == ((0, 2), 1, False)
    assert parse_label(b"\xff\xfe", nc=3, single_cls=False, keypoints=0).fault == "not UTF-8 text"
    assert parse_label(b"\xef\xbb\xbf" + BOX.encode(), nc=3, single_cls=False, keypoints=0).classes == (0,)
    assert parse_label(b"9 0.5 0.5 0.2 0.2", nc=1, single_cls=True, keypoints=0).classes == (0,)


def test_keypoints_follow_the_box() -> None:
    pose = f"{BOX} 0.4 0.4 2 0.6 0.6 1"
    assert parse_label(pose.encode(), nc=1, single_cls=False, keypoints=6).fault == ""
    assert parse_label(BOX.encode(), nc=1, single_cls=False, keypoints=6).fault


def test_judges_as_the_trainer_does(tmp_path: Path) -> None:
    """2000 random files, sound and broken, through this reader and through Ultralytics' own."""
    utils = pytest.importorskip("ultralytics.data.utils")
    import cv2
    import numpy as np

    image, file = tmp_path / "a.png", tmp_path / "a.txt"
    cv2.imwrite(str(image), np.zeros((32, 32, 3), np.uint8))
    rng = random.Random(0)
    values = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0, 1.005, 1.02, -0.005, -0.02, 2.0]
    weights = [4, 8, 8, 8, 4, 2, 1, 0.3, 1, 0.3, 0.2]
    refused = 0
    for _ in range(2000):
        rows = []
        columns = rng.choice([4, 4, 4, 4, 3, 5, 6, 8, 7])
        for _ in range(rng.randint(0, 4)):
            count = columns if rng.random() < 0.95 else rng.choice([4, 6])
            cls = rng.choice(
                ["0", "1", "2", "2", "3" if rng.random() < 0.1 else "0", "0.5" if rng.random() < 0.1 else "1"]
            )
            rows.append(" ".join([cls, *(f"{v:g}" for v in rng.choices(values, weights, k=count))]))
        if rng.random() < 0.02:
            rows.append("dog 0.1 0.1 0.1 0.1")
        if rows and rng.random() < 0.1:
            rows.append(rows[0])
        text = "\n".join(rows)
        file.write_text(text)
        theirs = utils.verify_image_label((str(image), str(file), "", False, 3, 0, 0, False))
        ours = parse_label(text.encode(), nc=3, single_cls=False, keypoints=0)
        assert bool(theirs[8]) == bool(ours.fault), (text, theirs[9], ours.fault)
        refused += bool(ours.fault)
        if not ours.fault:
            assert sorted(int(c) for c in theirs[1][:, 0]) == sorted(ours.classes), text
            assert bool(theirs[3]) == ours.polygons, text
    assert 300 < refused < 1700, "both kinds were tried"


def test_label_paths_as_the_trainers() -> None:
    utils = pytest.importorskip("ultralytics.data.utils")
    paths = ["/d/images/train/a.jpg", "/images/d/images/b.tar.png", "/flat/c.jpg", "/images/x/y.jpeg"]
    assert [label_path(p) for p in paths] == utils.img2label_paths(paths)


@pytest.mark.parametrize("polygons", [True, False])
def test_a_real_data_set(tmp_path: Path, polygons: bool) -> None:
    yaml = make_dataset(tmp_path, train=20, val=6, size=48, polygons=polygons)
    data = read_data_set(str(yaml), Installed(), task="detect")
    assert (data.train.images, data.train.read, data.nc) == (20, 20, 3)
    assert data.val is not None
    assert data.val.images == 6
    assert data.train.polygon_files == (20 if polygons else 0)
    assert data.train.box_files == (0 if polygons else 20)
    assert data.train.objects == sum(data.train.instances.values()) >= 20
    assert set(data.train.sizes) == {(48, 48)}
    assert data.shared == 0, "0001.png is in both, but not the same file"


def test_planted_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where Ultralytics has been imported it replaces Image.open, and installs a plugin for images it cannot read.
    patches = sys.modules.get("ultralytics.utils.patches")
    if patches is not None:
        monkeypatch.setattr("PIL.Image.open", patches._image_open)
    yaml = make_dataset(tmp_path, train=20, val=6, size=48)
    labels = tmp_path / "labels" / "train"
    (labels / "0000.txt").unlink()
    (labels / "0001.txt").write_text("")
    (labels / "0002.txt").write_text("7 0.5 0.5 0.1 0.1\n")
    (labels / "0003.txt").write_text("0 50 50 10 10\n")
    (tmp_path / "images" / "train" / "0004.png").write_bytes(b"no image")
    (tmp_path / "images" / "val" / "0005.png").write_bytes((tmp_path / "images" / "train" / "0006.png").read_bytes())
    (tmp_path / "images" / "val" / "0005.png").rename(tmp_path / "images" / "val" / "0006.png")
    data = read_data_set(str(yaml), Installed(), task="detect")
    train = data.train
    assert (train.missing, train.empty, train.unreadable) == (1, 1, 1)
    assert {f.reason.split(" (")[0]: f.images for f in train.faults} == {
        "class ids beyond 0-2": 1,
        "coordinates above 1": 1,
    }
    assert train.faults[0].example.endswith("0002.png")
    assert data.shared == 1
    assert data.shared_example.endswith("0006.png")


def test_reading_is_bounded_and_says_so(tmp_path: Path) -> None:
    yaml = make_dataset(tmp_path, train=30, val=6, size=32)
    data = read_data_set(str(yaml), Installed(), task="detect", limits=Limits(label_files=10, headers=4))
    assert (data.train.images, data.train.read, len(data.train.sizes)) == (30, 10, 4)
    again = read_data_set(str(yaml), Installed(), task="detect", limits=Limits(label_files=10, headers=4))
    assert again == data, "the same part every time"


def test_lists_of_images(tmp_path: Path) -> None:
    make_dataset(tmp_path, train=4, val=2, size=32)
    listing = tmp_path / "train.txt"
    listing.write_text("./images/train/0000.png\n" + str(tmp_path / "images/train/0001.png") + "\nnotes.md\n")
    images, absent = list_images([listing, tmp_path / "nowhere"])
    assert [os.path.basename(i) for i in images] == ["0000.png", "0001.png"]
    assert absent == (str(tmp_path / "nowhere"),)


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    make_dataset(tmp_path, train=4, val=2, size=32)
    (tmp_path / "images" / "train" / "loop").symlink_to(tmp_path / "images")
    images, _ = list_images([tmp_path / "images" / "train"])
    assert len(images) <= 6


def test_the_same_folder_twice(tmp_path: Path) -> None:
    yaml = make_dataset(tmp_path, train=4, val=2, size=32)
    yaml.write_text(yaml.read_text().replace("val: images/val", "val: images/train"))
    assert read_data_set(str(yaml), Installed(), task="detect").shared == 4
    assert shared_images([], ["x"]) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("train: [", "not YAML"), ("- 1\n", "train, val and names"), ("val: x\nnames: [a]\n", "has no `train:`"),
        ("train: x\nval: y\n", "neither `names:`"), ("train: x\nval: y\nnc: many\n", "no whole number"),
        ("train: x\nval: y\nnc: 3\nnames: [a]\n", "`nc: 3` but 1 names"), ("train: x\nval: y\nnames: 3\n", "must be a list"),
        ("train: x\nval: y\nnames: {a: b}\n", "no whole number"), ("train: x\nval: y\nnames: {1: b}\n", "from 0 to 0"),
        ("train: {a: b}\nval: y\nnames: [a]\n", "must be a path"),
        ("train: x\nval: y\nnc: 9999999999\n", "no number of classes"), ("train: x\nval: y\nnc: .inf\n", "no whole number"),
        ("train: x\nval: y\nnames: []\n", "is empty"), ("train: x\nval: y\nnc: 0\n", "no number of classes"),
    ],
)  # fmt: skip
def test_descriptions_that_describe_nothing(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(text)
    with pytest.raises(UnreadableData, match=says) as caught:
        read_data_set(str(file), Installed(), task="detect")
    assert "\n" not in str(caught.value)


def test_no_description(tmp_path: Path) -> None:
    with pytest.raises(UnreadableData, match="no such file"):
        read_data_set(str(tmp_path / "none.yaml"), Installed(), task="detect")
    with pytest.raises(UnreadableData, match="0 YAML files"):
        read_data_set(str(tmp_path), Installed(), task="detect")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableData, match="cannot be read"):
        read_data_set(str(tmp_path / "b.yaml"), Installed(), task="detect")


def test_nothing_is_fetched() -> None:
    data = read_data_set("https://example.org/coco.yaml", Installed(), task="detect")
    assert "network" in data.not_read
    assert read_data_set("imagenet", Installed(), task="classify").not_read


def test_descriptions_that_come_with_the_trainer() -> None:
    pytest.importorskip("ultralytics")
    from trainwatch.doctor._installed import find_installed

    data = read_data_set("coco8.yaml", find_installed(), task="detect")
    assert data.nc == 80
    assert data.downloads

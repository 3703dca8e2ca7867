"""The data set, read from data.yaml and the label files: no training, no image decoded."""

from __future__ import annotations

import math
import os
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from trainwatch.doctor._installed import Installed
from trainwatch.doctor._situation import DataSet, Fault, Split
from trainwatch.errors import UnreadableData

IMAGE_SUFFIXES: Final = frozenset(
    {"avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp"}
)
"""What the trainer takes for an image (Ultralytics 8.4.190, data/utils.py)."""

WITH_LABEL_FILES: Final = frozenset({"detect", "segment", "pose", "obb"})

MOST_CLASSES: Final = 1_000_000
"""More is a slip of the pen in `nc:`, and would fill the memory with names."""

# Tolerances of the trainer's own check (data/utils.py, verify_image_label).
HIGHEST: Final = 1.01
LOWEST: Final = -0.01


@dataclass(frozen=True)
class Limits:
    """How much is read at most.

    Attributes:
        label_files: Label files per split; of more, a random part (the same every time).
        seconds: Time per split.
        headers: Images whose size is read.
    """

    label_files: int = 200_000
    seconds: float = 30.0
    headers: int = 64


@dataclass(frozen=True)
class LabelFile:
    """One label file: its kind, the class of each object, lines that stand twice, and why it would be refused."""

    polygons: bool = False
    classes: tuple[int, ...] = ()
    repeated: int = 0
    fault: str = ""


def read_data_set(
    name: str, installed: Installed, *, task: str, single_cls: bool = False, limits: Limits | None = None
) -> DataSet:
    """Read a data set.

    Args:
        name: data.yaml, a folder (classification), or the name of a description that comes with the trainer.
        installed: The trainer: its own descriptions, and its folder of data sets.
        task: The task; only those with label files are looked into.
        single_cls: Every class counts as class 0.
        limits: How much to read.

    Raises:
        UnreadableData: If there is no such description, or it describes nothing.
    """
    limits = limits or Limits()
    if task not in WITH_LABEL_FILES:
        return DataSet(
            name, {}, Split("train"), not_read=f"data sets of the task {task} have no label files to look at"
        )
    if "://" in name:
        return DataSet(name, {}, Split("train"), not_read="it is on the network, and nothing is fetched here")
    file = _find(name, installed)
    described = _load(file)
    names = _names(file, described)
    root = _root(file, described, installed)
    key = "val" if "val" in described else "validation"
    keypoints = _keypoint_columns(described) if task == "pose" else 0
    nc = 1 if single_cls else len(names)
    listed: dict[str, tuple[list[str], tuple[str, ...]]] = {}
    for split, word in (("train", "train"), ("val", key)):
        places = _places(file, root, described.get(word), word)
        listed[split] = list_images(places)
    splits = {
        split: read_split(split, images, absent, nc=nc, single_cls=single_cls, keypoints=keypoints, limits=limits)
        for split, (images, absent) in listed.items()
    }
    shared = shared_images(listed["train"][0], listed["val"][0])
    return DataSet(
        path=name,
        names=names,
        train=splits["train"],
        val=splits["val"] if described.get(key) else None,
        shared=len(shared),
        shared_example=shared[0] if shared else "",
        downloads=bool(described.get("download")),
    )


def list_images(places: Sequence[Path]) -> tuple[list[str], tuple[str, ...]]:
    """Return the image files of folders and of text files that list images, and the places that do not exist."""
    found: list[str] = []
    absent = []
    for place in places:
        if place.is_dir():
            found += _walk(place)
        elif place.is_file():
            try:
                lines = place.read_text(encoding="utf-8-sig").split("\n")
            except (OSError, UnicodeDecodeError):
                absent.append(str(place))
                continue
            parent = f"{place.parent}{os.sep}"
            found += [x.replace("./", parent, 1) if x.startswith("./") else x for x in map(str.strip, lines) if x]
        else:
            absent.append(str(place))
    images = [f for f in found if f.rpartition(".")[2].lower() in IMAGE_SUFFIXES]
    return sorted(images), tuple(absent)


def read_split(
    name: str,
    images: Sequence[str],
    absent: tuple[str, ...],
    *,
    nc: int,
    single_cls: bool,
    keypoints: int,
    limits: Limits,
) -> Split:
    """Read the label files that belong to these images."""
    # In random order, so that what is read before the time is up stands for all; seeded, so that it is the same again.
    order = list(images)
    random.Random(0).shuffle(order)
    until = time.monotonic() + limits.seconds
    read = missing = empty = boxes = polygons = objects = repeated = most = 0
    fullest = ""
    instances: Counter[int] = Counter()
    faults: dict[str, list[str]] = {}
    for image in order[: limits.label_files]:
        if read % 1000 == 999 and time.monotonic() > until:
            break
        read += 1
        try:
            with open(label_path(image), "rb") as file:
                label = parse_label(file.read(), nc=nc, single_cls=single_cls, keypoints=keypoints)
        except OSError:
            missing += 1
            continue
        if label.fault:
            faults.setdefault(label.fault, []).append(image)
            continue
        if not label.classes:
            empty += 1
            continue
        polygons += label.polygons
        boxes += not label.polygons
        repeated += label.repeated
        objects += len(label.classes)
        instances.update(label.classes)
        if len(label.classes) > most:
            most, fullest = len(label.classes), image
    sizes, unreadable = image_sizes(order[: limits.headers])
    return Split(
        name=name, absent=absent, images=len(images), read=read, missing=missing, empty=empty,
        faults=tuple(Fault(reason, len(of), min(of)) for reason, of in sorted(faults.items())),
        box_files=boxes, polygon_files=polygons, objects=objects, instances=dict(sorted(instances.items())),
        repeated=repeated, most_objects=most, fullest=fullest, sizes=sizes, unreadable=unreadable,
    )  # fmt: skip


def parse_label(raw: bytes, *, nc: int, single_cls: bool, keypoints: int) -> LabelFile:
    """Read one label file as the trainer would, and say why it would leave the image out.

    Args:
        raw: Content of the file.
        nc: Number of classes.
        single_cls: Class ids do not matter.
        keypoints: Columns of keypoints that follow a box; 0: none.
    """
    try:
        rows = [line.split() for line in raw.decode("utf-8-sig").splitlines()]
        table = [tuple(map(float, row)) for row in rows if row]
    except UnicodeDecodeError:
        return LabelFile(fault="not UTF-8 text")
    except ValueError:
        return LabelFile(fault="something that is no number")
    if not table:
        return LabelFile()
    lengths = {len(row) for row in table}
    polygons = not keypoints and max(lengths) > 6
    if polygons and 5 in lengths:
        return LabelFile(fault="boxes and polygons in one file")
    if polygons and any(n % 2 == 0 or n < 5 for n in lengths):
        return LabelFile(fault="a polygon with an odd number of coordinates")
    if not polygons and lengths != {5 + keypoints}:
        return LabelFile(fault=f"lines that do not have {5 + keypoints} numbers")
    boxes = [_box(row) for row in table] if polygons else [row[1:5] for row in table]
    points = (
        [v for row in table for v in _keypoint_places(row, keypoints)] if keypoints else [v for b in boxes for v in b]
    )
    if not max(points) <= HIGHEST or any(math.isnan(v) for v in points):
        return LabelFile(fault="coordinates above 1 (not divided by the image's width and height)")
    lowest = min(min(v for b in boxes for v in b), min(points), min(row[0] for row in table))
    if lowest < LOWEST or (lowest < 0 and min(v for b in boxes for v in b[2:]) < 0):
        return LabelFile(fault="negative values")
    if any(not row[0].is_integer() for row in table):
        return LabelFile(fault="class ids that are no whole numbers")
    # In this order in the trainer: a line that stands twice is dropped after its class was looked at.
    if not single_cls and max(row[0] for row in table) >= nc:
        return LabelFile(fault=f"class ids beyond 0-{nc - 1}")
    kept = set(table)
    return LabelFile(
        polygons, tuple(0 if single_cls else int(row[0]) for row in sorted(kept)), repeated=len(table) - len(kept)
    )


def label_path(image: str) -> str:
    """Return where the trainer looks for an image's labels: the last folder ``images`` becomes ``labels``."""
    head, sign, tail = image.rpartition(f"{os.sep}images{os.sep}")
    moved = f"{head}{os.sep}labels{os.sep}{tail}" if sign else image
    return f"{moved.rpartition('.')[0]}.txt"


def image_sizes(images: Sequence[str]) -> tuple[tuple[tuple[int, int], ...], int]:
    """Return width and height of images, from their headers, and how many of them could not be read."""
    import warnings

    from PIL import Image

    sizes = []
    unreadable = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of huge images; their size is what is asked for
        for path in images:
            try:
                with Image.open(path) as image:
                    sizes.append(image.size)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                unreadable += 1
    return tuple(sizes), unreadable


def shared_images(train: Sequence[str], val: Sequence[str]) -> list[str]:
    """Return validation images that training holds too: same file name and same size in bytes."""
    by_name: dict[str, list[str]] = {}
    for path in train:
        by_name.setdefault(os.path.basename(path), []).append(path)
    found = []
    for path in val:
        twins = by_name.get(os.path.basename(path))
        if twins and _size(path) is not None and any(_size(path) == _size(twin) for twin in twins):
            found.append(path)
    return found


def _box(row: tuple[float, ...]) -> tuple[float, float, float, float]:
    x, y = row[1::2], row[2::2]
    return (min(x) + max(x)) / 2, (min(y) + max(y)) / 2, max(x) - min(x), max(y) - min(y)


def _keypoint_places(row: tuple[float, ...], columns: int) -> list[float]:
    # The third number of a keypoint is its visibility (0, 1 or 2).
    per_point = 3 if columns % 3 == 0 else 2
    return [v for i in range(5, 5 + columns, per_point) for v in row[i : i + 2]]


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _walk(folder: Path) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    # The trainer follows links to folders; a link to a folder above would never end.
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        found += [os.path.join(place, f) for f in files if not f.startswith(".")]
    return found


def _find(name: str, installed: Installed) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        inside = sorted(path.glob("*.yaml")) + sorted(path.glob("*.yml"))
        if len(inside) == 1:
            return inside[0]
        raise UnreadableData(f"{name}: a folder with {len(inside)} YAML files; name the one that describes the data")
    if path.is_file():
        return path
    if installed.folder is not None:
        own = installed.folder / "cfg" / "datasets" / (path.name if path.suffix else f"{path.name}.yaml")
        if own.is_file():
            return own
    raise UnreadableData(f"{name}: there is no such file; name a data.yaml with data=FILE")


def _load(file: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8", errors="strict"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UnreadableData(f"{file}: cannot be read ({reason})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise UnreadableData(f"{file}{line}: not YAML; write it as `key: value` lines") from error
    if not isinstance(read, dict):
        raise UnreadableData(f"{file}: holds no `key: value` lines; it needs train, val and names")
    if not read.get("train"):
        raise UnreadableData(f"{file}: has no `train:`; name the folder of the training images there")
    return read


def _names(file: Path, described: Mapping[str, Any]) -> dict[int, str]:
    given, nc = described.get("names"), described.get("nc")
    if given is None and nc is None:
        raise UnreadableData(f"{file}: has neither `names:` nor `nc:`; list the class names under `names:`")
    try:
        count = None if nc is None else int(nc)
    except (TypeError, ValueError, OverflowError):
        raise UnreadableData(f"{file}: `nc: {nc}` is no whole number") from None
    if count is not None and not 0 < count <= MOST_CLASSES:
        raise UnreadableData(f"{file}: `nc: {count}` is no number of classes")
    if given is None:
        return {i: f"class_{i}" for i in range(count or 0)}
    if isinstance(given, list):
        given = dict(enumerate(given))
    if not isinstance(given, dict):
        raise UnreadableData(f"{file}: `names:` must be a list of class names, or `id: name` lines")
    try:
        names = {int(k): str(v) for k, v in given.items()}
    except (TypeError, ValueError, OverflowError):
        raise UnreadableData(f"{file}: `names:` has a class id that is no whole number") from None
    if not names:
        raise UnreadableData(f"{file}: `names:` is empty; list the class names there")
    if count is not None and count != len(names):
        raise UnreadableData(f"{file}: `nc: {count}` but {len(names)} names; remove `nc:`")
    if sorted(names) != list(range(len(names))):
        raise UnreadableData(f"{file}: class ids under `names:` must run from 0 to {len(names) - 1} without a gap")
    return dict(sorted(names.items()))


def _root(file: Path, described: Mapping[str, Any], installed: Installed) -> Path:
    """Return the folder that paths are relative to, as the trainer finds it (data/utils.py, check_det_dataset)."""
    given = described.get("path")
    root = Path(str(given)) if given else file.parent
    if not root.exists() and not root.is_absolute() and installed.settings.get("datasets_dir"):
        return Path(str(installed.settings["datasets_dir"])) / root
    return root


def _places(file: Path, root: Path, given: Any, key: str) -> list[Path]:
    if not given:
        return []
    every = given if isinstance(given, list) else [given]
    if not all(isinstance(p, str) and "\0" not in p for p in every) or "\0" in str(root):
        raise UnreadableData(f"{file}: `{key}:` must be a path, or a list of paths")
    places = []
    for text in every:
        place = (root / text).resolve()
        if not place.exists() and text.startswith("../"):
            place = (root / text[3:]).resolve()
        places.append(place)
    return places


def _keypoint_columns(described: Mapping[str, Any]) -> int:
    shape = described.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) for n in shape):
        return int(shape[0] * shape[1])
    return 0

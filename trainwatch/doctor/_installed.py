"""The installed trainer, read from its files: importing it would cost seconds, because it imports torch."""

from __future__ import annotations

import ast
import difflib
import glob
import importlib.util
import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from trainwatch.doctor._situation import Model

FALLBACK: Final[Mapping[str, Any]] = {
    "task": "detect", "epochs": 100, "patience": 100, "batch": 16, "imgsz": 640, "save": True, "save_period": -1,
    "cache": False, "device": None, "workers": 8, "project": None, "optimizer": "auto", "single_cls": False,
    "rect": False, "close_mosaic": 10, "resume": False, "amp": True, "fraction": 1.0, "multi_scale": 0.0, "val": True,
    "conf": None, "max_det": 300, "lr0": 0.01, "lrf": 0.01, "momentum": 0.937, "weight_decay": 0.0005,
    "warmup_epochs": 3.0, "warmup_momentum": 0.8, "warmup_bias_lr": 0.1, "box": 7.5, "cls": 0.5, "cls_pw": 0.0,
    "dfl": 1.5, "nbs": 64, "degrees": 0.0, "translate": 0.1, "mosaic": 1.0, "mixup": 0.0, "copy_paste": 0.0,
}  # fmt: skip
"""Defaults of Ultralytics 8.4.190 that checks read, for a machine on which it is not installed."""

ALSO_ACCEPTED: Final = frozenset(
    {"augmentations", "save_dir", "boxes", "hide_labels", "hide_conf", "line_thickness", "end2end", "half", "int8",
     "label_smoothing", "save_hybrid", "crop_fraction", "keras"}
)  # fmt: skip
"""Names beside the defaults that the trainer takes, some of them with a warning (cfg/__init__.py, 8.4.190)."""

_KINDS: Final = {
    "CFG_FLOAT_KEYS": "float", "CFG_FRACTION_KEYS": "fraction", "CFG_INT_KEYS": "int", "CFG_BOOL_KEYS": "bool",
}  # fmt: skip
_SUFFIX_TASKS: Final = {
    "seg": "segment", "pose": "pose", "obb": "obb", "cls": "classify", "sem": "semantic", "depth": "depth",
}  # fmt: skip
NEAR_NAME: Final = 0.75
"""Likeness (difflib's ratio) from which one name may have been meant by another."""

_BYTES_PER_WEIGHT: Final = 2  # a finished checkpoint holds half precision


@dataclass(frozen=True)
class Installed:
    """What the files of the trainer say.

    Attributes:
        folder: Its package folder; None if it is not installed.
        defaults: Default of every argument.
        kinds: ``float``, ``fraction`` (0 to 1), ``int`` or ``bool`` by argument, where the trainer checks it.
        minimum: Smallest value by argument.
        settings: The user's settings of the trainer.
    """

    folder: Path | None = None
    defaults: Mapping[str, Any] = field(default_factory=lambda: FALLBACK)
    kinds: Mapping[str, str] = field(default_factory=dict)
    minimum: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def find_installed() -> Installed:
    """Read the installed Ultralytics; without one, its documented defaults and no knowledge of names."""
    folder = package_folder("ultralytics")
    if folder is None:
        return Installed()
    try:
        defaults = yaml.safe_load((folder / "cfg" / "default.yaml").read_text(encoding="utf-8"))
        kinds, minimum = _tables((folder / "cfg" / "__init__.py").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, SyntaxError):
        return Installed()
    return Installed(folder, defaults, kinds, minimum, _settings()) if isinstance(defaults, dict) else Installed()


def package_folder(name: str) -> Path | None:
    """Return the folder of a top-level package without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def describe_model(name: str, task: str | None, installed: Installed) -> Model:
    """Return what a model's name tells, and its number of weights.

    Args:
        name: ``yolo12n.yaml``, ``yolo12n-seg.pt``, or the path of either.
        task: The task that was asked for, which goes before the name's suffix.
        installed: The trainer, whose model files state the number of weights of each scale.
    """
    stem = Path(name).stem
    # The trainer's own rule (nn/tasks.py, guess_model_scale).
    scale = re.search(r"yolo(?:e-)?v?\d+([nslmx])", stem)
    suffix = re.search(r"-(seg|pose|obb|cls|sem|depth)\b", stem)
    return Model(
        name=name,
        yolo12=re.search(r"yolov?12", stem) is not None,
        scale=scale.group(1) if scale else None,
        parameters=_parameters(name, scale.group(1) if scale else None, installed),
        task=task or (_SUFFIX_TASKS[suffix.group(1)] if suffix else "detect"),
        source=_source(name, installed),
        near=near_models(name, installed),
    )


def near_models(name: str, installed: Installed) -> tuple[str, ...]:
    """Return at most two names of the trainer's own models that a name was probably meant to be.

    Empty for a file that exists, a path, and a name that the trainer knows. A name without a scale has the scales of its
    family beside it (``yolo12n`` of ``yolo12.yaml``), because the trainer's files leave it out.
    """
    path = Path(name)
    if installed.folder is None or path.is_file() or len(path.parts) != 1:
        return ()
    stems = [p.stem for p in sorted((installed.folder / "cfg" / "models").glob("*/*.yaml"))]
    known = dict.fromkeys(made for stem in stems for made in (stem, *_scaled(stem)))
    # Weights have variants that no model file names: yolov5nu.pt, yolov8n-oiv7.pt.
    variants = tuple(s for stem in stems for s in _scaled(stem)) if path.suffix == ".pt" else ()
    if path.stem in known or path.stem.startswith(variants):
        return ()
    suffix = path.suffix if path.suffix in (".yaml", ".yml", ".pt") else ".yaml"
    near = difflib.get_close_matches(path.stem, known, n=8, cutoff=NEAR_NAME)
    # Of names that are as near the newer one first.
    near.sort(key=lambda n: (-round(difflib.SequenceMatcher(None, n, path.stem).ratio(), 3), "v" in n, -_version(n)))
    return tuple(f"{n}{suffix}" for n in near[:2])


def _scaled(stem: str) -> list[str]:
    """Return a family's name with each scale behind its number."""
    found = re.match(r"(yolo(?:e-)?v?\d+)(?=-|$)", stem)
    return [f"{found[1]}{s}{stem[found.end() :]}" for s in "nslmx"] if found else []


def _version(stem: str) -> int:
    found = re.search(r"\d+", stem)
    return int(found[0]) if found else 0


def _source(name: str, installed: Installed) -> str | None:
    path = Path(name)
    if path.is_file():
        return "file"
    if installed.folder is None:
        return None
    if path.suffix in (".yaml", ".yml"):
        models = installed.folder / "cfg" / "models"
        own = any(True for word in (path.name, _unified(path)) for _ in models.glob(f"**/{glob.escape(word)}"))
        return "trainer" if own else "nowhere"
    if not path.suffix:
        # A bare name is taken for weights, if the trainer has some of that name; else for a file that must be there.
        return (
            "download"
            if len(path.parts) == 1 and not near_models(name, installed) and _known(path, installed)
            else "nowhere"
        )
    # The trainer fetches weights by their bare name only.
    return "download" if len(path.parts) == 1 else "nowhere"


def _known(path: Path, installed: Installed) -> bool:
    models = (installed.folder or Path()) / "cfg" / "models"
    return any(True for _ in models.glob(f"**/{glob.escape(_unified(path))}.yaml"))


def _unified(path: Path) -> str:
    """Return the file's name without the scale, as the trainer names its own files (nn/tasks.py, yaml_model_load)."""
    return re.sub(r"(\d+)[nslmx](?=\D|$)", r"\1", path.name, count=1)


def _parameters(name: str, scale: str | None, installed: Installed) -> int | None:
    path = Path(name)
    stated = None
    if installed.folder is not None and scale is not None:
        unified = _unified(path.with_suffix(".yaml"))
        for file in sorted((installed.folder / "cfg" / "models").glob(f"*/{glob.escape(unified)}")):
            line = re.search(rf"^\s+{scale}:.*?([\d,]+) parameters", file.read_text(encoding="utf-8"), re.MULTILINE)
            stated = int(line.group(1).replace(",", "")) if line else None
    if stated is None and path.suffix == ".pt" and path.is_file():
        return path.stat().st_size // _BYTES_PER_WEIGHT
    return stated


def _tables(source: str) -> tuple[dict[str, str], dict[str, int]]:
    kinds: dict[str, str] = {}
    minimum: dict[str, int] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name, value = node.targets[0].id, node.value
        if name in _KINDS:
            literal = value.args[0] if isinstance(value, ast.Call) and value.args else value
            kinds.update(dict.fromkeys(_literal(literal, ()), _KINDS[name]))
        elif name == "CFG_INT_MIN":
            minimum = dict(_literal(value, {}))
    return kinds, minimum


def _literal(node: ast.expr, default: Any) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return default


def _settings() -> dict[str, Any]:
    own = os.environ.get("YOLO_CONFIG_DIR")
    home = Path.home()
    base = {"Windows": home / "AppData" / "Roaming", "Darwin": home / "Library" / "Application Support"}.get(
        platform.system(), Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    )
    try:
        read = json.loads(((Path(own) if own else base) / "Ultralytics" / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}

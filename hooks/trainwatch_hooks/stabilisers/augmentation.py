"""augmentation: mosaic and copy-paste by the source's numbers, a schedule of both, and copy-paste for box labels.

What it does:
    Starts the training with mosaic 0.8, degrees 0, translate 0.1 and copy_paste by the size of the model. Changes any
    of them at given epochs. Pastes whole boxes of other images where labels are boxes, if asked to. Says so where
    copy_paste can do nothing.

Why it matters:
    The source reports +2.3 mAP50 on VisDrone without rotation above 5 degrees, and a standard deviation of the
    validation loss lower by 63 % over 600 epochs with copy_paste 0.15. ``copy_paste`` cuts along polygons: on box
    labels Ultralytics returns at once, silently.

How it works:
    The start values are arguments of the trainer; those that you give yourself stay as you gave them. Later changes:
    Ultralytics builds its transforms from a copy of the arguments, and workers hold copies of the data set, so that a
    change of ``args`` does nothing. At the start of an epoch the transforms are built anew from a copy with the new
    values, the loader is reset (its workers start again), and ``args`` follow, so that the trainer's own rebuilds (an
    out-of-memory retry, close_mosaic) agree. What close_mosaic switched off stays off; the other values may change.

    ``box_copy_paste`` is a transform of ours between mosaic and the affine one; close_mosaic removes it, too.
    ``trainwatch/box_copy_paste.jpg`` shows what it does to your images: look at it before you train for days.

Settings:
    mosaic = 0.8          probability that an image becomes a mosaic (the source's "mosaic on, triggered at 0.8")
    degrees = 0           largest rotation
    translate = 0.1       largest shift, in images
    copy_paste = null     null: by model size, 0.1 (n), 0.15 (s), 0.4 (m), 0.5 (l), 0.6 (x) as in the recipe of the
                          YOLOv12 authors, but at most copy_paste_cap. Unknown size: 0.1
    copy_paste_cap = 0.2  the source sees artefacts above 0.2, the authors do not; 1 gives the authors' values
    schedule = null       {0.5: {mosaic: 0.5, mixup: 0.1}, 400: {degrees: 2}}: fraction of the training or epoch ->
                          values from there on. Names: mosaic, mixup, cutmix, copy_paste, box_copy_paste, degrees,
                          translate, scale, shear, perspective, fliplr, flipud, hsv_h, hsv_s, hsv_v
    box_copy_paste = 0    0.1: one object more for ten, on average. Only for task detect and box labels
    box_overlap = 0.3     largest share of an object that pasted boxes may hide, and of one of them on an object
    box_max_objects = 100 an image (a mosaic is one) with this many objects gets no more; memory grows with them
    box_feather = 2       pixels over which the edge of a pasted box fades in

What it does not do:
    It does not tell whether pasted boxes help: the rectangle brings its background along. On data where the background
    gives the class away, leave it off. What is measured is in tests/bench/stabilisers/README.md.

References:
    The seven techniques, 2.1 and 2.2. README of the YOLOv12 authors: copy_paste per scale (600 epochs). Ghiasi et al.,
    Simple copy-paste is a strong data augmentation method for instance segmentation (2021). Dwibedi et al., Cut, paste
    and learn (2017): why the edge is blended. Ultralytics 8.4: data/augment.py CopyPaste, data/dataset.py close_mosaic.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from trainwatch_hooks.probes import augmentation as in_force
from trainwatch_hooks.stabilisers._box_copy_paste import BoxCopyPaste, insert
from trainwatch_hooks.stabilisers._box_picture import picture
from trainwatch_hooks.stabilisers.base import Control, Request, SettingsError, Stabiliser, boundary, require

AUTHORS_COPY_PASTE: Final[Mapping[str, float]] = {"n": 0.1, "s": 0.15, "m": 0.4, "b": 0.4, "l": 0.5, "x": 0.6}
"""Recipe of the YOLOv12 authors; b is between m and l in YOLOv10 and takes the smaller of the two."""
UNKNOWN_SCALE: Final = 0.1

LIMITS: Final[Mapping[str, float]] = {
    "mosaic": 1, "mixup": 1, "cutmix": 1, "copy_paste": 1, "box_copy_paste": 1, "degrees": 180, "translate": 1,
    "scale": 1, "shear": 180, "perspective": 1, "fliplr": 1, "flipud": 1, "hsv_h": 1, "hsv_s": 1, "hsv_v": 1,
}  # fmt: skip
"""What may be scheduled, and its largest value (Ultralytics 8.4 cfg/default.yaml)."""

CLOSED: Final = ("mosaic", "mixup", "cutmix", "copy_paste", "box_copy_paste")
"""What close_mosaic switches off."""

OURS: Final = "box_copy_paste"

Schedule = dict[float | str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    mosaic: float = 0.8
    degrees: float = 0.0
    translate: float = 0.1
    copy_paste: float | None = None
    copy_paste_cap: float = 0.2
    schedule: Schedule | None = None
    box_copy_paste: float = 0.0
    box_overlap: float = 0.3
    box_max_objects: int = 100
    box_feather: int = 2

    def __post_init__(self) -> None:
        for name in ("mosaic", "degrees", "translate", "copy_paste", "box_copy_paste"):
            value = getattr(self, name)
            if value is not None:
                _within(name, value, LIMITS[name])
        _within("copy_paste_cap", self.copy_paste_cap, 1)
        _within("box_overlap", self.box_overlap, 1)
        require(self.box_max_objects > 0, f"box_max_objects is {self.box_max_objects}; it must be positive")
        require(self.box_feather >= 0, f"box_feather is {self.box_feather}; it cannot be negative")
        stages = {_when(at): values for at, values in (self.schedule or {}).items()}
        require(len(stages) == len(self.schedule or {}), "schedule: two stages begin at the same time")
        for at, values in stages.items():
            for name, value in values.items():
                require(name in LIMITS, f"schedule {at:g}: {_unknown(name)}")
                _within(f"schedule {at:g}: {name}", value, LIMITS[name])
        # JSON knows no numbers as keys: a schedule that comes back from run.json has texts.
        object.__setattr__(self, "schedule", {k: dict(stages[k]) for k in sorted(stages)} if stages else None)


def _within(name: str, value: float, limit: float) -> None:
    require(0 <= value <= limit, f"{name} is {value:g}; it must lie between 0 and {limit:g}")


def _when(at: float | str) -> float:
    try:
        value = float(at)
    except ValueError:
        raise SettingsError(f"schedule: {at!r} is no time; give a fraction (0.5) or an epoch (300)") from None
    fits = 0 < value < 1 or (value >= 1 and value == int(value))
    require(fits, f"schedule: {value:g} is no time after the start; give a fraction below 1 (0.5) or an epoch (300)")
    return value


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, LIMITS, n=1)
    hint = f", did you mean {near[0]!r}?" if near else ""
    return f"there is no augmentation {name!r}{hint}; there are: {', '.join(LIMITS)}"


def copy_paste_for(model: str, cap: float) -> float:
    """Return copy_paste for a model by the letter of its size.

    Args:
        model: Name or path of a model, e.g. ``yolo12n.pt`` or ``yolov8s-seg.yaml``.
        cap: Largest value.
    """
    found = re.search(r"yolo\D{0,3}\d+([a-z])", re.split(r"[\\/]", model)[-1].lower())
    return min(AUTHORS_COPY_PASTE.get(found[1] if found else "", UNKNOWN_SCALE), cap)


def stages(schedule: Schedule | None, epochs: int) -> list[tuple[int, dict[str, float]]]:
    """Return the stages as (first epoch, values), in order."""
    return sorted(((boundary(float(at), epochs), v) for at, v in (schedule or {}).items()), key=lambda s: s[0])


class Augmentation(Stabiliser):
    """Sets, changes and extends the augmentation; see the module's text."""

    settings_type = Settings

    def __init__(self, settings: Settings, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._start: dict[str, Any] = {}  # scale may be a pair
        self._pastes = False
        self._closed = False
        self._stage = 0
        self._done: tuple[Any, dict[str, Any]] | None = None

    def arguments(self, request: Request) -> dict[str, Any]:
        """Start values; stages that cannot be are refused here."""
        if request.given.get("resume"):
            return {}  # the checkpoint's arguments and number of epochs count
        self._check(request)
        wanted = {n: getattr(self.settings, n) for n in ("mosaic", "degrees", "translate", "copy_paste")}
        if wanted["copy_paste"] is None:
            wanted["copy_paste"] = copy_paste_for(request.model, self.settings.copy_paste_cap)
        for name, value in wanted.items():
            given = request.given.get(name, value)
            if name in self.explicit and given != value:
                raise SettingsError(
                    f"augmentation: {name}={given} for the training and {name}={value:g} here; give one of them"
                )
        return {n: v for n, v in wanted.items() if n not in request.given}

    def _check(self, request: Request) -> None:
        before = 0
        closes = max(request.epochs - int(request.value("close_mosaic") or 0), 0)
        for begin, values in stages(self.settings.schedule, request.epochs):
            if begin == 0:
                raise SettingsError(
                    "augmentation: schedule: a stage would begin at epoch 0; give its values to the training itself"
                )
            if begin == before:
                raise SettingsError(f"augmentation: schedule: the stages overlap: two begin at epoch {begin}")
            if begin >= request.epochs:
                raise SettingsError(
                    f"augmentation: schedule: a stage begins at epoch {begin}, after the end of {request.epochs} epochs"
                )
            absent = [n for n in values if n != OURS and n not in request.defaults]
            if absent:
                raise SettingsError(f"augmentation: schedule: this version of Ultralytics has no {absent[0]}")
            late = [n for n in CLOSED if values.get(n, 0) > 0]
            if late and begin >= closes:
                raise SettingsError(
                    f"augmentation: schedule: {late[0]} at epoch {begin} is too late: close_mosaic switches it off at "
                    f"epoch {closes}; begin earlier, or give a smaller close_mosaic"
                )
            before = begin

    def setup(self, control: Control) -> None:
        """Remember the start values, look at the labels, and say what can do nothing."""
        args, dataset = control.trainer.args, _dataset(control)
        self._start, self._pastes, self._closed, self._stage, self._done = {}, False, False, 0, None
        if not in_force.read(dataset) or not hasattr(dataset, "build_transforms"):
            if self.settings.schedule or self.settings.box_copy_paste:
                control.note("warning", f"augmentation: inert, a {args.task} training has other transforms")
            return
        scheduled = {n for _, values in stages(self.settings.schedule, control.epochs) for n in values}
        self._start = {n: getattr(args, n) for n in sorted(scheduled - {OURS})}
        self._look_at_labels(control, dataset, bool(self.settings.box_copy_paste) or OURS in scheduled)
        if self._pastes:
            self._start[OURS] = self.settings.box_copy_paste

    def _look_at_labels(self, control: Control, dataset: Any, pasting: bool) -> None:
        args = control.trainer.args
        polygons = any(len(label.get("segments", ())) for label in getattr(dataset, "labels", ()))
        plain = args.task == "detect" and not hasattr(type(dataset), "category_freq")
        self._pastes = pasting and plain and not polygons and not getattr(dataset, "rect", False)
        if pasting and not self._pastes:
            why = (
                f"it is for task detect, not {args.task}"
                if args.task != "detect"
                else "the labels are polygons, along which copy_paste cuts"
                if polygons
                else "rect or text prompts leave no room for it"
            )
            control.note("warning", f"augmentation: box_copy_paste is inert: {why}")
        elif self._pastes and args.close_mosaic >= control.epochs:
            control.note(
                "warning",
                f"augmentation: box_copy_paste never acts: close_mosaic={args.close_mosaic} covers all "
                f"{control.epochs} epochs",
            )
        if args.task == "detect" and not polygons and not self._pastes and float(args.copy_paste) > 0:
            control.note(
                "warning",
                f"augmentation: copy_paste={args.copy_paste:g} does nothing: it cuts objects out along polygons, and "
                "these labels are boxes. Set box_copy_paste (0.1) in stabilise, or mixup, or give polygon labels",
                copy_paste=float(args.copy_paste),
            )

    def epoch_start(self, control: Control) -> None:
        """Bring the transforms to what this epoch wants."""
        if not self._start:
            return
        args, dataset = control.trainer.args, _dataset(control)
        now = in_force.read(dataset)
        first = self._done is None
        self._closed = self._closed or _closes(control) or now.get("mosaic") == 0 < float(args.mosaic)
        stage, values = self._values(control)
        for name in values.keys() - {OURS}:
            setattr(args, name, values[name])
        wanted = {**values, **dict.fromkeys(CLOSED, 0.0)} if self._closed else values
        done = self._done is not None and self._done[0] is dataset and self._done[1] == wanted
        if not done and any(now.get(n) != v for n, v in wanted.items()):
            self._rebuild(control, dataset, wanted)
        self._done = (dataset, wanted)
        if first and wanted.get(OURS):
            self._show(control, dataset)
        if stage != self._stage:
            self._stage = stage
            self._tell(control, stage, in_force.read(dataset))

    def _values(self, control: Control) -> tuple[int, dict[str, Any]]:
        """Return the number of stages that have begun, and the values of this epoch."""
        begun = [v for begin, v in stages(self.settings.schedule, control.epochs) if begin <= control.epoch]
        values = dict(self._start)
        for stage in begun:
            values |= {n: v for n, v in stage.items() if n != OURS or self._pastes}
        return len(begun), values

    def _rebuild(self, control: Control, dataset: Any, wanted: Mapping[str, Any]) -> None:
        hyp = copy(control.trainer.args)
        for name in wanted.keys() - {OURS}:
            setattr(hyp, name, wanted[name])
        transforms = dataset.build_transforms(hyp)
        if wanted.get(OURS):
            s = self.settings
            ours = BoxCopyPaste(dataset, wanted[OURS], s.box_overlap, s.box_max_objects, s.box_feather)
            if not insert(transforms, ours):
                raise RuntimeError("this data set has no affine transform to paste before")
        dataset.transforms = transforms
        control.trainer.train_loader.reset()

    def _show(self, control: Control, dataset: Any) -> None:
        path = control.folder / "box_copy_paste.jpg"
        if not control.main_process:
            return
        try:
            picture(dataset, path)
        except Exception as error:
            control.note("warning", f"augmentation: {path.name} was not written ({type(error).__name__}: {error})")

    def _tell(self, control: Control, stage: int, now: Mapping[str, float]) -> None:
        names = [n for n in self._start if n in now]
        shown = ", ".join(f"{n} {now[n]:g}" for n in names)
        held = "; mosaic and the mixing ones stay closed" if self._closed else ""
        control.note(
            "stage",
            f"augmentation stage {stage + 1} of {len(self.settings.schedule or {}) + 1}: {shown}{held}",
            stage=stage,
            values=dict(now),
        )

    def changes(self, control: Control) -> dict[int, str]:
        """Return where the stages begin."""
        return {begin: "stage" for begin, _ in stages(self.settings.schedule, control.epochs)} if self._start else {}

    def teardown(self, control: Control) -> None:
        """Give the user's arguments back."""
        for name in self._start.keys() - {OURS}:
            setattr(control.trainer.args, name, self._start[name])


def _dataset(control: Control) -> Any:
    return getattr(control.trainer.train_loader, "dataset", None)


def _closes(control: Control) -> bool:
    """Whether the trainer closes mosaic in this epoch or has done so: its own condition."""
    close = int(getattr(control.trainer.args, "close_mosaic", 0) or 0)
    return bool(close) and control.epoch >= control.epochs - close

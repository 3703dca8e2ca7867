"""Which faults are planted, what answers them, and which half a training belongs to. Fixed before any result was seen.

A variant is one drawn setting (net, optimizer, schedule, sizes, strength of the fault); it is trained with two seeds. Variants,
not trainings, are split: even ones are the tuning half, odd ones the held-out half. Of the odd ones those below
:data:`FRESH` were held out once, measured, and are used up: they belong to the tuning half now. So it went twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

HALVES = ("tuning", "held-out")
EVEN, EVEN_HEALTHY = 5, 100
"""Variants of which all are recorded, of each planted fault and healthy ones. Of those behind, the odd: these suffice to tune."""
VARIANTS, HEALTHY_VARIANTS = 18, 304
"""Variants of each planted fault, and healthy ones."""
SEEDS = 2
"""Trainings of each variant."""
YOLO_TUNING, YOLO_TUNING_HEALTHY = (10, 11), (200, 201, 202, 203)
"""Variants that are fine-tunings of YOLO12n (``yolo.py``), measured before."""
YOLO_FRESH, YOLO_FRESH_HEALTHY = (1001,), (1001, 1003)
"""Those of YOLO12n that are held out."""
FRESH, FRESH_HEALTHY = YOLO_TUNING[-1] + 1, YOLO_TUNING_HEALTHY[-1] + 1
"""Variants from which odd ones are held out. Those before were measured, some of them (5 to 11, 100 to 203) held out once."""
YOLO_KINDS = (
    "lr-high", "explosion-late", "nan-batch", "labels-missing", "host-leak", "frozen-net", "killed", "spent-lr", "val-is-train",
)  # fmt: skip
"""Faults planted in them."""

EXPLODED = ("gradient-explosion", "loss-explosion", "nonfinite-loss")
STILL = ("plateau", "lr-too-small", "no-learning", "metric-frozen")
LOST = ("degraded-after-best", "transient-collapse", "unstable-training", "overfitting", "nonfinite-validation")
"""What the curves show after the weights were lost, whatever the reason."""


@dataclass(frozen=True)
class Planted:
    """One kind of planted fault.

    Attributes:
        own: Findings that name it.
        also: Findings that answer it as well, but name other faults, too.
        implied: Further findings that are true of such a training and no false alarm.
        note: What is planted, in a few words.
    """

    own: tuple[str, ...]
    also: tuple[str, ...]
    implied: tuple[str, ...]
    note: str

    @property
    def answers(self) -> tuple[str, ...]:
        """Findings with which the fault counts as found."""
        return (*self.own, *self.also)


PLANTED: dict[str, Planted] = {
    "lr-high": Planted(
        EXPLODED, ("no-learning", "unstable-training", "dead-output"), (*STILL, *LOST, "gradient-vanishing", "missing-labels"),
        "learning rate 100 to 3000 times too high from the first step",
    ),
    "lr-spike": Planted(
        EXPLODED, ("degraded-after-best", "transient-collapse"), (*STILL, *LOST, "gradient-vanishing", "bad-batch"),
        "learning rate 1000 to 10 000 times too high for 5 steps",
    ),
    "explosion-late": Planted(
        EXPLODED, ("degraded-after-best",), (*STILL, *LOST, "gradient-vanishing", "bad-batch"),
        "learning rate 100 to 1000 times too high from a step in the last third on",
    ),
    "labels-shuffled": Planted(
        ("no-learning", "overfitting"), (), (*STILL, *LOST), "training labels permuted once, before the training",
    ),
    "labels-missing": Planted(
        ("missing-labels",), ("no-learning",), (*STILL, *LOST, "metrics-not-measured"), "no image of the training set has a label",
    ),
    "host-leak": Planted(
        ("host-memory-creep",), (), ("plateau",), "4 to 12 MiB kept per epoch from an epoch on",
    ),
    "fp16-nan": Planted(
        ("nonfinite-loss",), ("nonfinite-validation", "loss-explosion", "gradient-explosion"), (*STILL, *LOST),
        "a hidden layer overflows float16 from a step on",
    ),
    "nan-batch": Planted(
        ("nonfinite-loss",), ("nonfinite-validation",), (*STILL, *LOST), "one batch holds a NaN",
    ),
    "dead-relu": Planted(
        ("gradient-vanishing",), ("degraded-after-best", "metric-frozen", "no-learning", "loss-explosion"), (*STILL, *LOST),
        "all ReLU of one layer die at a step",
    ),
    "frozen-net": Planted(
        ("lr-too-small", "no-learning"), ("metric-frozen", "plateau"), (*STILL, *LOST),
        "the optimizer holds another model's weights, or the rate is 0 from a step on",
    ),
    "frozen-layer": Planted(
        ("gradient-vanishing",), (), (*STILL, *LOST), "one layer's gradient is 0 from a step on (norms per layer recorded)",
    ),
    "vanishing": Planted(
        ("gradient-vanishing",), ("no-learning",), (*STILL, *LOST),
        "gradients divided by a scale of 65536 too much from a step on, or ten sigmoid layers",
    ),
    "data-order": Planted(
        ("unshuffled-data",), (), (*STILL, *LOST, *EXPLODED), "samples sorted by class, the same order in each epoch",
    ),
    "val-is-train": Planted(
        ("validation-is-training",), (), (),
        "the validation set is the training set, a copy of it, or 128 of its samples; told from the sets themselves",
    ),
    "tiny-val": Planted(
        ("tiny-validation",), ("unstable-training",), (*STILL, *LOST), "6 to 12 validation samples",
    ),
    "starving-loader": Planted(
        ("dataloader-bound",), (), ("throughput-drop",), "the loader sleeps 2 to 6 ms before each batch",
    ),
    "throughput-drop": Planted(
        ("throughput-drop",), (), ("dataloader-bound",), "each step takes 2 to 4 times as long from a step on",
    ),
    "spent-lr": Planted(
        ("plateau", "lr-too-small"), (), (*STILL, "overfitting"),
        "the schedule multiplies the rate by 0 to 0.003 in the first half, long before the loss is down",
    ),
    "overfitting": Planted(
        ("overfitting",), ("degraded-after-best",), (*STILL, *LOST), "64 to 160 samples without augmentation, a wide net",
    ),
    "loss-imbalance": Planted(
        ("loss-imbalance",), (), ("plateau",), "one of two losses weighs 100 to 1000 times as much",
    ),
    "amp-collapse": Planted(
        ("amp-scale-collapse",), ("nonfinite-loss",), (*STILL, *LOST), "every scaled gradient overflows float16 from a step on",
    ),
    "killed": Planted(("killed",), ("truncated-run",), ("plateau",), "SIGKILL at a step"),
    "truncated": Planted(("killed",), ("truncated-run",), ("plateau",), "SIGKILL at a step, and the end of the record is lost"),
}  # fmt: skip
"""Class name and what answers it."""

HEALTHY = "healthy"


@dataclass(frozen=True)
class Truth:
    """What is known of one recorded training.

    Attributes:
        id: Folder name.
        kind: A key of :data:`PLANTED`, or ``healthy``.
        variant: Number of the drawn setting.
        seed: Number of the training of that setting.
        half: Tuning or held-out.
        onset_step: Step at which the fault begins; None if it is not known or there is none.
        steps: Steps of the training.
        epochs: Epochs of the training.
        allowed: Findings that a true loss on 2048 samples, never recorded, shows to be right besides.
        setting: The drawn setting.
    """

    id: str
    kind: str
    variant: int
    seed: int
    half: str
    onset_step: int | None
    steps: int
    epochs: int
    allowed: tuple[str, ...]
    setting: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Truth:
        """Take plain data back."""
        return Truth(**{**data, "allowed": tuple(data["allowed"])})


def half_of(kind: str, variant: int) -> str:
    """Return the half to which a variant belongs."""
    fresh = variant >= (FRESH_HEALTHY if kind == HEALTHY else FRESH)
    return HALVES[variant % 2 if fresh else 0]


def plan() -> list[tuple[str, int, int]]:
    """List (kind, variant, seed) of all trainings of tiny nets, first those that a short run should have."""
    every = [(k, v, s) for v in _variants(EVEN, VARIANTS, YOLO_TUNING) for k in PLANTED for s in range(SEEDS)]
    healthy = [
        (HEALTHY, v, s) for v in _variants(EVEN_HEALTHY, HEALTHY_VARIANTS, YOLO_TUNING_HEALTHY) for s in range(SEEDS)
    ]
    return _interleaved(every, healthy)


def yolo_plan() -> list[tuple[str, int, int]]:
    """List (kind, variant, seed) of the trainings of YOLO12n, the held-out ones first."""
    faulty = [(k, v, s) for v in (*YOLO_FRESH, *YOLO_TUNING) for s in range(SEEDS) for k in YOLO_KINDS]
    healthy = [(HEALTHY, v, s) for v in (*YOLO_FRESH_HEALTHY, *YOLO_TUNING_HEALTHY) for s in range(SEEDS)]
    return _interleaved(faulty, healthy)


def is_yolo(kind: str, variant: int) -> bool:
    """Whether a training is one of YOLO12n."""
    if kind == HEALTHY:
        return variant in (*YOLO_TUNING_HEALTHY, *YOLO_FRESH_HEALTHY)
    return variant in (*YOLO_TUNING, *YOLO_FRESH)


def _variants(even: int, end: int, without: tuple[int, ...]) -> list[int]:
    """Return the variants to record, the latest first."""
    return [*(v for v in reversed(range(even, end)) if v % 2 and v not in without), *range(even)]


def _interleaved(one: list[tuple[str, int, int]], other: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Take from both in turn, so that what is there after half of the time holds both."""
    return [x for i in range(max(len(one), len(other))) for x in (*one[i : i + 1], *other[i : i + 1])]

"""The result of a comparison: everything that its renderers show, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from trainwatch.result import EndedBy, Panel, Severity, Status, plain

SCHEMA: int = 1

By = Literal["step", "epoch", "time"]
Answer = Literal["helped", "harmed", "no-difference", "could-not-tell"]
Noise = Literal["seeds", "late-scatter", "none"]


@dataclass(frozen=True)
class Side:
    """One side: a run, or several runs of the same training with other seeds.

    Attributes:
        label: ``A``, ``B`` ...
        paths: Folder or log of each run, as the user named it.
        statuses: Verdict of each run.
        headlines: Headline of each run.
        ended_by: How each run ended.
        epochs: Epochs of each run.
    """

    label: str
    paths: tuple[str, ...]
    statuses: tuple[Status, ...]
    headlines: tuple[str, ...]
    ended_by: tuple[EndedBy, ...]
    epochs: tuple[int, ...]


@dataclass(frozen=True)
class ArgumentChange:
    """An argument that is not the same on both sides; values as text, None where it was not set."""

    arg: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class FindingChange:
    """A finding on the two sides.

    Attributes:
        id: The check.
        severity: The worst on either side.
        change: ``went``: on the first side only; ``came``: on the second only; ``stayed``: on both.
        old_runs: Runs of the first side that have it.
        new_runs: The same of the second.
        title: Title of one of them.
    """

    id: str
    severity: Severity
    change: Literal["went", "came", "stayed"]
    old_runs: int
    new_runs: int
    title: str


@dataclass(frozen=True)
class Difference:
    """One measure on the two sides.

    Attributes:
        id: ``score``, ``val_loss``, ``epoch_s``, ``memory``.
        title: What it is, with its column.
        unit: Unit of the numbers.
        better: Whether more or less is better.
        old: Mean level of the first side's runs; None: not measured.
        new: The same of the second.
        difference: ``new - old``.
        low: Lower end of the 95 % interval of the difference; None: no noise is known.
        high: Upper end.
        noise: What the interval was made from.
        decides: Whether the answer rests on it.
    """

    id: str
    title: str
    unit: str
    better: Literal["more", "less"]
    old: float | None
    new: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    noise: Noise = "none"
    decides: bool = False

    @property
    def direction(self) -> int:
        """1 if the second side is better beyond noise, -1 if it is worse, 0 if noise alone explains the difference."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return 0
        return 1 if (self.low > 0) == (self.better == "more") else -1


@dataclass(frozen=True)
class Pair:
    """One side against the first.

    Attributes:
        old: Label of the first side.
        new: Label of the other.
        answer: Did the change help?
        headline: The answer in one sentence.
        confidence: 0 to 1.
        reasons: Why, and what the answer rests on; one sentence each.
        arguments: What was changed.
        surroundings: What else differs (versions, data, machine), as ``arguments``.
        findings: What went, came, stayed; worst first.
        differences: The measures.
    """

    old: str
    new: str
    answer: Answer
    headline: str
    confidence: float
    reasons: tuple[str, ...]
    arguments: tuple[ArgumentChange, ...]
    surroundings: tuple[ArgumentChange, ...]
    findings: tuple[FindingChange, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Comparison:
    """The whole comparison.

    Attributes:
        by: The axis that the curves share.
        sides: The sides, the baseline first.
        pairs: Every other side against the baseline.
        panels: Curves of all runs on one axis.
        notes: What may mislead.
        version: Version of trainwatch.
        first_epoch: What the user's tool calls the first epoch.
    """

    by: By
    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    panels: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = ""
    first_epoch: int = 0

    def to_json(self, *, full: bool = False) -> dict[str, Any]:
        """Return JSON types only.

        Args:
            full: Add the curves.
        """
        document: dict[str, Any] = {"schema": SCHEMA, **plain(self)}
        if not full:
            del document["panels"]
        return document

"""Puts a comparison together.

Levels are taken at the end of each run if all came to their end, else at the last place that all reached.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainwatch import __version__
from trainwatch.compared import By, Comparison, Pair, Side
from trainwatch.comparison.arguments import changed_arguments, changed_surroundings
from trainwatch.comparison.curves import aligned_panels, axis_of
from trainwatch.comparison.judge import caveats, changed_findings, judge
from trainwatch.comparison.measures import Outcome, asides, choose_outcome, common_end, decisive, ends_of, gains_differ
from trainwatch.comparison.member import Member
from trainwatch.comparison.noise import Late
from trainwatch.errors import TrainwatchError

FINISHED = ("completed", "early-stop")


@np.errstate(all="ignore")  # a record may hold any float; what overflows is infinite, and judged as such
def compare(sides: Sequence[Sequence[Member]], by: By | None = None) -> Comparison:
    """Compare two or more sides, the first being the baseline.

    Args:
        sides: The runs of each side; several are the same training with other seeds.
        by: Axis of the curves; given, levels are taken at the last place on it that all runs reached. None: epochs,
            and the end of each run if all came to their end.

    Raises:
        TrainwatchError: With fewer than two sides, an empty one, or an axis that a run does not have.
    """
    if len(sides) < 2 or not all(sides):
        raise TrainwatchError("compare needs two runs at least: trainwatch compare RUN_BEFORE RUN_AFTER")
    axis: By = by or "epoch"
    every = [m for side in sides for m in side]
    for member in every:
        if axis_of(member.run, axis) is None:
            raise TrainwatchError(
                f"{member.path}: the record has no {'steps' if axis == 'step' else 'clock'}; compare --by epoch"
            )
    labels = [chr(ord("A") + i) for i in range(len(sides))]
    outcome = choose_outcome([m.run for m in every], [m.analysis for m in every], gains_differ(sides))
    named = [
        (label if len(side) == 1 else f"{label}{i + 1}", m.run, m.analysis.findings)
        for label, side in zip(labels, sides, strict=True)
        for i, m in enumerate(side)
    ]
    pairs = tuple(
        _pair(labels[0], label, sides[0], side, outcome, axis, at_end=by is None)
        for label, side in zip(labels[1:], sides[1:], strict=True)
    )
    return Comparison(
        by=axis,
        sides=tuple(_side(label, side) for label, side in zip(labels, sides, strict=True)),
        pairs=pairs,
        panels=aligned_panels(named, axis, (outcome.title, outcome.columns) if outcome else None),
        notes=_notes(every),
        version=__version__,
        first_epoch=max(m.analysis.page.first_epoch for m in every),
    )


def _side(label: str, side: Sequence[Member]) -> Side:
    return Side(
        label,
        tuple(m.path for m in side),
        tuple(m.analysis.verdict.status for m in side),
        tuple(m.analysis.verdict.headline for m in side),
        tuple(m.analysis.run.ended_by for m in side),
        tuple(m.analysis.run.epochs for m in side),
    )


def _notes(every: Sequence[Member]) -> tuple[str, ...]:
    notes = [f"{m.path}: {note}" for m in every for note in m.run.notes]
    paths = [m.run.path.resolve() for m in every]
    if len(set(paths)) < len(paths):
        notes.append("A run is compared with itself.")
    running = [m.path for m in every if m.analysis.run.ended_by == "running"]
    return (*notes, *(f"{path} is still running." for path in running))


def _pair(
    old_label: str,
    new_label: str,
    old: Sequence[Member],
    new: Sequence[Member],
    outcome: Outcome | None,
    by: By,
    at_end: bool,
) -> Pair:
    every = (*old, *new)
    arguments = changed_arguments([m.run for m in old], [m.run for m in new])
    finished = all(m.analysis.run.ended_by in FINISHED for m in every)
    upto = None if at_end and finished else common_end([m.run for m in every], by)
    differences = []
    ends: tuple[list[Late], list[Late]] = ([], [])
    if outcome is not None:
        ends = (ends_of(old, outcome, by, upto), ends_of(new, outcome, by, upto))
        complete = [len(e) for e in ends] == [len(old), len(new)]
        differences.append(decisive(outcome, *ends, complete=complete))
    differences += asides(old, new)
    findings = changed_findings(old, new)
    answer, headline, confidence, reasons = judge(findings, differences, ends, old, new)
    reasons += caveats(arguments, differences, old, new, upto, by, at_end)
    return Pair(
        old_label,
        new_label,
        answer,
        headline,
        confidence,
        tuple(reasons),
        arguments,
        changed_surroundings([m.run for m in old], [m.run for m in new]),
        findings,
        tuple(differences),
    )

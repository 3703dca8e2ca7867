from __future__ import annotations

from typing import Any

import pytest
from synthetic import make_finding

from trainwatch.advice.lower_lr import LowerLr
from trainwatch.advice.skip_steps import SkipSteps
from trainwatch.prescription import changes_typed, command, without_contradiction
from trainwatch.result import Change, Context, Finding

SGD: dict[str, Any] = {
    "model": "yolo12n.yaml",
    "data": "d.yaml",
    "optimizer": "SGD",
    "lr0": 0.01,
    "batch": 16,
    "nbs": 16,
}
CPU = {**SGD, "device": "cpu"}


def nan(**detail: Any) -> Finding:
    return make_finding("nonfinite-loss", "critical", detail={"component": "box_loss", **detail})


@pytest.mark.parametrize(
    ("detail", "args", "given"),
    [
        ({"same_batches": [2, 3]}, CPU, True),
        ({"origin": {"place": "loss term"}}, CPU, True),
        ({"origin": {"place": "input"}}, {**SGD, "device": "0", "amp": True}, True),
        ({"same_batches": [2]}, {**SGD, "device": "0", "amp": True}, False),
        ({"same_batches": [2]}, {**SGD, "device": "0", "amp": False}, True),
        ({"same_batches": [2], "precursor_steps": 9}, CPU, False),
        ({"same_batches": [2], "update_precursor_steps": 9}, CPU, False),
        ({"origin": {"place": "weight"}}, CPU, False),
        ({"same_batches": []}, CPU, False),
    ],
)
def test_only_where_the_evidence_points_at_a_batch(detail: dict[str, Any], args: dict[str, Any], given: bool) -> None:
    assert (SkipSteps().advise([nan(**detail)], Context(args=args)) is not None) == given


def test_not_for_a_rescued_one_or_a_loop_of_ones_own() -> None:
    mild = make_finding("nonfinite-loss", "warning", detail={"same_batches": [2]})
    assert SkipSteps().advise([mild], Context(args=CPU)) is None
    assert SkipSteps().advise([nan(same_batches=[2])], Context(args=CPU, trainer="loop")) is None


def test_the_command_leaves_the_steps_out_and_the_rate_alone() -> None:
    context = Context(args=CPU, requested={"epochs": 60, "lr0": 0.01, "optimizer": "SGD", "name": "old"})
    findings = [nan(same_batches=[2, 3])]
    given = [r for a in (SkipSteps(), LowerLr()) if (r := a.advise(findings, context)) is not None]
    kept = without_contradiction(given)
    assert [r.id for r in kept] == ["skip-steps", "lower-lr"]
    assert command(kept, context) == (
        "trainwatch train --stabilise=rescue model=yolo12n.yaml data=d.yaml epochs=60 lr0=0.01 optimizer=SGD"
    )
    assert changes_typed(kept, context) == (Change("--stabilise", None, "rescue"),)
    assert kept[1].steps[0].startswith("A second step, if neither the batch nor your own code explains it: lr0=0.0025")


def test_a_rate_that_is_far_off_or_an_explosion_is_lowered_all_the_same() -> None:
    for findings, lr0 in (
        ([nan(same_batches=[2])], 1.0),
        ([nan(same_batches=[2]), make_finding("loss-explosion", "critical")], 0.01),
        ([nan()], 0.01),
    ):
        found = LowerLr().advise(findings, Context(args={**CPU, "lr0": lr0}))
        assert found is not None
        assert "lr0" in {c.arg for c in found.changes}

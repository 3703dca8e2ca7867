from __future__ import annotations

import pytest
from synthetic import make_finding

from trainwatch.advice.lower_lr import LowerLr
from trainwatch.result import Context, Recommendation

EXPLOSION = [make_finding("gradient-explosion", "critical", detail={"lr": 0.4})]


def advise(
    args: dict[str, object], requested: dict[str, object] | None = None, findings: list = EXPLOSION
) -> Recommendation | None:
    return LowerLr().advise(
        findings, Context(args=args, requested=args if requested is None else requested, planned_epochs=600)
    )


def new(recommendation: Recommendation | None) -> dict[str, object]:
    assert recommendation is not None
    return {c.arg: c.new for c in recommendation.changes}


@pytest.mark.parametrize(
    ("args", "lr0"),
    [
        ({"optimizer": "SGD", "lr0": 1.0, "batch": 64, "nbs": 64}, 0.01),
        ({"optimizer": "SGD", "lr0": 1.0, "batch": 32, "nbs": 32}, 0.005),
        ({"optimizer": "SGD", "lr0": 1.0, "batch": 256, "nbs": 64}, 0.01),
        ({"optimizer": "SGD", "lr0": 0.004, "batch": 64, "nbs": 64}, 0.002),
        ({"optimizer": "AdamW", "lr0": 0.01, "batch": 64, "nbs": 64}, 0.001),
        ({"optimizer": "RMSProp", "lr0": 0.01, "batch": 4, "nbs": 4, "momentum": 0.937}, 6.3e-5),
        ({"optimizer": "RMSProp", "lr0": 0.01, "batch": 64, "nbs": 64, "momentum": 0.0}, 0.001),
    ],
)
def test_at_least_halved_and_within_the_rule(args: dict[str, object], lr0: float) -> None:
    assert new(advise(args))["lr0"] == lr0


def test_auto_is_replaced_by_what_was_in_force() -> None:
    args = {"optimizer": "MuSGD", "lr0": 0.01, "batch": 64}
    found = advise(args, requested={"lr0": 0.5})
    assert new(found)["optimizer"] == "MuSGD"
    assert found is not None
    assert "ignored" in found.why


def test_momentum_bias_and_warm_up() -> None:
    args = {"optimizer": "SGD", "lr0": 0.02, "batch": 64, "momentum": 0.98, "warmup_bias_lr": 0.1, "warmup_epochs": 1.0}
    changes = new(advise(args))
    assert (changes["momentum"], changes["warmup_bias_lr"], changes["warmup_epochs"]) == (0.937, 0.01, 5.0)
    calm = {
        "optimizer": "SGD",
        "lr0": 0.02,
        "batch": 64,
        "momentum": 0.937,
        "warmup_bias_lr": 0.0,
        "warmup_epochs": 10.0,
    }
    assert set(new(advise(calm))) == {"lr0"}


def test_nan_out_of_the_blue_makes_it_unsure() -> None:
    args = {"optimizer": "SGD", "lr0": 0.01, "batch": 64}
    nan = advise(args, findings=[make_finding("nonfinite-loss", "critical", detail={"precursor_steps": None})])
    exploded = advise({**args, "lr0": 1.0})
    assert nan is not None
    assert exploded is not None
    assert nan.confidence <= 0.35 < 0.85 <= exploded.confidence


def test_without_a_rate_or_a_fault_there_is_nothing_to_say() -> None:
    assert advise({"optimizer": "SGD"}) is None
    assert advise({"lr0": 0.01}, findings=[make_finding("plateau")]) is None


def test_no_rate_mends_an_image() -> None:
    args = {"optimizer": "SGD", "lr0": 0.01, "batch": 64}
    nan = make_finding("nonfinite-loss", "critical", detail={"origin": {"place": "input"}})
    assert advise(args, findings=[nan]) is None
    assert advise(args, findings=[make_finding("loss-explosion", "critical"), nan]) is not None
    other = make_finding("nonfinite-loss", "critical", detail={"origin": {"place": "module"}})
    assert advise(args, findings=[other]) is not None


def test_updates_that_grew_before_make_the_rate_the_suspect() -> None:
    args = {"optimizer": "SGD", "lr0": 0.01, "batch": 64}
    sure = advise(args, findings=[make_finding("nonfinite-loss", "critical", detail={"update_precursor_steps": 20})])
    assert sure is not None
    assert sure.confidence == 0.6


def test_layers_that_stopped_at_a_rate_far_too_high_are_its_work() -> None:
    stopped = [make_finding("gradient-vanishing", "warning")]
    given = advise({"optimizer": "AdamW", "lr0": 0.1}, findings=stopped)
    assert new(given)["lr0"] == 0.001
    assert given is not None
    assert given.root
    assert advise({"optimizer": "AdamW", "lr0": 0.002}, findings=stopped) is None

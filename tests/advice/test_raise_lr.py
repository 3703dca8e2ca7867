from __future__ import annotations

import pytest
from advising import advise, new

from trainwatch.advice.raise_lr import RaiseLr

A = RaiseLr()


@pytest.mark.parametrize(
    ("optimizer", "lr0", "expected"),
    [
        ("SGD", 2e-4, 2e-3),
        ("SGD", 1e-6, 0.01),
        ("AdamW", 1e-7, 1e-3),
        ("SGD", 0.005, 0.01),
        ("AdamW", 5e-4, 1e-3),
        ("SGD", 0.0, 0.01),
        ("RMSProp", 1e-8, 6.3e-5),
    ],
)
def test_tenfold_within_bounds_and_at_once_from_far_below(optimizer: str, lr0: float, expected: float) -> None:
    found = advise(
        A,
        "lr-too-small",
        detail={"kind": "tiny"},
        context={"requested": {"optimizer": optimizer}},
        optimizer=optimizer,
        lr0=lr0,
    )
    assert new(found) == {"lr0": expected}


def test_auto_is_named() -> None:
    assert new(advise(A, "lr-too-small", detail={"kind": "tiny"}, optimizer="auto", lr0=1e-6))["optimizer"] == "AdamW"


def test_a_schedule_that_switched_it_off() -> None:
    found = advise(A, "lr-too-small", detail={"kind": "off"}, lr0=0.01, lrf=0.0)
    assert new(found) == {"lrf": 0.01}
    assert found is not None
    assert found.steps


@pytest.mark.parametrize("beside", ["gradient-explosion", "loss-explosion", "nonfinite-loss", "unstable-training"])
def test_never_beside_a_divergence(beside: str) -> None:
    assert advise(A, "lr-too-small", beside, detail={"kind": "tiny"}, optimizer="SGD", lr0=1e-6) is None


def test_high_enough_already() -> None:
    assert (
        advise(
            A,
            "lr-too-small",
            detail={"kind": "tiny"},
            context={"requested": {"optimizer": "SGD"}},
            optimizer="SGD",
            lr0=0.01,
        )
        is None
    )


@pytest.mark.parametrize(
    ("planned", "least", "expected"), [(100, 1.0, 3.0), (20, 1.0, 2.0), (10, 12.5, 0.0), (100, None, 3.0)]
)
def test_a_warm_up_that_takes_the_training(planned: int, least: float | None, expected: float) -> None:
    found = advise(
        A,
        "lr-too-small",
        detail={"kind": "warm-up", "least_epochs": least},
        lr0=0.01,
        warmup_epochs=1000.0,
        epochs=planned,
    )
    assert new(found) == {"warmup_epochs": expected}


def test_a_warm_up_that_is_short_already() -> None:
    assert advise(A, "lr-too-small", detail={"kind": "warm-up"}, lr0=0.01, warmup_epochs=2.0, epochs=100) is None

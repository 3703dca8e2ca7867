from __future__ import annotations

from advising import advise, new

from trainwatch.advice.set_optimizer import SetOptimizer

A = SetOptimizer()
AUTO = {"requested_lr0": 0.008, "lr0": 0.01, "optimizer": "MuSGD", "auto": True}


def test_the_one_in_force_is_named_with_the_rate_asked_for() -> None:
    assert new(advise(A, "lr-overridden", detail=AUTO, optimizer="MuSGD", lr0=0.01)) == {
        "optimizer": "MuSGD",
        "lr0": 0.008,
    }


def test_a_rate_too_high_for_adam_gets_sgd() -> None:
    found = advise(A, "lr-overridden", detail={**AUTO, "optimizer": "AdamW"}, optimizer="AdamW", lr0=0.002)
    assert new(found) == {"optimizer": "SGD", "lr0": 0.008}
    assert found is not None
    assert "too high for AdamW" in found.why


def test_a_log_that_does_not_name_the_optimizer() -> None:
    assert new(advise(A, "lr-overridden", detail={**AUTO, "optimizer": None}, optimizer="auto", lr0=0.008)) == {
        "optimizer": "SGD",
        "lr0": 0.008,
    }


def test_a_resume_needs_the_rate_only() -> None:
    found = advise(A, "lr-overridden", detail={**AUTO, "auto": False, "optimizer": "SGD"}, optimizer="SGD", lr0=0.01)
    assert new(found) == {"lr0": 0.008}


def test_never_beside_an_explosion_or_with_a_rate_that_is_none() -> None:
    assert advise(A, "lr-overridden", "gradient-explosion", detail=AUTO, optimizer="MuSGD", lr0=0.01) is None
    assert advise(A, "lr-overridden", detail={**AUTO, "requested_lr0": 5.0}, lr0=0.01) is None

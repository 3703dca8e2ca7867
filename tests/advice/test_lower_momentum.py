from __future__ import annotations

from advising import advise, new

from trainwatch.advice.lower_momentum import LowerMomentum

A = LowerMomentum()


def test_back_to_the_default() -> None:
    assert new(advise(A, "momentum-too-high", momentum=0.999, optimizer="SGD")) == {
        "optimizer": "SGD",
        "momentum": 0.937,
    }


def test_none_without_the_finding_or_the_argument() -> None:
    assert advise(A, "momentum-too-high", optimizer="SGD") is None
    assert advise(A, "momentum-too-high", momentum=0.9, optimizer="SGD") is None
    assert advise(A, "plateau", momentum=0.999, optimizer="SGD") is None

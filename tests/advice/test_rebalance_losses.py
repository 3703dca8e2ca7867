from __future__ import annotations

from advising import advise, new

from trainwatch.advice.rebalance_losses import RebalanceLosses

A = RebalanceLosses()
CLS = {"component": "cls_loss", "levels": {"box_loss": 0.01, "cls_loss": 3.0, "dfl_loss": 0.02}}


def test_gains_far_off_are_put_back() -> None:
    assert new(advise(A, "loss-imbalance", detail=CLS, box=0.05, cls=0.5, dfl=1.5)) == {"box": 7.5}
    assert new(advise(A, "loss-imbalance", detail=CLS, box=7.5, cls=5.0, dfl=1.5)) == {"cls": 0.5}


def test_otherwise_the_dominating_one_is_halved() -> None:
    found = advise(A, "loss-imbalance", detail=CLS, box=7.5, cls=0.6, dfl=1.5)
    assert new(found) == {"cls": 0.3}
    assert found is not None
    assert "cls_pw" in found.steps[0]
    assert found.confidence < 0.5


def test_own_components_have_no_argument() -> None:
    assert advise(A, "loss-imbalance", detail={"component": "mine", "levels": {"mine": 1.0}}, box=7.5) is None
    assert advise(A, "plateau", detail=CLS, box=0.05) is None

from __future__ import annotations

from advising import advise, new

from trainwatch.advice.regularise_less import RegulariseLess

A = RegulariseLess()
BRAKES = {"brakes": {"freeze": "21", "degrees": 180.0}}


def test_each_brake_goes_back_to_its_default_and_nothing_else() -> None:
    found = advise(A, "over-regularised", detail=BRAKES, freeze=21, degrees=180.0, hsv_h=0.5)
    assert new(found) == {"freeze": None, "degrees": 0.0}


def test_never_beside_overfitting() -> None:
    assert advise(A, "over-regularised", "overfitting", detail=BRAKES, freeze=21) is None


def test_unknown_brakes_and_other_trainers_get_nothing() -> None:
    assert advise(A, "over-regularised", detail={"brakes": {"mine": 1.0}}) is None
    assert advise(A, "over-regularised", detail=BRAKES, context={"trainer": "loop"}) is None


def test_gradients_that_vanish_under_a_strong_decay() -> None:
    assert new(advise(A, "gradient-vanishing", weight_decay=1.0)) == {"weight_decay": 0.0005}
    assert advise(A, "gradient-vanishing", weight_decay=0.0005) is None
    known_by_heart = advise(A, "overfitting", "gradient-vanishing", weight_decay=0.5)
    assert new(known_by_heart) == {"weight_decay": 0.0005}, "weights at zero are no cure of overfitting"
    assert known_by_heart is not None
    assert "gradient norms of those layers" in known_by_heart.expected
    assert known_by_heart.root == "weight_decay=0.5 is 1000 times the usual 0.0005"
    both = advise(A, "over-regularised", "gradient-vanishing", detail=BRAKES, freeze=21, weight_decay=1.0)
    assert new(both) == {"freeze": None, "degrees": 0.0, "weight_decay": 0.0005}

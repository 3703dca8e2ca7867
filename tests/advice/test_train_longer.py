from __future__ import annotations

from advising import advise, new

from trainwatch.advice.train_longer import TrainLonger

A = TrainLonger()


def test_more_epochs_or_more_patience() -> None:
    assert new(advise(A, "underfitting", epochs=100, patience=100)) == {"epochs": 150}
    assert new(advise(A, "premature-early-stop", epochs=300, patience=20)) == {"patience": 40}
    assert new(advise(A, "underfitting", "premature-early-stop", epochs=300, patience=20)) == {"patience": 40}


def test_never_beside_its_opposite_or_without_a_plan() -> None:
    assert advise(A, "underfitting", "overfitting", epochs=100) is None
    assert advise(A, "underfitting") is None
    assert advise(A, "premature-early-stop", epochs=100, patience=0) is None


def test_not_of_a_training_that_learnt_next_to_nothing() -> None:
    assert advise(A, "underfitting", "no-learning", epochs=100) is None

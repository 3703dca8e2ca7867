from __future__ import annotations

from advising import advise, new

from trainwatch.advice.step_more_often import StepMoreOften

A = StepMoreOften()


def test_the_nominal_batch_becomes_the_batch() -> None:
    assert new(advise(A, "few-updates", batch=4, nbs=256)) == {"nbs": 4}
    assert new(advise(A, "few-updates", batch=8)) == {"nbs": 8}, "Ultralytics' default nbs is 64"


def test_none_where_nothing_is_added_up_or_known() -> None:
    assert advise(A, "few-updates", batch=64, nbs=64) is None
    assert advise(A, "few-updates", batch=-1, nbs=64) is None
    assert advise(A, "few-updates") is None
    assert advise(A, "no-learning", batch=4, nbs=256) is None


def test_a_batch_of_all_images_becomes_an_eighth_of_them() -> None:
    whole = {"updates": 10, "batch": 32, "train_images": 32}
    assert new(advise(A, "few-updates", detail=whole, batch=32)) == {"batch": 4, "nbs": 4}
    assert new(advise(A, "few-updates", detail=whole, batch=32, nbs=4)) == {"batch": 4}
    assert new(advise(A, "few-updates", detail={**whole, "train_images": 3}, batch=3, nbs=1)) == {"batch": 1}
    assert advise(A, "few-updates", detail={**whole, "train_images": 1}, batch=1, nbs=1) is None

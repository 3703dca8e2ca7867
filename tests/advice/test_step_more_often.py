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

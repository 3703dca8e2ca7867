from __future__ import annotations

from advising import advise, new
from synthetic import make_finding

from trainwatch.advice.save_more_often import SaveMoreOften
from trainwatch.result import Context

A = SaveMoreOften()


def test_an_explosion_that_left_no_healthy_checkpoint() -> None:
    spoilt = [make_finding("loss-explosion", "critical")]
    context = Context(args={"save_period": -1}, planned_epochs=600, epochs_done=40)
    assert new(A.advise(spoilt, context)) == {"save_period": 10}
    short = Context(args={"save_period": -1}, planned_epochs=60, epochs_done=40)
    assert new(A.advise(spoilt, short)) == {"save_period": 3}


def test_save_off() -> None:
    found = advise(A, "killed", context={"epochs_done": 5}, save=False, save_period=-1, epochs=100)
    assert new(found) == {"save": True, "save_period": 5}


def test_a_checkpoint_is_there_or_nothing_was_lost() -> None:
    spoilt = [make_finding("loss-explosion", "critical")]
    assert A.advise(spoilt, Context(args={}, epochs_done=40, resume_from="weights/last.pt")) is None
    assert A.advise(spoilt, Context(args={}, epochs_done=0)) is None
    assert advise(A, "killed", context={"epochs_done": 5}, save=True, epochs=100) is None, "last.pt is there"
    assert advise(A, "loss-explosion", context={"epochs_done": 5}, epochs=100) is None, "it came back"
    assert A.advise(spoilt, Context(args={"save_period": 5}, planned_epochs=600, epochs_done=4)) is None

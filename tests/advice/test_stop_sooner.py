from __future__ import annotations

from advising import advise, new

from trainwatch.advice.stop_sooner import StopSooner

A = StopSooner()


def test_a_fifth_beyond_the_best() -> None:
    found = advise(A, "overfitting", context={"best_epoch": 49, "epochs_done": 300}, epochs=300)
    assert new(found) == {"epochs": 60}
    assert found is not None
    assert "epoch 50 of 300" in found.why


def test_a_late_best_and_its_opposite_get_none() -> None:
    late = {"best_epoch": 280, "epochs_done": 300}
    assert advise(A, "overfitting", context=late, epochs=300) is None
    early = {"best_epoch": 20, "epochs_done": 300}
    assert advise(A, "degraded-after-best", "underfitting", context=early, epochs=300) is None
    assert advise(A, "degraded-after-best", context={"epochs_done": 300}, epochs=300) is None
    assert advise(A, "overfitting", context={"best_epoch": 6, "epochs_done": 15}, epochs=10) is None, (
        "not fewer than planned"
    )

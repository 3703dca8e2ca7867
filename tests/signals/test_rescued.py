"""Which steps rescue kept from the weights."""

from __future__ import annotations

from synthetic import make_run

from trainwatch.signals.rescued import rescued, rescued_steps


def event(at: int, batch: int, batches: list[int], **more: object) -> dict[str, object]:
    data = {"action": "skip", "batch": batch, "batches": batches}
    return {"kind": "intervention", "source": "stabiliser/rescue", "step": at, "data": data} | more


def test_the_micro_batches_of_a_skipped_step() -> None:
    run = make_run({"loss": [1.0] * 20}, events=[event(11, 2, [1, 2])])
    assert rescued_steps(run) == {11, 12}
    assert rescued(run, run.step_series("loss")).nonzero()[0].tolist() == [11, 12]


def test_other_events_and_odd_data_are_none() -> None:
    odd = [
        event(11, 2, [1], source="user"),
        event(11, 2, [1], data={"action": "hold_lr", "batch": 1, "batches": [1]}),
        event(11, 2, [1], data=None),
        event(11, 2, [1], data={"action": "skip", "batch": "x", "batches": 3}),
        event(11, 2, [1], step=None),
    ]
    assert rescued_steps(make_run({"loss": [1.0]}, events=odd)) == frozenset()

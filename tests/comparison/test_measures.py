from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.analysis import Config, analyse
from trainwatch.comparison.measures import choose_outcome, common_end, decisive, ends_of, gains_differ
from trainwatch.comparison.member import Member


def member(fitness: object, events: object = (), **args: object) -> Member:
    n = len(fitness)  # type: ignore[arg-type]
    run = make_run(
        epochs={"fitness": fitness, "val/box_loss": np.linspace(5, 4, n)}, events=events, args=args, source="ultralytics-csv"
    )  # fmt: skip
    return Member("x", run, analyse(run, Config(now_s=0.0)))


def test_the_score_decides_once_something_is_learnt() -> None:
    zero, learnt = member(np.zeros(30)), member(np.full(30, 0.4) + np.arange(30) / 1e4)
    runs, analyses = [zero.run, learnt.run], [zero.analysis, learnt.analysis]
    assert choose_outcome(runs, analyses, False).id == "score"  # type: ignore[union-attr]
    assert choose_outcome(runs[:1], analyses[:1], False).id == "val_loss"  # type: ignore[union-attr]
    assert choose_outcome(runs[:1], analyses[:1], True).id == "score"  # type: ignore[union-attr]
    bare = make_run(epochs={"train/loss": [1.0]})
    assert choose_outcome([bare], [analyses[0]], False) is None


def test_gains() -> None:
    a, b = member(np.zeros(9), box=7.5), member(np.zeros(9), box=3.0)
    assert gains_differ([[a], [b]])
    assert not gains_differ([[a], [a]])
    assert gains_differ([[a], [member(np.zeros(9), events=[{"kind": "stage"}], box=7.5)]])


def test_nothing_learnt_on_either_side_has_no_interval() -> None:
    zero = member(np.zeros(30))
    outcome = choose_outcome([zero.run], [zero.analysis], True)
    assert outcome is not None
    ends = ends_of([zero], outcome, "epoch", None)
    found = decisive(outcome, ends, ends, complete=True)
    assert (found.difference, found.low) == (0.0, None)


def test_common_end_is_that_of_the_shortest() -> None:
    assert common_end([member(np.zeros(9)).run, member(np.zeros(30)).run], "epoch") == 8.0

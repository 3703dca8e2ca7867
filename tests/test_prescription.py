from __future__ import annotations

from trainwatch.prescription import command, merged, overrides_yaml, without_contradiction
from trainwatch.result import Change, Context, Recommendation


def recommend(id: str, confidence: float, *changes: Change, steps: tuple[str, ...] = ()) -> Recommendation:
    return Recommendation(id, ("x",), changes, "why", "expected", confidence, ("source",), steps)


def test_the_surer_one_wins_an_argument() -> None:
    kept = without_contradiction(
        [recommend("a", 0.4, Change("lr0", 1, 0.5), Change("batch", 16, 8)), recommend("b", 0.9, Change("lr0", 1, 0.1))]
    )
    assert [r.id for r in kept] == ["b", "a"]
    assert {c.arg: c.new for c in merged(kept)} == {"lr0": 0.1, "batch": 8}


def test_of_equal_ones_the_least_change_wins() -> None:
    kept = without_contradiction(
        [recommend("a", 0.5, Change("lr0", 1, 0.5), Change("batch", 16, 8)), recommend("b", 0.5, Change("lr0", 1, 0.1))]
    )
    assert kept[0].id == "b"


def test_one_that_has_nothing_left_is_dropped_unless_it_has_steps() -> None:
    better = recommend("a", 0.9, Change("lr0", 1, 0.5))
    assert [r.id for r in without_contradiction([better, recommend("b", 0.1, Change("lr0", 1, 0.1))])] == ["a"]
    with_steps = recommend("b", 0.1, Change("lr0", 1, 0.1), steps=("look",))
    assert [r.id for r in without_contradiction([better, with_steps])] == ["a", "b"]


def test_values_are_quoted_for_the_shell() -> None:
    context = Context(requested={"data": "my data; rm -rf /", "name": "old", "model": "yolo12n.yaml"})
    line = command([recommend("a", 0.9, Change("lr0", 1, 0.5))], context)
    assert line == "yolo train 'data=my data; rm -rf /' model=yolo12n.yaml lr0=0.5"


def test_yaml_says_what_it_was() -> None:
    text = overrides_yaml([recommend("a", 0.9, Change("lr0", 0.1, 0.01), Change("cache", None, False))])
    assert text == "# a\nlr0: 0.01  # was 0.1\ncache: false\n"
    hostile = overrides_yaml([recommend("a", 0.9, Change("lr0", "x\ny: 1", 0.01))])
    assert hostile == "# a\nlr0: 0.01  # was x y: 1\n"


def test_of_two_that_pull_apart_the_safer_stays() -> None:
    lower, higher = (
        recommend("lower-lr", 0.3, Change("lr0", 0.01, 0.005)),
        recommend("raise-lr", 0.9, Change("lrf", 0.0, 0.01)),
    )
    assert [r.id for r in without_contradiction([higher, lower])] == ["lower-lr"]
    assert [r.id for r in without_contradiction([higher])] == ["raise-lr"]

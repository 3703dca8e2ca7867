from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.analysis import Config, analyse
from trainwatch.comparison import Member, compare
from trainwatch.errors import TrainwatchError
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"


def sample(name: str) -> Member:
    run = read_run(SAMPLES / name)
    return Member(name, run, analyse(run))


def curve(level: float, seed: int, n: int = 120, noise: float = 0.005, **args: Any) -> Member:
    """A training that settles at a level; its seed moves the level a little."""
    rng = np.random.default_rng(seed)
    top = level + rng.normal(0, noise)
    fitness = np.maximum(top * (1 - np.exp(-np.arange(n) / 15)) + rng.normal(0, noise, n), 0)
    loss = 5 * np.exp(-np.arange(n) / 20) + 1 + rng.normal(0, noise, n)
    run = make_run(
        epochs={"fitness": fitness, "metrics/mAP50-95(B)": fitness, "val/box_loss": loss, "train/box_loss": loss},
        source="ultralytics-csv", args={"epochs": n, **args},
    )  # fmt: skip
    return Member(f"runs/{level}-{seed}", run, analyse(run, Config(now_s=0.0)))


def test_the_cured_twin_is_better() -> None:
    result = compare([[sample("gradient_explosion")], [sample("gradient_explosion_cured")]])
    (pair,) = result.pairs
    assert pair.answer == "helped"
    assert pair.confidence >= 0.9
    assert "gradient-explosion" in pair.headline
    assert {c.arg: (c.old, c.new) for c in pair.arguments} == {"lr0": ("1", "0.0025"), "momentum": ("0.98", "0.937")}
    assert {f.id for f in pair.findings if f.change == "went"} >= {"gradient-explosion", "loss-explosion"}
    assert pair.differences[0].id == "score", "the losses of a diverged run are no measure: its loss fell to zero"


def test_the_other_way_round_it_did_harm() -> None:
    (pair,) = compare([[sample("gradient_explosion_cured")], [sample("gradient_explosion")]]).pairs
    assert pair.answer == "harmed"


def test_two_seeds_of_one_training_are_no_difference() -> None:
    (pair,) = compare([[sample("gradient_explosion_cured")], [sample("gradient_explosion_cured_again")]]).pairs
    assert pair.answer == "no-difference"
    assert any("from epoch to epoch" in r for r in pair.reasons), "it says where the noise comes from"
    assert "Only the seed differs." in pair.reasons


def test_seeds_give_the_interval() -> None:
    old, new = ([curve(level, s) for s in range(3)] for level in (0.4, 0.5))
    (pair,) = compare([old, new]).pairs
    assert pair.answer == "helped"
    assert pair.differences[0].noise == "seeds"
    assert pair.confidence > compare([old[:1], new[:1]]).pairs[0].confidence


def test_equal_seeds_rarely_differ() -> None:
    wrong = 0
    for i in range(20):
        old, new = [curve(0.4, 100 * i + s) for s in range(3)], [curve(0.4, 100 * i + 50 + s) for s in range(3)]
        wrong += compare([old, new]).pairs[0].answer != "no-difference"
    assert wrong <= 3, "5 % of the intervals miss"


def test_could_not_tell() -> None:
    nothing = make_run(epochs={"train/loss": np.ones(30)}, source="ultralytics-csv")
    blind = Member("x", nothing, analyse(nothing))
    (pair,) = compare([[blind], [blind]]).pairs
    assert pair.answer == "could-not-tell"
    assert pair.confidence == 0.0
    (pair,) = compare([[curve(0.0, 0, noise=0.0)], [curve(0.0, 1, noise=0.0, lr0=0.1, box=1.0)]]).pairs
    assert pair.answer == "could-not-tell", "equal zeros are no evidence of equal trainings"


def test_other_gains_make_losses_incomparable() -> None:
    a, b = curve(0.0, 0, noise=0.0, box=7.5), curve(0.0, 0, noise=0.0, box=3.0)
    assert compare([[a], [a]]).pairs[0].differences[0].id == "val_loss"
    assert all(d.id != "val_loss" for d in compare([[a], [b]]).pairs[0].differences)


def test_three_sides_are_each_compared_with_the_first() -> None:
    result = compare([[curve(0.4, 0)], [curve(0.6, 1)], [curve(0.2, 2)]])
    assert [(p.old, p.new, p.answer) for p in result.pairs] == [("A", "B", "helped"), ("A", "C", "harmed")]


def test_by_compares_at_the_common_end() -> None:
    short, long = curve(0.5, 0, n=40), curve(0.5, 1, n=400)
    (pair,) = compare([[short], [long]], "epoch").pairs
    assert any("Levels are those up to epoch" in r for r in pair.reasons)
    with pytest.raises(TrainwatchError, match="no steps"):
        compare([[short], [long]], "step")


def test_it_is_deterministic_and_strict_json() -> None:
    import json

    members = [[sample("nan_loss")], [sample("killed")]]
    first, second = (json.dumps(compare(members).to_json(full=True), allow_nan=False) for _ in range(2))
    assert first == second


def test_one_side_is_no_comparison() -> None:
    with pytest.raises(TrainwatchError):
        compare([[sample("killed")]])

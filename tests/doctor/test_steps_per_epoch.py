from __future__ import annotations

from situations import A100, data, judge, machine, situation, split, states, without

ID = "steps-per-epoch"


def test_accumulation_starves_a_small_set() -> None:
    small = data(split(images=100))
    (line,) = judge(ID, situation(of=small))
    assert line.state == "warn"
    assert "7 batches per epoch, optimizer steps per epoch: 1.75" in line.found
    assert dict(line.arguments) == {"nbs": 16}


def test_without_accumulation_the_batch_is_the_lever() -> None:
    (line,) = judge(ID, situation(of=data(split(images=100)), nbs=16))
    assert dict(line.arguments) == {"batch": 8}


def test_a_warm_up_longer_than_the_training() -> None:
    (line,) = judge(ID, situation(epochs=3, warmup_epochs=3))
    assert line.state == "bad"
    assert line.arguments["warmup_epochs"] < 3


def test_older_versions_warm_up_for_100_iterations() -> None:
    old = machine(A100, versions=without(ultralytics="8.4.90"))
    tiny = data(split(images=64))
    assert "bad" in states(ID, situation(on=old, of=tiny, epochs=20, warmup_epochs=3))
    assert "bad" not in states(ID, situation(of=tiny, epochs=20, warmup_epochs=3))
    assert "bad" not in states(ID, situation(on=old, of=tiny, epochs=200, warmup_epochs=3))


def test_enough_and_unknown() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(of=None)) == ["unknown"]
    assert states(ID, situation(batch=-1)) == ["unknown"]

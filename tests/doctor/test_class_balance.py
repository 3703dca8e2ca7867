from __future__ import annotations

from dataclasses import replace

from situations import data, judge, situation, split, states

ID = "class-balance"


def test_rare_classes() -> None:
    (line,) = judge(ID, situation(of=data(split(instances={0: 10_000, 1: 5_000, 2: 99}))))
    assert line.state == "warn"
    assert "dog (99)" in line.found
    assert dict(line.arguments) == {"cls_pw": 0.25}
    assert states(ID, situation(of=data(split(instances={0: 10_000, 1: 5_000, 2: 100})))) == ["ok"]


def test_a_version_without_the_argument() -> None:
    about = situation(of=data(split(instances={0: 10_000, 1: 5_000, 2: 9})))
    older = replace(about, defaults={k: v for k, v in about.defaults.items() if k != "cls_pw"})
    assert dict(judge(ID, older)[0].arguments) == {}


def test_classes_without_any_object() -> None:
    (line,) = judge(ID, situation(of=data(split(instances={0: 100, 2: 100}))))
    assert line.state == "warn"
    assert "bus" in line.found


def test_quiet() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(of=None)) == []
    assert states(ID, situation(single_cls=True, of=data(split(instances={0: 9})))) == []

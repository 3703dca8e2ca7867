from __future__ import annotations

from dataclasses import replace

from synthetic import make_analysis, make_finding, make_run

from trainwatch.compared import Difference, FindingChange
from trainwatch.comparison.judge import changed_findings, judge
from trainwatch.comparison.member import Member
from trainwatch.comparison.noise import Late

RUN = make_run(epochs={"fitness": [0.1]})
BASE = make_analysis()


def member(*ids: str, severity: str = "critical") -> Member:
    return Member("x", RUN, replace(BASE, findings=tuple(make_finding(i, severity, confidence=0.9) for i in ids)))


def score(low: float | None, high: float | None) -> Difference:
    middle = None if low is None or high is None else (low + high) / 2
    return Difference("score", "Validation score (fitness)", "", "more", 0.4, 0.5, middle, low, high, "seeds", True)


def answer(old: list[Member], new: list[Member], measure: Difference | None) -> str:
    ends = ([Late(0.4, 0.01, 5)] * 2, [Late(0.5, 0.01, 5)] * 2)
    return judge(changed_findings(old, new), [measure] if measure else [], ends, old, new)[0]


def test_a_fault_that_went_decides() -> None:
    sick, well = [member("gradient-explosion")], [member()]
    assert answer(sick, well, score(-0.1, 0.1)) == "helped"
    assert answer(sick, well, None) == "helped"
    assert answer(well, sick, score(-0.1, 0.1)) == "harmed"


def test_a_record_too_short_to_judge_shows_no_fault_and_cures_none() -> None:
    unknown = replace(BASE.verdict, status="unknown", cause=None)
    short = replace(member(), analysis=replace(BASE, verdict=unknown))
    assert answer([member("gradient-explosion")], [short], None) == "could-not-tell"
    assert answer([member("gradient-explosion")], [short, member(), member()], None) == "helped"
    unmeasured = replace(member(), analysis=replace(BASE, verdict=replace(unknown, cause="metrics-not-measured")))
    assert answer([member("gradient-explosion")], [unmeasured], None) == "helped", (
        "steps show that fault without a score"
    )


def test_contradictions_are_not_decided() -> None:
    assert answer([member("plateau")], [member()], score(-0.2, -0.1)) == "could-not-tell"
    assert answer([member("plateau")], [member("memory-creep")], score(-0.1, 0.1)) == "could-not-tell"
    assert answer([member("plateau")], [member("memory-creep")], score(0.1, 0.2)) == "helped"


def test_a_minority_of_the_seeds_does_not_decide() -> None:
    assert answer([member("plateau"), member(), member()], [member()], score(-0.1, 0.1)) == "no-difference"
    assert answer([member("plateau"), member("plateau"), member()], [member()], score(-0.1, 0.1)) == "helped"


def test_how_a_record_ends_decides_nothing() -> None:
    assert answer([member()], [member("killed")], score(-0.1, 0.1)) == "no-difference"


def test_warnings_decide_nothing() -> None:
    assert answer([member("plateau", severity="warning")], [member()], score(-0.1, 0.1)) == "no-difference"


def test_the_measure_decides_without_faults() -> None:
    assert answer([member()], [member()], score(0.1, 0.2)) == "helped"
    assert answer([member()], [member()], score(-0.2, -0.1)) == "harmed"
    assert answer([member()], [member()], score(None, None)) == "could-not-tell"
    assert answer([member()], [member()], None) == "could-not-tell"


def test_went_came_stayed_worst_first() -> None:
    found = changed_findings([member("a", "b")], [member("b", "c")])
    assert [(f.id, f.change, f.old_runs, f.new_runs) for f in found] == [
        ("a", "went", 1, 0), ("c", "came", 0, 1), ("b", "stayed", 1, 1),
    ]  # fmt: skip
    assert isinstance(found[0], FindingChange)

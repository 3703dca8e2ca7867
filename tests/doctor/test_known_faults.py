from __future__ import annotations

import pytest
from situations import A100, judge, machine, situation, states, without

from trainwatch.doctor.known_faults import FAULTS

ID = "known-faults"


def of(version: str, **args: object) -> list[str]:
    return [
        line.found for line in judge(ID, situation(on=machine(A100, versions=without(ultralytics=version)), **args))
    ]


def test_the_current_version_is_clean() -> None:
    assert states(ID, situation()) == ["ok"]


@pytest.mark.parametrize(
    ("version", "words", "there"),
    [
        ("8.4.89", "averaged weights", True), ("8.4.90", "averaged weights", False),
        ("8.3.200", "no recovery", True), ("8.3.213", "no recovery", False),
        ("8.4.100", "score of 0", True), ("8.4.150", "score of 0", False), ("8.3.0", "score of 0", False),
        ("8.4.12", "not retried", True), ("8.4.13", "not retried", False),
    ],
)  # fmt: skip
def test_each_fault_ends_where_it_was_mended(version: str, words: str, there: bool) -> None:
    assert any(words in found for found in of(version)) is there


def test_faults_that_need_an_occasion() -> None:
    assert not any("second moment" in f for f in of("8.3.253", optimizer="SGD"))
    assert any("second moment" in f for f in of("8.3.253", optimizer="AdamW"))
    assert any("patience" in line.why for line in judge(ID, situation(
        on=machine(A100, versions=without(ultralytics="8.4.160")), resume=True, patience=100)))  # fmt: skip
    two = machine(A100, A100, versions=without(ultralytics="8.3.200"))
    assert any("one GPU" in line.found for line in judge(ID, situation(on=two, device="0,1")))


def test_what_to_type_and_severity() -> None:
    lines = judge(ID, situation(on=machine(A100, versions=without(ultralytics="8.3.100"))))
    assert lines[0].state == "bad"
    assert all(line.commands == ("pip install -U ultralytics",) for line in lines)


def test_not_installed() -> None:
    assert states(ID, situation(on=machine(A100, versions=without("ultralytics")))) == ["bad"]


def test_the_table_is_in_order() -> None:
    assert all(f.since < f.mended and f.state in ("bad", "warn") and f.why.endswith(".") for f in FAULTS)

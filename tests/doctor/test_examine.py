from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from situations import A100, GTX1660, machine, situation, without

from trainwatch.doctor._examine import examine, required_arguments
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import STATES, Check, Line


@dataclass(frozen=True)
class Broken(Check):
    title: ClassVar[str] = "fails"

    def judge(self, situation: Situation) -> list[Line]:
        raise ValueError("on\npurpose")


def test_a_sound_training_has_nothing_bad() -> None:
    lines = examine(situation())
    assert {line.state for line in lines} == {"ok"}
    assert len(lines) > 20


def test_worst_first() -> None:
    lines = examine(situation(GTX1660, copy_paste=0.1, batch=24))
    order = [STATES.index(line.state) for line in lines]
    assert order == sorted(order)
    assert {"half-precision", "copy-paste-labels"} <= {line.check for line in lines if line.state == "bad"}


def test_a_check_that_fails_spoils_no_other() -> None:
    (line,) = examine(situation(), [Broken()])
    assert line.state == "unknown"
    assert "ValueError: on purpose" in line.found


def test_what_the_bad_lines_ask_for_mends_them() -> None:
    about = situation(on=machine(GTX1660), copy_paste=0.1, optimizer="AdamW", lr0=0.01, close_mosaic=600, box=0.03)
    wanted = required_arguments(examine(about))
    again = situation(on=machine(GTX1660), **{**about.requested, **wanted})
    assert not [line for line in examine(again) if line.state == "bad"]


def test_nothing_installed_and_nothing_named_can_still_be_judged() -> None:
    bare = machine(gpus=None, versions={"python": "3.11"}, torch_cuda=None, shm_free_bytes=None, disk_free_bytes=None)
    lines = examine(Situation(machine=bare))
    assert "known-faults" in {x.check for x in lines if x.state == "bad"}, "nothing can be trained here"
    assert {"torch-pair", "label-files", "device-choice"} <= {x.check for x in lines if x.state == "unknown"}
    assert not [line for line in lines if "could not run" in line.found]


def test_an_older_trainer() -> None:
    old = machine(A100, versions=without(ultralytics="8.3.78"))
    assert "known-faults" in {line.check for line in examine(situation(on=old)) if line.state == "bad"}

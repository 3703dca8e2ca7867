from __future__ import annotations

from synthetic import make_finding

from trainwatch.advice.resume_run import ResumeRun
from trainwatch.prescription import command
from trainwatch.result import Context

KILLED = [make_finding("killed", "critical")]


def test_the_command_is_a_resume() -> None:
    context = Context(
        args={"model": "yolo12n.yaml"},
        epochs_done=12,
        planned_epochs=60,
        resume_from="weights/last.pt",
        run_dir="runs/a b",
    )
    found = ResumeRun().advise(KILLED, context)
    assert found is not None
    assert command([found], context) == "yolo train resume 'model=runs/a b/weights/last.pt'"
    assert "epoch 13" in found.expected
    assert "dmesg -T" in found.steps[0], "who ended it"


def test_not_where_something_else_is_broken_or_nothing_is_done() -> None:
    nan = make_finding("nonfinite-loss", "critical")
    assert ResumeRun().advise([*KILLED, nan], Context(epochs_done=12)) is None
    assert ResumeRun().advise(KILLED, Context(epochs_done=0)) is None


def test_our_checkpoints_come_first() -> None:
    context = Context(
        args={"model": "yolo12n.yaml"},
        epochs_done=12,
        planned_epochs=60,
        resume_from="weights/last.pt",
        own_checkpoint="trainwatch/checkpoints/latest.pt",
        run_dir="runs/a b",
    )
    found = ResumeRun().advise(KILLED, context)
    assert found is not None
    assert command([found], context) == "trainwatch resume 'runs/a b'"
    assert found.steps == ("trainwatch resume 'runs/a b'",)
    assert "latest.pt" in found.why
    assert command([], context) == ""


def test_a_checkpoint_that_was_not_copied_with_the_record_is_a_mark() -> None:
    context = Context(args={"model": "m.yaml"}, epochs_done=3, resume_from="weights/last.pt", weights_here=())
    found = ResumeRun().advise(KILLED, context)
    assert found is not None
    assert found.changes[0].new == "<path of your weights/last.pt>"

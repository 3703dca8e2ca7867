"""The story of a run: order, precursors, the end; none where there is no fault."""

from __future__ import annotations

from pathlib import Path

from synthetic import make_finding

from trainwatch.result import Where
from trainwatch.runs import how_it_ended, read_run
from trainwatch.timeline import build

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def test_the_story_of_a_nan() -> None:
    run = read_run(SAMPLES / "nan_loss")
    explosion = make_finding("loss-explosion", "warning", epoch=2)
    nan = make_finding("nonfinite-loss", "critical", step=50, epoch=12, detail={"precursor_steps": 3})
    told = build(run, [nan, explosion], how_it_ended(run))
    assert [m.kind for m in told][:3] == ["onset", "precursor", "onset"]
    assert told[0].finding == "loss-explosion"
    assert told[1].where == Where(step=47)
    assert [m.text for m in told].count("the trainer replays epoch 13 from last.pt (attempt 1)") == 1
    assert told[-1].kind == "end"
    assert told[-1].text == "the run ended by an exception", "the reason stands in the line before"
    assert told[-1].where == Where(step=63, epoch=12)


def test_the_end_is_told_in_words_and_never_before_what_ended_it() -> None:
    run = read_run(SAMPLES / "out_of_memory")
    last = int(run.steps["epoch"].max())
    told = build(run, [make_finding("out-of-memory", "critical", step=15, epoch=last + 1)], how_it_ended(run))
    assert told[-1].text == "the run ran out of memory", "its message stands in the line before"
    assert told[-1].where.epoch == last + 1, "the step that failed has no row, its epoch had begun"
    stopped = read_run(SAMPLES / "host_memory_creep")
    assert how_it_ended(stopped).words() == "was stopped after 40 of 600 epochs"
    assert how_it_ended(read_run(SAMPLES / "healthy")).words() == "completed"


def test_a_log_of_epochs_has_a_story_too() -> None:
    run = read_run(SAMPLES / "unwatched")
    told = build(run, [make_finding("plateau", "warning", epoch=5)], how_it_ended(run))
    assert told[0].where.epoch == 5
    assert told[-1].where.epoch == run.epochs_done - 1


def test_no_fault_no_story() -> None:
    run = read_run(SAMPLES / "healthy")
    assert build(run, [make_finding("transient-collapse", "info", epoch=3)], how_it_ended(run)) == ()


def test_updates_that_grow_are_a_precursor_of_their_own() -> None:
    run = read_run(SAMPLES / "nan_loss")
    detail = {"precursor_steps": 3, "update_precursor_steps": 9}
    told = build(run, [make_finding("nonfinite-loss", "critical", step=50, epoch=12, detail=detail)], how_it_ended(run))
    early = [m for m in told if m.kind == "precursor"]
    assert [m.where.step for m in early] == [41, 47]
    assert early[0].text == "the weights begin to move further than usual, 9 steps before"


def test_an_end_that_a_finding_tells_is_not_told_twice() -> None:
    run = read_run(SAMPLES / "killed")
    told = build(run, [make_finding("killed", "critical", step=48, epoch=12)], how_it_ended(run))
    assert [m.finding for m in told] == ["killed"]


def test_a_jump_of_the_learning_rate_comes_before_what_it_did_and_once() -> None:
    run = read_run(SAMPLES / "nan_loss")
    jump = {"lr_jump_step": 40, "lr_before_jump": 0.01, "lr_after_jump": 10.0}
    findings = [
        make_finding(f"{what}-explosion", "critical", step=45, epoch=11, detail=jump) for what in ("loss", "gradient")
    ]
    told = build(run, findings, how_it_ended(run))
    assert [m.text for m in told].count("the learning rate jumps from 0.01 to 10") == 1
    places = [m.where.step for m in told if m.kind in ("precursor", "onset")]
    assert places == [40, 45, 45]

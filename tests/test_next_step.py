"""What to do next where nothing is to be typed: said for every healthy run, true to its curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic import make_finding, make_run

from trainwatch.analysis import analyse
from trainwatch.next_step import next_step, train_longer
from trainwatch.reports import html, markdown, text
from trainwatch.result import Context, Verdict
from trainwatch.runs import Run, read_run

SAMPLES = Path(__file__).parents[1] / "sample_runs"
HEALTHY = Verdict("healthy", "Healthy", None, 0.8)
FLAT = 0.5 + 0.01 * np.random.default_rng(0).normal(size=60)


def run(fitness: object = FLAT) -> Run:
    return make_run(epochs={"fitness": fitness})


def loop(run_dir: str) -> Context:
    return Context(trainer="loop", run_dir=run_dir, planned_epochs=60, epochs_done=60)


def test_a_score_that_still_rises_has_more_to_gain() -> None:
    said = next_step(run(FLAT + np.linspace(0, 0.3, 60)), "completed", HEALTHY, [], [], loop("runs/a b"))
    assert "there is more to gain: the score still rose by 0.0" in said
    assert "in the last 12 epochs" in said
    assert "90 instead of 60 epochs in your loop" in said
    assert said.endswith("`trainwatch compare 'runs/a b' NEW_RUN`")


def test_the_longer_plan_of_ultralytics_is_a_command_with_what_would_refute_it() -> None:
    rising, context = run(FLAT + np.linspace(0, 0.3, 60)), Context(planned_epochs=60, epochs_done=60)
    longer = train_longer(rising, "completed", [], context)
    assert longer is not None
    assert [(c.arg, c.old, c.new) for c in longer.changes] == [("epochs", 60, 90)]
    assert "Refuted if" in longer.expected
    assert train_longer(rising, "early-stop", [], context) is None, "patience ended it: there was nothing to gain"
    assert train_longer(rising, "completed", [make_finding("plateau", "info")], context) is None
    assert train_longer(rising, "completed", [], loop("a")) is None
    page = analyse(read_run(SAMPLES / "healthy")).page
    assert "epochs=900" in page.next_command
    assert page.next_confidence == longer.confidence
    assert "Ultralytics does not resume a finished one" in page.next_step


@pytest.mark.parametrize(
    "fitness", [FLAT, FLAT[:5], np.zeros(60), np.full(60, np.nan), FLAT + np.linspace(0, 0.01, 60)]
)
def test_a_score_that_does_not_is_left_alone(fitness: object) -> None:
    said = next_step(run(fitness), "completed", HEALTHY, [], [], loop("a"))
    assert (
        said
        == "Nothing needs to be changed. To judge a change, train again with it, then `trainwatch compare a NEW_RUN`"
    )


def test_converged_and_running_and_broken_off() -> None:
    level = make_finding("plateau", "info")
    said = next_step(run(), "early-stop", HEALTHY, [level], [], loop("a"))
    assert "more epochs of it would gain nothing" in said
    assert "longer" not in said, "it does not advise what it has just refused"
    assert next_step(run(), "running", HEALTHY, [], [], loop("a")).endswith("`trainwatch live a`")
    assert next_step(run(), "unknown", HEALTHY, [], [], loop("a")) == ""


def test_a_cure_that_is_no_argument_is_said() -> None:
    analysis = analyse(read_run(SAMPLES / "host_memory_creep"))
    assert not analysis.page.next_command
    assert analysis.page.next_step.startswith("Look for values kept per step")
    assert "Do      Look for values kept" in text.render(analysis, width=80)
    assert "**Next:** Look for values kept" in markdown.render(analysis)
    assert "<code>float(trainer.loss)</code>" in html.render(analysis), "code, not backticks"


def test_a_healthy_run_is_not_to_be_trained_anew_for_a_trifle() -> None:
    analysis = analyse(read_run(SAMPLES / "unwatched"))
    assert analysis.verdict.status == "healthy"
    assert analysis.recommendations
    assert analysis.page.next_command == ""
    assert "Nothing needs to be changed" in analysis.page.next_step
    assert "Nothing needs to be changed" in text.render(analysis, width=80)


def test_what_no_recommendation_answers_is_still_told() -> None:
    stalled = Verdict("stalled", "Stalled", "plateau", 0.9)
    finding = make_finding("plateau")
    assert next_step(run(), "completed", stalled, [finding], [], loop("a"), {"plateau": "Do this."}) == "Do this."
    incomplete = Verdict("incomplete", "Incomplete", None, 0.6)
    assert "last checkpoint" in next_step(run(), "stopped", incomplete, [], [], loop("a"))
    unknown = Verdict("unknown", "Too early", None, 0.6)
    assert "`trainwatch analyze 'a b'`" in next_step(run(), "completed", unknown, [], [], loop("a b"))

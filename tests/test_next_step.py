"""What to do next where nothing is to be typed: said for every healthy run, true to its curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic import make_finding, make_run

from trainwatch.analysis import analyse
from trainwatch.next_step import next_step
from trainwatch.reports import html, markdown, text
from trainwatch.result import Verdict
from trainwatch.runs import Run, read_run

SAMPLES = Path(__file__).parents[1] / "sample_runs"
HEALTHY = Verdict("healthy", "Healthy", None, 0.8)
FLAT = 0.5 + 0.01 * np.random.default_rng(0).normal(size=60)


def run(fitness: object = FLAT) -> Run:
    return make_run(epochs={"fitness": fitness})


def test_a_score_that_still_rises_has_more_to_gain() -> None:
    said = next_step(run(FLAT + np.linspace(0, 0.3, 60)), "completed", HEALTHY, [], [], "runs/a b")
    assert "there is more to gain: the score still rose by 0.0" in said
    assert "in the last 12 epochs" in said
    assert said.endswith("`trainwatch compare 'runs/a b' NEW_RUN`")


@pytest.mark.parametrize(
    "fitness", [FLAT, FLAT[:5], np.zeros(60), np.full(60, np.nan), FLAT + np.linspace(0, 0.01, 60)]
)
def test_a_score_that_does_not_is_left_alone(fitness: object) -> None:
    said = next_step(run(fitness), "completed", HEALTHY, [], [], "a")
    assert (
        said
        == "Nothing needs to be changed. To judge a change, train again with it, then `trainwatch compare a NEW_RUN`"
    )


def test_converged_and_running_and_broken_off() -> None:
    level = make_finding("plateau", "info")
    assert "going on from here would gain nothing" in next_step(run(), "early-stop", HEALTHY, [level], [], "a")
    assert next_step(run(), "running", HEALTHY, [], [], "a").endswith("`trainwatch live a`")
    assert next_step(run(), "unknown", HEALTHY, [], [], "a") == ""


def test_a_cure_that_is_no_argument_is_said() -> None:
    analysis = analyse(read_run(SAMPLES / "host_memory_creep"))
    assert not analysis.page.next_command
    assert analysis.page.next_step.startswith("Look for values kept per step")
    assert "Next    Look for values kept" in text.render(analysis, width=80)
    assert "**Next:** Look for values kept" in markdown.render(analysis)
    assert "<code>float(trainer.loss)</code>" in html.render(analysis), "code, not backticks"


def test_a_healthy_run_is_not_to_be_trained_anew_for_a_trifle() -> None:
    analysis = analyse(read_run(SAMPLES / "unwatched"))
    assert analysis.verdict.status == "healthy"
    assert analysis.recommendations
    assert analysis.page.next_command == ""
    assert "Nothing needs to be changed" in analysis.page.next_step
    assert "Nothing needs to be changed" in text.render(analysis, width=80)

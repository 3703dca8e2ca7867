from __future__ import annotations

import pytest
from synthetic import make_finding

from trainwatch.result import Context, EndedBy, Finding, Recommendation, RunSummary
from trainwatch.verdict import Judgement, judge, with_root, with_score


def told(
    *findings: Finding, ended_by: EndedBy = "completed", epochs: int = 10, steps: int = 100, planned: int | None = 10
) -> Judgement:
    run = RunSummary("exp", "trainwatch", steps, epochs, planned, ended_by)
    return judge(run, findings, Context(planned_epochs=planned), "the reason")


def test_the_first_cause_is_named_and_what_followed() -> None:
    loss = make_finding("loss-explosion", "critical", epoch=3, step=43)
    gradient = make_finding("gradient-explosion", "critical", epoch=3, step=46)
    nan = make_finding("nonfinite-loss", "critical", epoch=9, step=99)
    judgement = told(loss, gradient, nan, ended_by="exception")
    assert judgement.verdict.status == "diverged"
    assert judgement.verdict.cause == "gradient-explosion", "one incident: told in causal order"
    assert "loss-explosion" in judgement.reason
    assert "nonfinite-loss" in judgement.reason
    assert "an exception ended it" in judgement.verdict.headline


def test_what_came_some_steps_before_the_cause_is_not_said_to_follow() -> None:
    loss = make_finding("loss-explosion", "critical", epoch=3, step=43)
    gradient = make_finding("gradient-explosion", "critical", epoch=3, step=46)
    nan = make_finding("nonfinite-loss", "critical", epoch=9, step=99)
    reason = told(loss, gradient, nan).reason
    assert "With it, 3 steps before: something about loss-explosion" in reason
    assert "What followed: something about nonfinite-loss" in reason


def test_what_came_an_epoch_before_the_cause_is_not_said_to_follow() -> None:
    cause, sooner = (
        make_finding("gradient-vanishing", "warning", epoch=11, step=66),
        make_finding("overfitting", epoch=10, step=None),
    )
    reason = told(cause, sooner).reason
    assert "With it, and a little sooner: something about overfitting" in reason
    assert "What followed" not in reason


def test_the_headline_of_a_crash_takes_the_first_sentence_of_a_message() -> None:
    run = RunSummary("exp", "trainwatch", 0, 0, 40, "exception")
    judgement = judge(run, [], Context(planned_epochs=40), "RuntimeError: all layers are frozen. Reduce 'freeze'.")
    assert judgement.verdict.headline == "Crashed before the first epoch ended: RuntimeError: all layers are frozen."
    assert judgement.reason.endswith("Reduce 'freeze'.")


def test_the_advice_explains_what_is_usual() -> None:
    why = "It happened at 0.4. lr0=1 is 400 times what SGD stands safely at 16 images per step (0.0025)."
    root = "lr0=1 is 400 times the usual 0.0025"
    advice = Recommendation("lower-lr", ("gradient-explosion",), (), why, "", 0.9, (), root=root)
    judgement = with_root(told(make_finding("gradient-explosion", "critical")), [advice])
    assert judgement.reason.startswith(
        "Most likely (90 % sure): lr0=1 is 400 times what SGD stands safely at 16 images"
    )


def test_a_run_with_a_fault_that_was_stopped_says_how_far_it_came() -> None:
    headline = told(make_finding("host-memory-creep", "critical"), ended_by="stopped", epochs=4).verdict.headline
    assert headline.endswith("; it stopped after 4 of 10 epochs")
    assert "stopped" not in told(make_finding("host-memory-creep", "critical")).verdict.headline


def test_a_healthy_headline_states_the_score() -> None:
    healthy = with_score(told(), "0.68 in epoch 9")
    assert healthy.verdict.headline == "Healthy: 10 of 10 epochs, best score 0.68 in epoch 9"
    assert with_score(told(), "").verdict.headline == "Healthy: 10 of 10 epochs"
    assert "score 0.68" not in with_score(told(make_finding("plateau")), "0.68 in epoch 9").verdict.headline


def test_an_earlier_fault_of_another_incident_comes_first() -> None:
    nan = make_finding("nonfinite-loss", "critical", epoch=1, step=10)
    gradient = make_finding("gradient-explosion", "critical", epoch=30, step=300)
    assert told(nan, gradient).verdict.cause == "nonfinite-loss"


@pytest.mark.parametrize(
    ("findings", "ended_by", "status", "cause"),
    [
        ([make_finding("out-of-memory", "critical")], "oom", "crashed", "out-of-memory"),
        ([make_finding("host-memory-creep", "critical"), make_finding("out-of-memory", "critical")], "oom", "crashed", "host-memory-creep"),
        ([make_finding("host-memory-creep", "warning"), make_finding("killed", "critical")], "killed", "crashed", "killed"),
        ([make_finding("host-memory-creep", "critical"), make_finding("killed", "critical")], "killed", "crashed", "host-memory-creep"),
        ([], "exception", "crashed", None),
        ([make_finding("plateau")], "completed", "stalled", "plateau"),
        ([make_finding("plateau", "info")], "completed", "healthy", None),
        ([make_finding("dataloader-bound", epoch=0), make_finding("plateau", epoch=50)], "completed", "stalled", "plateau"),
        ([make_finding("dataloader-bound")], "completed", "degraded", "dataloader-bound"),
        ([make_finding("bad-batch", "info")], "completed", "healthy", None),
        ([make_finding("memory-creep", "warning")], "completed", "degraded", "memory-creep"),
        ([make_finding("truncated-run")], "truncated", "incomplete", "truncated-run"),
        ([make_finding("early-stopped", "info")], "early-stop", "healthy", None),
        ([make_finding("nonfinite-validation", "critical")], "completed", "diverged", "nonfinite-validation"),
        ([make_finding("missing-labels", "critical"), make_finding("no-learning", "critical")], "completed", "stalled", "missing-labels"),
        ([make_finding("no-learning", "critical"), make_finding("truncated-run")], "truncated", "stalled", "no-learning"),
        ([make_finding("no-learning", "info"), make_finding("truncated-run")], "truncated", "incomplete", "truncated-run"),
        ([make_finding("metric-frozen")], "completed", "stalled", "metric-frozen"),
        ([make_finding("overfitting"), make_finding("plateau", epoch=4)], "completed", "degraded", "overfitting"),
        ([make_finding("plateau"), make_finding("overfitting", epoch=9)], "completed", "stalled", "plateau"),
        ([make_finding("overfitting", "info")], "completed", "healthy", None),
        ([make_finding("overfitting", epoch=3), make_finding("gradient-vanishing", epoch=4)], "completed", "degraded", "gradient-vanishing"),
        ([make_finding("overfitting", epoch=3), make_finding("gradient-vanishing", epoch=9)], "completed", "degraded", "overfitting"),
        ([make_finding("degraded-after-best")], "completed", "degraded", "degraded-after-best"),
        ([make_finding("unstable-training")], "completed", "degraded", "unstable-training"),
        ([make_finding("premature-early-stop")], "early-stop", "degraded", "premature-early-stop"),
        ([make_finding("metrics-not-measured")], "completed", "unknown", "metrics-not-measured"),
        ([make_finding("metrics-not-measured", "info")], "completed", "healthy", None),
        ([make_finding("metrics-not-measured"), make_finding("truncated-run")], "truncated", "incomplete", "truncated-run"),
        ([make_finding("close-mosaic-jump", "info"), make_finding("transient-nonfinite", "info")], "completed", "healthy", None),
        ([], "completed", "healthy", None),
        ([], "running", "healthy", None),
    ],
)  # fmt: skip
def test_status_and_cause(findings: list[Finding], ended_by: EndedBy, status: str, cause: str | None) -> None:
    verdict = told(*findings, ended_by=ended_by).verdict
    assert (verdict.status, verdict.cause) == (status, cause)
    assert verdict.headline


def test_nothing_to_judge_abstains() -> None:
    verdict = told(ended_by="unknown", epochs=0, steps=0).verdict
    assert (verdict.status, verdict.cause, verdict.confidence) == ("unknown", None, 0.0)


def test_stopped_by_the_user_is_incomplete() -> None:
    assert told(ended_by="unknown", epochs=4).verdict.status == "incomplete"
    assert told(ended_by="stopped", epochs=4).verdict.status == "incomplete", (
        "by own code, or by a stabiliser that gave up"
    )
    assert told(ended_by="signal", epochs=4).verdict.status == "incomplete"


def test_the_whole_chain_is_told_in_causal_order_from_its_spark_on() -> None:
    chain = [
        make_finding("metric-frozen", "warning", epoch=3, step=None, title="Metrics are frozen"),
        make_finding("nonfinite-validation", "critical", epoch=3, step=None, title="Validation is NaN"),
        make_finding("nonfinite-loss", "critical", epoch=3, step=None, title="Loss is NaN"),
        make_finding("gradient-explosion", "warning", epoch=3, step=None, title="Gradients explode"),
        make_finding("plateau", "warning", epoch=0, step=None, title="An old plateau"),
    ]
    judgement = told(*chain)
    assert judgement.verdict.cause == "gradient-explosion", "a warning by itself, but it began the incident"
    assert judgement.verdict.status == "diverged"
    followed = judgement.reason.split("What followed: ")[1]
    assert followed == "loss is NaN; then validation is NaN; then metrics are frozen."


def test_what_came_long_before_is_no_consequence_and_a_later_warning_of_the_chain_is() -> None:
    plateau = make_finding("plateau", epoch=50, step=None, title="Plateau")
    overfitting = make_finding("overfitting", epoch=130, step=None, title="Overfitting")
    info = make_finding("unstable-training", "info", epoch=140, step=None, title="Unstable")
    judgement = told(overfitting, plateau, info, epochs=300, planned=300)
    assert judgement.reason.endswith("What followed: overfitting.")


def test_remarks_and_convergence_are_told_on_a_healthy_run() -> None:
    level = make_finding("plateau", "info", title="Converged since epoch 40")
    jump = make_finding("close-mosaic-jump", "info", title="Curves jump at epoch 90")
    judgement = told(level, jump)
    assert judgement.verdict.headline == "Healthy: 10 of 10 epochs, converged since epoch 40"
    assert judgement.reason.endswith("Worth knowing: curves jump at epoch 90.")


def test_a_stopped_run_that_had_learnt_nothing_says_so() -> None:
    early = make_finding("no-learning", "info", epoch=0)
    assert "nothing had been learnt yet" in told(early, ended_by="truncated", planned=300).verdict.headline


def test_learning_by_heart_is_the_cause_of_a_score_that_stands_still() -> None:
    stands = make_finding("plateau", epoch=2, detail={"training_loss_falls": True})
    judgement = told(stands, make_finding("overfitting", epoch=9), epochs=30)
    assert judgement.verdict.cause == "overfitting"
    assert "something about plateau" in judgement.verdict.headline
    flat = make_finding("plateau", epoch=2, detail={"training_loss_falls": False})
    assert told(flat, make_finding("overfitting", epoch=9), epochs=30).verdict.cause == "plateau"


@pytest.mark.parametrize(("confidence", "named"), [(0.9, True), (0.3, False)])
def test_the_argument_that_made_it_stands_in_the_headline(confidence: float, named: bool) -> None:
    root = "lr0=1 is 400 times the usual 0.0025"
    advice = Recommendation("lower-lr", ("gradient-explosion",), (), "", "", confidence, (), (), root)
    judgement = with_root(told(make_finding("gradient-explosion", "critical")), [advice])
    assert judgement.verdict.headline.endswith(f"; {root}") is named
    assert judgement.reason.startswith(f"Most likely because {root} (90 % sure). ") is named


def test_what_costs_a_little_time_is_not_said_to_cost_none() -> None:
    assert "quality or much time. Worth knowing" in told(make_finding("throughput-drop", "info")).reason
    assert "quality or time" in told().reason

from __future__ import annotations

import pytest
from synthetic import make_finding

from trainwatch.result import Context, EndedBy, Finding, RunSummary
from trainwatch.verdict import Judgement, judge


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
    assert told(ended_by="signal", epochs=4).verdict.status == "incomplete"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import lognormal, make_finding, make_run

from trainwatch import analysis as module
from trainwatch.analysis import Config, analyse
from trainwatch.detectors.base import Detector, View
from trainwatch.errors import TrainwatchError
from trainwatch.registry import members
from trainwatch.result import Finding
from trainwatch.runs import read_run
from trainwatch_hooks.guard import Guard


def fake(judge: Callable[[View], list[Finding]], *requires: str) -> Detector:
    @dataclass(frozen=True)
    class Fake(Detector):
        title = "fake"
        limit: int = 7

        def judge(self, view: View) -> list[Finding]:
            return judge(view)

    Fake.requires = requires
    return Fake()


@pytest.fixture
def detectors(monkeypatch: pytest.MonkeyPatch) -> dict[str, Detector]:
    chosen: dict[str, Detector] = {}
    real = members
    monkeypatch.setattr(module, "members", lambda package, base: chosen if base is Detector else real(package, base))
    return chosen


def boom(view: View) -> list[Finding]:
    raise ZeroDivisionError("planted")


RUN: dict[str, Any] = {"steps": {"loss": np.ones(20)}, "epochs": {"fitness": np.linspace(0, 0.5, 2)}}


def test_three_kinds_of_no_answer_are_told_apart(detectors: dict[str, Detector]) -> None:
    detectors |= {"quiet": fake(lambda v: []), "blind": fake(lambda v: [], "steps.grad_norm"), "broken": fake(boom)}
    result = analyse(make_run(**RUN))
    assert result.checks.passed == ("quiet",)
    assert [(n.id, n.reason) for n in result.checks.not_applicable] == [("blind", "column steps grad_norm missing")]
    assert [(n.id, n.reason) for n in result.checks.could_not_run] == [("broken", "ZeroDivisionError: planted")]


def test_strict_makes_a_broken_check_fatal(detectors: dict[str, Detector]) -> None:
    detectors["broken"] = fake(boom)
    with pytest.raises(TrainwatchError, match="planted"):
        analyse(make_run(**RUN), Config(strict=True))


def test_reading_what_was_not_declared_is_an_error_of_the_check(detectors: dict[str, Detector]) -> None:
    detectors["greedy"] = fake(lambda v: [make_finding(str(v.steps("loss").values[0]))])
    assert "not declared" in analyse(make_run(**RUN)).checks.could_not_run[0].reason


def test_findings_are_ranked_and_the_cause_comes_first(detectors: dict[str, Detector]) -> None:
    found = [
        make_finding("plateau", "info", epoch=0),
        make_finding("loss-explosion", "critical", epoch=0, step=3),
        make_finding("gradient-explosion", "critical", epoch=0, step=5),
        make_finding("memory-creep", "warning", epoch=0),
    ]
    detectors["all"] = fake(lambda v: found)
    result = analyse(make_run(**RUN))
    assert [f.id for f in result.findings] == ["gradient-explosion", "loss-explosion", "memory-creep", "plateau"]
    assert result.verdict.cause == "gradient-explosion"


def test_everything_a_page_needs_is_filled() -> None:
    loss = lognormal(200, 0.1)
    loss[150:] = np.nan
    events = [
        {"time_s": 1.0, "kind": "start"},
        {"time_s": 999.0, "kind": "exception", "message": "NaN", "data": {"traceback": "T"}},
    ]
    run = make_run(
        {"loss": loss, "time_s": 100.0 + np.arange(200), "epoch": np.arange(200) // 10},
        events=events, trainer="ultralytics", planned_epochs=100, versions={"torch": "2"}, command=["python", "t.py"],
        args={"lr0": 0.1, "optimizer": "SGD", "model": "yolo12n.yaml"}, requested={"model": "yolo12n.yaml", "lr0": 0.1},
    )  # fmt: skip
    result = analyse(run)
    page = result.page
    assert result.verdict.status == "diverged"
    assert page.cause_reason
    assert "were wasted" in page.cost
    assert page.next_command.startswith("yolo train model=yolo12n.yaml")
    assert "lr0" in page.overrides_yaml
    assert page.traceback == "T"
    assert page.panels
    assert page.first_epoch == 1
    assert "nonfinite-loss" in page.explanations
    assert "plateau" in page.thresholds
    assert dict(page.facts)["Done"].endswith("200 steps")
    assert [title for title, _ in page.configuration][:2] == ["Arguments as requested", "Arguments in force"]
    assert page.events[0]["kind"] == "exception"


def test_consecutive_checkpoints_are_one_line() -> None:
    events = [{"kind": "checkpoint", "message": f"epoch {i}"} for i in range(5)] + [{"kind": "end", "message": "done"}]
    told = module._last_events(events)
    assert [e["message"] for e in told] == ["done", "epoch 4 (and 4 earlier)"]


def test_actions_are_what_stabilisers_did_in_order_without_checkpoints() -> None:
    def event(i: int, kind: str = "intervention", source: str = "stabiliser/rescue") -> dict[str, object]:
        return {"kind": kind, "source": source, "message": str(i)}

    told = module._actions([event(0), event(1, "checkpoint"), event(2, source="ultralytics"), event(3)])
    assert [e["message"] for e in told] == ["0", "3"]
    many = module._actions([event(i) for i in range(1000)])
    assert len(many) == module.MAX_ACTIONS + 1
    assert (many[0]["message"], many[-1]["message"]) == ("0", "999")
    assert "940 more actions" in str(many[module.MAX_ACTIONS // 2]["message"])


def test_the_same_result_twice() -> None:
    run = make_run({"loss": lognormal(300), "grad_norm": lognormal(300, seed=1)})
    assert analyse(run).to_json(full=True) == analyse(run).to_json(full=True)


def test_two_checks_at_a_time_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged() -> str:
        values = lognormal(3000, 0.2, 3.0) * np.where(np.arange(3000) < 2000, 1.0, 100.0)
        ranks = {"grad_norm": 10 * values, "batch_size": np.full(3000, 8.0), "step_s": values, "data_s": values / 9}
        return repr(
            analyse(make_run({"loss": values, **ranks}, {"fitness": np.linspace(0, 0.5, 30)}, steps_per_epoch=100))
        )

    one = judged()
    monkeypatch.setattr(module, "LONG", 0)
    assert "loss-explosion" in one
    assert all(judged() == one for _ in range(3))


def test_in_threads_a_broken_check_and_odd_numbers_are_what_they_are(
    detectors: dict[str, Detector], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONG", 0)
    detectors |= {"quiet": fake(lambda v: [] if np.ones(1) / np.zeros(1) > 1 else boom(v)), "broken": fake(boom)}
    result = analyse(make_run(**RUN))
    assert result.checks.passed == ("quiet",), "no warning of a division"
    assert [n.id for n in result.checks.could_not_run] == ["broken"]
    with pytest.raises(TrainwatchError, match="planted"):
        analyse(make_run(**RUN), Config(strict=True))


def test_an_empty_run_gives_an_unknown_verdict() -> None:
    result = analyse(make_run())
    assert result.verdict.status == "unknown"
    assert result.checks.could_not_run == ()


def test_nothing_learnt_yet_is_no_finding_where_the_numbers_blew_up() -> None:
    from synthetic import make_finding

    from trainwatch.analysis import _without_echoes

    early, blew_up = make_finding("no-learning", "info"), make_finding("loss-explosion", "critical")
    assert _without_echoes([early, blew_up]) == [blew_up]
    assert _without_echoes([early]) == [early]
    assert _without_echoes([early, make_finding("plateau", "critical")])[0] is early
    lasting = make_finding("no-learning", "critical")
    assert lasting in _without_echoes([lasting, blew_up])


@pytest.mark.parametrize(("level", "status"), [(0.96, "healthy"), (0.6, "stalled")])
def test_a_score_with_nothing_left_to_gain_is_no_stall(level: float, status: str) -> None:
    rng = np.random.default_rng(1)
    rise = level * (1 - np.exp(-np.arange(60) / 2)) + 0.002 * rng.normal(size=60)
    epochs = {"metrics/acc": rise, "train/loss": np.geomspace(1, 0.02, 60), "lr/0": np.full(60, 0.05)}
    result = analyse(make_run(epochs=epochs))
    assert result.verdict.status == status
    if status == "healthy":
        assert "of at most 1" in result.verdict.headline


def test_two_rows_are_too_few_to_judge() -> None:
    result = analyse(make_run(epochs={"train/loss": [1.0, 0.9]}))
    assert result.verdict.status == "unknown"
    assert result.verdict.headline == "Too early to judge: the record holds 2 epochs"


def test_nothing_learnt_stays_as_what_followed_where_the_numbers_were_lost_from_the_start() -> None:
    nan = np.full(9, np.nan)
    epochs = {"train/box_loss": nan, "val/box_loss": nan, "metrics/mAP50-95(B)": np.zeros(9)}
    findings = {f.id: f for f in analyse(make_run(None, epochs, planned_epochs=50)).findings}
    assert findings["nonfinite-loss"].severity == "critical"
    assert findings["no-learning"].severity == "info"
    assert "no number from the start" in findings["no-learning"].summary


def test_the_best_score_is_a_fact_and_a_score_that_never_moved_has_none() -> None:
    facts = dict(analyse(make_run(epochs={"fitness": [0.1, 0.4, 0.3], "train/loss": [3, 2, 1]})).page.facts)
    assert facts["Best score"].startswith("0.4 in epoch")
    still = make_run(epochs={"fitness": [0.0, 0.0, 0.0], "train/loss": [3, 2, 1]})
    assert "Best score" not in dict(analyse(still).page.facts)


def _of_a_cause_and_a_lesser_fault(events: list[dict[str, Any]]) -> Any:
    context = {"trainer": "ultralytics", "args": {"batch": 8, "nbs": 64, "epochs": 9, "lr0": 0.01}}
    return analyse(make_run(**RUN, events=events, **context)).page


def test_a_command_that_leaves_the_cause_as_it_is_is_not_what_to_type(detectors: dict[str, Detector]) -> None:
    few = make_finding("few-updates", "warning", epoch=None)
    labels = make_finding("missing-labels", "critical", epoch=0)
    detectors["all"] = fake(lambda v: [labels, few])
    page = _of_a_cause_and_a_lesser_fault([])
    assert page.next_command == ""
    assert "labels" in page.next_step or "boxes" in page.next_step
    assert page.next_confidence == 0.85, "of what answers the labels"
    assert "nbs: 8" in page.overrides_yaml, "it stands further down"
    detectors["all"] = fake(lambda v: [few])
    assert "nbs=8" in _of_a_cause_and_a_lesser_fault([]).next_command


def test_an_exception_is_mended_before_anything_is_tuned(detectors: dict[str, Detector]) -> None:
    detectors["all"] = fake(lambda v: [make_finding("few-updates", "warning", epoch=None)])
    trace = 'Traceback (most recent call last):\n  File "/home/me/train.py", line 41, in end\nKeyError: 1\n'
    page = _of_a_cause_and_a_lesser_fault(
        [{"kind": "exception", "time_s": 1.0, "data": {"type": "KeyError", "traceback": trace}}]
    )
    assert page.next_step.startswith("Mend /home/me/train.py, line 41")
    assert page.next_command == ""


def test_a_resume_of_what_has_learnt_nothing_is_warned_of() -> None:
    page = analyse(read_run(Path(__file__).parents[1] / "sample_runs" / "killed")).page
    assert page.next_command.endswith("runs/train/weights/last.pt"), "the place that the record names, not a mark"
    assert "Nothing had been learnt in its 12 epochs" in page.next_needs


def test_a_stopped_run_with_a_leak_is_mended_and_then_gone_on_with() -> None:
    page = analyse(read_run(Path(__file__).parents[1] / "sample_runs" / "host_memory_creep")).page
    assert page.next_command.startswith("yolo train resume model=")
    assert page.next_step.endswith("That is 75 % sure. Then go on, from an empty memory:")
    assert page.next_confidence is None, "the resume cures nothing"
    assert page.next_expected.startswith("The memory per epoch stays flat")


def test_errors_of_the_recorder_are_named_and_explained_also_in_older_records() -> None:
    said = "the recorder itself failed at: sealing a segment (2). The training was not touched"
    old = {"kind": "warning", "source": "recorder", "message": "the recorder had errors of its own",
           "data": {"errors": {"sealing a segment": 2}}}  # fmt: skip
    (event,) = analyse(make_run({"loss": lognormal(30, 0.1)}, events=[old])).page.events
    assert event["message"].startswith(said)
    guard = Guard()
    for _ in range(2):
        guard.report("sealing a segment", OSError("full"))
    assert guard.told().startswith(said)


def test_the_dates_of_a_standstill_and_an_overfitting_are_told_in_order() -> None:
    analysis = analyse(read_run(Path(__file__).parents[1] / "sample_runs" / "plateau"))
    page = analysis.page
    assert "In order: no progress since epoch 57; then overfitting since epoch 139." in page.cause_reason
    assert "no progress since epoch 57, overfitting since epoch 139;" in analysis.verdict.headline
    assert "The best single score came later, in epoch 122, but lies too little above that" in page.cause_reason
    assert "epochs=300" in page.next_command, "more augmentation and fewer epochs are not tried at once"


def test_words_that_are_surer_than_the_command_say_so() -> None:
    page = analyse(read_run(Path(__file__).parents[1] / "sample_runs" / "nan_loss")).page
    assert page.next_command.startswith("trainwatch train --stabilise=rescue ")
    assert "lr0" not in page.next_command, "the batch is the suspect, not the rate"
    assert page.next_step.endswith("That is 60 % sure; the command, instead of it, 55 %.")

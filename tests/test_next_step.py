"""What to do next where nothing is to be typed: said for every healthy run, true to its curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log
from samples import analysed
from synthetic import make_finding, make_run

from trainwatch.analysis import analyse
from trainwatch.next_step import next_step, train_longer
from trainwatch.reports import html, markdown, text
from trainwatch.reports.languages import catalogue
from trainwatch.result import Context, Verdict
from trainwatch.runs import Run

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
    assert "Wrong if" in longer.expected
    assert train_longer(rising, "early-stop", [], context) is None, "patience ended it: there was nothing to gain"
    assert train_longer(rising, "completed", [make_finding("plateau", "info")], context) is None
    assert train_longer(rising, "completed", [], loop("a")) is None
    page = analysed("healthy").page
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
    analysis = analysed("host_memory_creep")
    assert analysis.page.next_command.startswith("yolo train resume"), "it goes on; nothing in it cures"
    assert analysis.page.next_step.startswith("Look for values kept per step")
    assert "Do      Look for values kept" in text.render(analysis, width=80)
    assert "**Next:** Look for values kept" in markdown.render(analysis)
    assert "<code>float(trainer.loss)</code>" in html.render(analysis), "code, not backticks"


def test_a_healthy_run_is_not_to_be_trained_anew_for_a_trifle() -> None:
    columns = curves(100, speed=10)
    columns[SCORE][70:] = 0.5 + 0.003 * np.random.default_rng(0).normal(size=30)
    columns[SCORE][90:] += 0.05
    analysis = analyse(epoch_log(columns, 100, args={"close_mosaic": 10, "epochs": 100}))
    assert analysis.verdict.status == "healthy"
    assert analysis.recommendations
    assert analysis.page.next_command == ""
    assert analysis.page.next_step.startswith("Nothing needs to be changed")
    assert analysis.page.next_step.endswith(". The advice further down is optional.")
    assert catalogue("zh").known(analysis.page.next_step)
    assert "Nothing needs to be changed" in text.render(analysis, width=80)


def test_what_no_recommendation_answers_is_still_told() -> None:
    stalled = Verdict("stalled", "Stalled", "plateau", 0.9)
    finding = make_finding("plateau")
    assert next_step(run(), "completed", stalled, [finding], [], loop("a"), {"plateau": "Do this."}) == "Do this."
    incomplete = Verdict("incomplete", "Incomplete", None, 0.6)
    assert "last checkpoint" in next_step(run(), "stopped", incomplete, [], [], loop("a"))
    unknown = Verdict("unknown", "Too early", None, 0.6)
    assert "`trainwatch analyze 'a b'`" in next_step(run(), "completed", unknown, [], [], loop("a b"))


IN_LIBRARY = 'Traceback (most recent call last):\n  File "/v/lib/python3.11/site-packages/ultralytics/engine/trainer.py", line 406, in _setup\n'
IN_SCRIPT = 'Traceback (most recent call last):\n  File "/home/me/train.py", line 41, in on_end\n'


@pytest.mark.parametrize(
    ("frames", "error", "epochs", "said"),
    [
        (IN_LIBRARY, "RuntimeError: 'freeze=22' froze the entire model", 0,
         "Do what the message says, then start it again: RuntimeError: 'freeze=22' froze"),
        (IN_LIBRARY, "RuntimeError: bad", 3, "Do what the message says, then go on from the last checkpoint: RuntimeError: bad"),
        (IN_SCRIPT, "KeyError: 'map'", 3, "Mend /home/me/train.py, line 41 (in on_end), where the KeyError came from; then go on"),
        (IN_SCRIPT, "KeyError: 'map'", 0, "came from; then start it again"),
        (IN_SCRIPT, "OSError: [Errno 28] No space left on device: 'last.pt'", 3,
         "Free space on the disk that it writes to, then go on from the last checkpoint: OSError"),
        (IN_LIBRARY, "torch.AcceleratorError: CUDA error: out of range\nCompile with `TORCH_USE_CUDA_DSA` to enable assertions.", 3,
         "the last checkpoint: torch.AcceleratorError: CUDA error: out of range Compile with"),
        (IN_LIBRARY, "RuntimeError: size mismatch:\n\tlayer a\n\n\tlayer b", 0,
         "start it again: RuntimeError: size mismatch: layer a layer b"),
        (IN_LIBRARY, f"RuntimeError: {'a' * 400}", 0, "a ..."),
        ("", "", 3, "Go on from its last checkpoint"),
    ],
)  # fmt: skip
def test_an_exception_is_answered_by_its_message_or_by_the_line_of_ones_own(
    frames: str, error: str, epochs: int, said: str
) -> None:
    data = {"type": error.split(":")[0].removeprefix("torch."), "traceback": f"{frames}{error}\n"}
    events = [{"kind": "exception", "time_s": 1.0, "data": data}]
    crashed = make_run(epochs={"fitness": FLAT[:epochs]}, events=events)
    status = Verdict("crashed" if error else "incomplete", "It ended", None, 0.9)
    assert said in next_step(crashed, "exception", status, [], [], loop("a"))


def test_a_training_that_was_stopped_by_hand_goes_on_from_its_weights() -> None:
    stopped = Verdict("incomplete", "It stopped", None, 0.6)
    here = Context(run_dir="runs/a b", resume_from="weights/last.pt", weights_here=("weights/last.pt",))
    said = next_step(run(), "signal", stopped, [], [], here)
    assert said.endswith("`yolo train resume 'model=runs/a b/weights/last.pt'`")
    assert "start from its last checkpoint" in next_step(run(), "signal", stopped, [], [], loop("a"))
    assert "with trainwatch" in next_step(run(), "unknown", stopped, [], [], loop("a"))


def test_with_a_fault_a_longer_training_is_not_what_to_type() -> None:
    """Memory leaks, and the score still rose at the end: 36 epochs instead of 24 would leak more."""
    epochs = {"fitness": np.linspace(0.1, 0.6, 24), "metrics/mAP50-95(B)": np.linspace(0.1, 0.6, 24)}
    rss = 1e9 + 1e8 * np.arange(2400) / 100 + 1e6 * np.random.default_rng(0).normal(size=2400)
    steps = {"rss_bytes": rss, "epoch": np.arange(2400) // 100}
    events = [{"kind": k, "time_s": t, "data": {"reason": "completed"}} for k, t in (("start", 0.0), ("end", 9e3))]
    result = analyse(
        make_run(
            steps=steps, epochs=epochs, planned_epochs=24, events=events, args={"epochs": 24}, trainer="ultralytics"
        )
    )
    assert result.verdict.cause == "host-memory-creep"
    assert {"train-longer"} <= {r.id for r in result.recommendations}
    assert result.page.next_command == ""


def test_what_the_reason_says_already_is_not_told_again() -> None:
    said = "RuntimeError: 'freeze=22' froze the entire model"
    data = {"type": "RuntimeError", "traceback": f"{IN_LIBRARY}{said}\n"}
    crashed = make_run(epochs={"fitness": FLAT[:0]}, events=[{"kind": "exception", "message": said, "data": data}])
    status = Verdict("crashed", "It ended", None, 0.9)
    assert next_step(crashed, "exception", status, [], [], loop("a")) == "Do what the message says, then start it again"


@pytest.mark.parametrize(("frames", "by_script"), [(IN_LIBRARY, False), (IN_SCRIPT, True)])
def test_a_mended_crash_goes_on_with_a_command(frames: str, by_script: bool) -> None:
    data = {"type": "KeyError", "traceback": f"{frames}KeyError: 'map'\n"}
    events = [
        {"kind": "start", "time_s": 0.0},
        {"kind": "checkpoint", "epoch": 2, "time_s": 1.0, "data": {"path": "weights/last.pt"}},
        {"kind": "exception", "time_s": 2.0, "message": "KeyError: 'map'", "data": data},
    ]
    crashed = make_run(
        epochs={"fitness": FLAT[:3]}, events=events, trainer="ultralytics", args={"epochs": 9, "save_dir": "/r/train"}
    )
    page = analyse(crashed).page
    assert page.next_command == "yolo train resume model=/r/train/weights/last.pt"
    assert page.next_step.endswith(":")
    assert ("in your script with `YOLO('/r/train/weights/last.pt').train(resume=True)`" in page.next_step) is by_script

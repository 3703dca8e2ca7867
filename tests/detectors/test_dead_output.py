from __future__ import annotations

import numpy as np
from synthetic import lognormal, make_run

from trainwatch.analysis import analyse
from trainwatch.detectors.dead_output import DeadOutput
from trainwatch.result import Finding
from trainwatch.runs import Run

EPOCHS, PER_EPOCH = 12, 10
START = [{"kind": "start", "time_s": 0.0}, {"kind": "end", "time_s": 1.0, "data": {"reason": "completed"}}]


def run(loss: np.ndarray, score: float = 0.0, **meta: object) -> Run:
    epochs = {
        "metrics/mAP50-95(B)": np.full(EPOCHS, score),
        "train/box_loss": loss.reshape(EPOCHS, PER_EPOCH).mean(axis=1) / 2,
        "train/cls_loss": loss.reshape(EPOCHS, PER_EPOCH).mean(axis=1) / 2,
    }
    return make_run({"loss": loss}, epochs, steps_per_epoch=PER_EPOCH, events=START, **meta)


def dying(at: int = 30) -> np.ndarray:
    loss = lognormal(EPOCHS * PER_EPOCH, 0.3, 60.0)
    loss[at:] *= 1e-6
    return loss


def detect(r: Run) -> list[Finding]:
    return DeadOutput().detect(r)


def test_a_loss_that_falls_to_nothing_without_a_score_is_dated() -> None:
    (finding,) = detect(run(dying()))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert finding.onset.step == 30


def test_a_lower_rate_is_advised() -> None:
    args = {"lr0": 1.0, "optimizer": "SGD", "batch": 16, "nbs": 64}
    analysis = analyse(run(dying(), trainer="ultralytics", args=args, requested=args))
    assert analysis.verdict.cause == "dead-output"
    change = {c.arg: c.new for r in analysis.recommendations for c in r.changes}
    assert change["lr0"] <= 0.01


def test_a_model_that_learns_its_data_by_heart_is_quiet() -> None:
    assert detect(run(dying(), score=0.4)) == []


def test_an_ordinary_fall_and_a_bad_end_are_quiet() -> None:
    assert detect(run(lognormal(EPOCHS * PER_EPOCH, 0.3, 60.0, decay=4))) == []
    loss = lognormal(EPOCHS * PER_EPOCH, 0.3, 60.0)
    loss[-5:] *= 1e-6
    assert detect(run(loss)) == []


def test_missing_labels_are_not_dead_outputs() -> None:
    r = run(dying())
    table = r.epoch_table.set_column(
        r.epoch_table.column_names.index("train/box_loss"), "train/box_loss", [np.zeros(EPOCHS)]
    )
    assert detect(Run(r.path, r.source, steps=r.step_table, epochs=table, events=r.events, meta=r.meta)) == []


def validated(dead: int, score: float = 0.0, cls: float = 0.0, **meta: object) -> Run:
    """A lively training whose last validations have no loss; ``cls`` is what remains of the classes' loss."""
    box, classes = np.full(EPOCHS, 2.0), np.full(EPOCHS, 3.0)
    box[EPOCHS - dead :], classes[EPOCHS - dead :] = 0.0, cls
    if dead < EPOCHS and cls == 0:
        box[EPOCHS - dead :: 3] = np.nan
    r = run(lognormal(EPOCHS * PER_EPOCH, 0.3, 60.0), score, **meta)
    columns = {"val/box_loss": box, "val/cls_loss": classes}
    table = r.epoch_table
    for name, values in columns.items():
        table = table.append_column(name, [values])
    return Run(r.path, r.source, steps=r.step_table, epochs=table, events=r.events, meta=r.meta)


def test_validations_without_any_loss_while_the_training_has_one() -> None:
    (finding,) = detect(validated(8))
    assert finding.severity == "critical"
    assert finding.onset is not None
    assert finding.onset.epoch == 4


def test_a_background_loss_a_score_few_of_them_and_a_validation_that_did_not_run_are_quiet() -> None:
    assert detect(validated(8, cls=0.1)) == []
    assert detect(validated(8, score=0.3)) == []
    assert detect(validated(4)) == []
    assert detect(validated(EPOCHS)) == [], "zeros that stand for not measured"


def test_a_validation_loss_beyond_all_bounds_is_no_answer_either() -> None:
    r = validated(8, cls=1e9)
    assert detect(r)
    assert detect(validated(8, cls=300.0)) == []


def test_validations_of_a_training_without_labels_are_missing_labels() -> None:
    r = validated(8)
    at = r.epoch_table.column_names.index("train/box_loss")
    table = r.epoch_table.set_column(at, "train/box_loss", [np.zeros(EPOCHS)])
    assert detect(Run(r.path, r.source, steps=r.step_table, epochs=table, events=r.events, meta=r.meta)) == []

from __future__ import annotations

from trainwatch.prescription import (
    changes_typed,
    command,
    drawing,
    leading,
    merged,
    needs,
    overrides_yaml,
    without_contradiction,
)
from trainwatch.result import Change, Context, Recommendation


def recommend(id: str, confidence: float, *changes: Change, steps: tuple[str, ...] = ()) -> Recommendation:
    return Recommendation(id, ("x",), changes, "why", "expected", confidence, ("source",), steps)


def test_the_surer_one_wins_an_argument() -> None:
    kept = without_contradiction(
        [recommend("a", 0.4, Change("lr0", 1, 0.5), Change("batch", 16, 8)), recommend("b", 0.9, Change("lr0", 1, 0.1))]
    )
    assert [r.id for r in kept] == ["b", "a"]
    assert {c.arg: c.new for c in merged(kept)} == {"lr0": 0.1, "batch": 8}


def test_of_equal_ones_the_least_change_wins() -> None:
    kept = without_contradiction(
        [recommend("a", 0.5, Change("lr0", 1, 0.5), Change("batch", 16, 8)), recommend("b", 0.5, Change("lr0", 1, 0.1))]
    )
    assert kept[0].id == "b"


def test_one_that_has_nothing_left_is_dropped_unless_it_has_steps() -> None:
    better = recommend("a", 0.9, Change("lr0", 1, 0.5))
    assert [r.id for r in without_contradiction([better, recommend("b", 0.1, Change("lr0", 1, 0.1))])] == ["a"]
    with_steps = recommend("b", 0.1, Change("lr0", 1, 0.1), steps=("look",))
    assert [r.id for r in without_contradiction([better, with_steps])] == ["a", "b"]


def test_without_labels_nothing_is_tuned_against_overfitting() -> None:
    """What the model learns by heart then is that there is nothing."""
    tuned = [
        recommend("augment-more", 0.9, Change("mixup", 0.0, 0.1)),
        recommend("stop-sooner", 0.9, Change("epochs", 9, 5)),
    ]
    kept = without_contradiction([*tuned, recommend("fix-labels", 0.6, steps=("look",))])
    assert [r.id for r in kept] == ["fix-labels"]


def test_values_are_quoted_for_the_shell() -> None:
    context = Context(requested={"data": "my data; rm -rf /", "name": "old", "model": "yolo12n.yaml"})
    line = command([recommend("a", 0.9, Change("lr0", 1, 0.5))], context)
    assert line == "yolo train 'data=my data; rm -rf /' model=yolo12n.yaml lr0=0.5"


def test_yaml_says_what_it_was() -> None:
    text = overrides_yaml([recommend("a", 0.9, Change("lr0", 0.1, 0.01), Change("cache", None, False))])
    assert text == "# a\nlr0: 0.01  # was 0.1\ncache: false\n"
    hostile = overrides_yaml([recommend("a", 0.9, Change("lr0", "x\ny: 1", 0.01))])
    assert hostile == "# a\nlr0: 0.01  # was x y: 1\n"


def test_of_two_that_pull_apart_the_safer_stays() -> None:
    lower, higher = (
        recommend("lower-lr", 0.3, Change("lr0", 0.01, 0.005)),
        recommend("raise-lr", 0.9, Change("lrf", 0.0, 0.01)),
    )
    assert [r.id for r in without_contradiction([higher, lower])] == ["lower-lr"]
    assert [r.id for r in without_contradiction([higher])] == ["raise-lr"]


def test_the_changes_of_a_command_stand_beside_it() -> None:
    context = Context(args={"lr0": 0.1, "momentum": 0.9}, requested={"model": "m.yaml"})
    advice = [recommend("a", 0.9, Change("lr0", 0.1, 0.01), Change("momentum", None, 0.8))]
    assert changes_typed(advice, context) == (Change("lr0", 0.1, 0.01), Change("momentum", 0.9, 0.8))
    assert needs(advice, context) == ""
    resume = [recommend("resume-run", 0.9, Change("model", "m.yaml", "a.pt"), Change("resume", False, True))]
    assert changes_typed(resume, context) == (), "going on changes nothing"
    assert changes_typed(advice, Context(trainer="loop")) == ()


def test_a_file_that_is_not_there_is_a_mark_and_said_once() -> None:
    context = Context(run_dir="runs/a", args={"save_dir": "far/exp"}, weights_here=())
    change = Change("model", "m.yaml", context.path_of("weights/last.pt"))
    advice = [recommend("resume-run", 0.9, change, Change("resume", False, True))]
    assert command(advice, context) == "yolo train resume 'model=<path of your weights/last.pt>'"
    said = needs(advice, context)
    assert said.startswith("weights/last.pt is not in runs/a: put the path")
    assert said.endswith("The training wrote it to far/exp/weights/last.pt.")
    here = Context(run_dir="runs/a", weights_here=("weights/last.pt",))
    assert here.path_of("weights/last.pt") == "runs/a/weights/last.pt"


def test_more_augmentation_is_not_given_with_fewer_epochs() -> None:
    given = [
        recommend("stop-sooner", 0.9, Change("epochs", 300, 146)),
        recommend("augment-more", 0.5, Change("mosaic", 0.0, 1.0)),
    ]
    assert [r.id for r in without_contradiction(given)] == ["augment-more"]


def test_a_checkpoint_elsewhere_is_named_where_the_training_wrote_it() -> None:
    context = Context(args={"save_dir": "/data/runs/a"}, run_dir="copy", weights_here=())
    change = Change("model", "m.yaml", context.path_of("weights/last.pt"))
    advice = [recommend("resume-run", 0.9, change, Change("resume", False, True))]
    assert command(advice, context) == "yolo train resume model=/data/runs/a/weights/last.pt"
    assert needs(advice, context).startswith(
        "weights/last.pt is not in copy: the command names where the training wrote it."
    )


def test_the_surest_answer_to_the_cause_leads() -> None:
    context = Context()
    first = recommend("a", 0.4, Change("lr0", 1, 0.5))
    other = Recommendation("b", ("y",), (Change("batch", 8, 4),), "", "", 0.9, ())
    assert leading([other, first], context, "x") == first
    assert leading([other, first], context, "z") == other
    assert leading([], context, "x") is None


def test_labels_to_look_at_are_drawn_by_one_epoch_where_the_run_drew_none() -> None:
    silent = Context(args={"plots": False}, requested={"epochs": 40, "plots": False, "lr0": 0.01}, planned_epochs=40)
    assert command(drawing(silent), silent) == "yolo train epochs=1 plots=True lr0=0.01"
    assert drawing(Context(args={"plots": True})) == ()
    assert drawing(Context(trainer="loop", args={"plots": False})) == ()

from __future__ import annotations

from synthetic import make_run

from trainwatch.comparison.arguments import changed_arguments, changed_surroundings


def test_only_what_differs_and_matters_is_named() -> None:
    a, b = (
        make_run(args={"lr0": 0.1, "epochs": 10, "name": "a", "warmup_epochs": 3}),
        make_run(args={"lr0": 0.01, "epochs": 10, "name": "b", "warmup_epochs": 3.0, "cos_lr": True}),
    )
    found = {c.arg: (c.old, c.new) for c in changed_arguments([a], [b])}
    assert found == {"lr0": ("0.1", "0.01"), "cos_lr": (None, "True")}


def test_seeds_of_one_side_are_listed() -> None:
    runs = [make_run(args={"seed": s}) for s in (0, 1, 2)]
    (change,) = changed_arguments([runs[0]], runs[1:])
    assert (change.arg, change.old, change.new) == ("seed", "0", "1, 2")


def test_surroundings_that_one_side_did_not_record_are_no_difference() -> None:
    a, b = make_run(versions={"torch": "2.1"}), make_run(versions={"torch": "2.2"})
    assert [c.arg for c in changed_surroundings([a], [b])] == ["versions.torch"]
    assert changed_surroundings([a], [make_run()]) == ()
    assert [
        c.arg for c in changed_surroundings([a], [make_run(versions={"torch": "2.1"}, stabilisers={"rescue": {}})])
    ] == ["stabilisers.rescue"]

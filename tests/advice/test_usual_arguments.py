from __future__ import annotations

from typing import Any

import pytest
from advising import advise, new

from trainwatch.advice.usual_arguments import UsualArguments

A = UsualArguments()


@pytest.mark.parametrize(
    ("args", "odd", "usual"),
    [
        ({"optimizer": "Adam", "lr0": 0.05}, ["lr0"], {"lr0": 0.001}),
        (
            {"optimizer": "RMSProp", "lr0": 0.5, "momentum": 0.999},
            ["lr0", "momentum"],
            {"lr0": 6.3e-5, "momentum": 0.937},
        ),
        ({"optimizer": "SGD", "lr0": 1.0, "batch": 16, "nbs": 16}, ["lr0"], {"lr0": 0.0025}),
        ({"box": 1e-5, "cls": 1e-5}, ["box", "cls"], {"box": 7.5, "cls": 0.5}),
    ],
)
def test_back_to_the_usual(args: dict[str, Any], odd: list[str], usual: dict[str, float]) -> None:
    found = advise(A, "unusual-arguments", detail={"arguments": {n: args[n] for n in odd}}, **args)
    assert new(found) == usual


def test_none_without_the_finding_or_for_other_trainers() -> None:
    detail = {"arguments": {"box": 1e-5}}
    assert advise(A, "plateau", detail=detail, box=1e-5) is None
    assert advise(A, "unusual-arguments", detail=detail, box=1e-5, context={"trainer": "loop"}) is None
    assert advise(A, "unusual-arguments", detail={"arguments": {"mine": 1.0}}) is None

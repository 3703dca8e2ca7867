"""The table of usual values is that of the installed Ultralytics."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from trainwatch.usual import DEFAULTS, RANGES, usual_lr


def test_ranges_are_those_of_the_installed_tuner() -> None:
    tuner = pytest.importorskip("ultralytics.engine.tuner")
    tree = ast.parse(textwrap.dedent(inspect.getsource(tuner.Tuner.__init__)))
    found = {
        key.value: ast.literal_eval(value)[:2]
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Tuple)
    }
    assert {name: found[name] for name in RANGES} == dict(RANGES)


def test_defaults_are_those_of_the_installed_trainer() -> None:
    cfg = pytest.importorskip("ultralytics.cfg")
    assert {name: cfg.DEFAULT_CFG_DICT[name] for name in DEFAULTS} == dict(DEFAULTS)


@pytest.mark.parametrize(
    ("optimizer", "given", "rate"),
    [
        ("SGD", {}, 0.01),
        ("MuSGD", {"images": 16}, 0.0025),
        ("sgd", {"images": 256}, 0.01),
        ("AdamW", {"images": 16}, 0.001),
        ("RMSProp", {}, 0.000063),
        ("RMSProp", {"momentum": 0.9}, 0.0001),
        ("RMSProp", {"momentum": 1.5}, 0.000063),
    ],
)
def test_rate_of_an_optimizer(optimizer: str, given: dict[str, float], rate: float) -> None:
    assert usual_lr(optimizer, **given) == pytest.approx(rate)  # type: ignore[arg-type]

"""Every prescription over all combinations goes through Ultralytics' own check of arguments."""

from __future__ import annotations

import shlex

import pytest

from trainwatch.advice.base import Advice
from trainwatch.prescription import command, merged, overrides_yaml, without_contradiction
from trainwatch.registry import members
from trainwatch.result import Context, Finding

cfg = pytest.importorskip("ultralytics.cfg")


@pytest.fixture(scope="module")
def prescribed(
    cases: list[tuple[list[Finding], Context]],
) -> list[tuple[Context, tuple]]:
    """What is advised in every case; made once, since there are thousands."""
    return [(context, prescribe(findings, context)) for findings, context in cases]


def prescribe(findings: list[Finding], context: Context) -> tuple:
    given = [a.advise(findings, context) for a in members("trainwatch.advice", Advice).values()]
    return without_contradiction([r for r in given if r is not None])


def test_every_argument_and_value_is_accepted(prescribed: list[tuple[Context, tuple]]) -> None:
    checked: set[str] = set()
    for _, recommendations in prescribed:
        changes = merged(recommendations)
        if str(changes) in checked:
            continue
        checked.add(str(changes))
        overrides = {c.arg: c.new for c in changes}
        cfg.get_cfg(overrides=overrides)  # unknown names, wrong types, values out of range raise
        assert overrides.get("batch", 1) >= 1
        assert overrides.get("optimizer", "SGD") in ("SGD", "AdamW", "MuSGD")
    assert len(checked) > 50


def test_no_argument_is_changed_twice(prescribed: list[tuple[Context, tuple]]) -> None:
    for _, recommendations in prescribed:
        names = [c.arg for c in merged(recommendations)]
        assert len(names) == len(set(names))


def test_the_command_line_and_the_yaml_say_the_same(prescribed: list[tuple[Context, tuple]]) -> None:
    yaml = pytest.importorskip("yaml")
    for context, recommendations in prescribed[::7]:
        changes = {c.arg: c.new for c in merged(recommendations)}
        assert (yaml.safe_load(overrides_yaml(recommendations)) or {}) == changes
        line = shlex.split(command(recommendations, context))
        ours = any(r.id == "skip-steps" for r in recommendations) and "resume" not in changes
        if not changes and not ours:
            assert line == []
            continue
        assert line[:2] == ["trainwatch" if ours else "yolo", "train"]
        assert ("--stabilise=rescue" in line) == ours
        if "resume" not in changes:
            words = dict(w.split("=", 1) for w in line[2:])
            assert all(words[k] == str(v) for k, v in changes.items())
            assert words["data"] == "d.yaml", "what the user gave is kept"


def test_own_loops_get_no_yolo_command(cases: list[tuple[list[Finding], Context]]) -> None:
    findings = cases[0][0]
    context = Context(trainer="loop")
    assert command(prescribe(findings, context), context) == ""

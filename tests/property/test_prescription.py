"""Whatever is found together, what comes out is one prescription that does not contradict itself."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
from synthetic import make_finding

from trainwatch.advice.base import Advice
from trainwatch.prescription import OPPOSED, command, merged, overrides_yaml, without_contradiction
from trainwatch.registry import members
from trainwatch.result import NUMERIC, Context, Finding

spec = importlib.util.spec_from_file_location("advice_cases", Path(__file__).parents[1] / "advice" / "conftest.py")
assert spec is not None
assert spec.loader is not None
cases: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)

CONTEXTS = list(cases.contexts())
ADVICE = members("trainwatch.advice", Advice)


def some_findings(rng: random.Random) -> list[Finding]:
    ids = rng.sample(sorted(cases.DETAILS), rng.randint(1, 9))
    return [
        make_finding(
            i,
            rng.choice(["critical", "warning", "info"]),
            epoch=rng.randint(0, 40),
            detail=rng.choice(cases.DETAILS[i]),
        )
        for i in ids
    ]


@pytest.mark.parametrize("seed", range(40))
def test_random_combinations(seed: int) -> None:
    rng = random.Random(seed)
    cfg = pytest.importorskip("ultralytics.cfg")
    for _ in range(50):
        findings, context = some_findings(rng), rng.choice(CONTEXTS)
        given = [r for a in ADVICE.values() if (r := a.advise(findings, context)) is not None]
        kept = without_contradiction(given)
        changes = merged(kept)
        names = [c.arg for c in changes]
        assert len(names) == len(set(names)), "one value for one argument"
        kept_ids = {r.id for r in kept}
        assert not any(first in kept_ids and second in kept_ids for first, second in OPPOSED)
        assert not {"raise-lr", "lower-lr"} <= kept_ids
        new = {c.arg: c.new for c in changes}
        if any(f.id in NUMERIC and f.severity != "info" for f in findings) and "lr0" in new:
            assert new["lr0"] < context.args["lr0"], "a training that blew up is never told to go faster"
        assert [c for c in changes if c.old is not None and c.old == c.new] == [], "a change changes something"
        cfg.get_cfg(overrides=new)
        answered = {f.id for f in findings}
        for r in kept:
            assert set(r.answers) <= answered
            assert r.why
            assert "Wrong" in r.expected or r.id in ("resume-run",)
            assert r.sources
            assert 0 < r.confidence < 1
        assert overrides_yaml(kept) == overrides_yaml(without_contradiction(list(reversed(given)))), (
            "order does not matter"
        )
        command(kept, context)


def test_silent_on_what_it_does_not_answer() -> None:
    for id, advice in ADVICE.items():
        others = [make_finding(i, "critical") for i in cases.DETAILS if i not in advice.answers]
        assert (
            advice.advise(others, Context(args={"lr0": 0.01, "workers": 1, "epochs": 10}, planned_epochs=10)) is None
        ), id

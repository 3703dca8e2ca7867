"""Short hands for tests of advice."""

from __future__ import annotations

from typing import Any

from synthetic import make_finding

from trainwatch.advice.base import Advice
from trainwatch.result import Context, Recommendation


def advise(
    advice: Advice, *ids: str, context: dict[str, Any] | None = None, detail: Any = None, **args: Any
) -> Recommendation | None:
    """Ask for advice on findings (warnings, all with the same detail) in a run with these arguments."""
    findings = [make_finding(i, "warning", detail=detail or {}) for i in ids]
    planned = args.get("epochs")
    return advice.advise(findings, Context(args=args, **{"planned_epochs": planned, **(context or {})}))


def new(recommendation: Recommendation | None) -> dict[str, Any]:
    """Return the new values by argument."""
    assert recommendation is not None
    return {c.arg: c.new for c in recommendation.changes}

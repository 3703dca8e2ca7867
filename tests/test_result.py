from __future__ import annotations

import json

import pytest
from synthetic import make_analysis, make_finding

from trainwatch.result import Analysis, Quantity

KEYS = {
    "run": {"path", "source", "steps", "epochs", "planned_epochs", "ended_by"},
    "verdict": {"status", "headline", "cause", "confidence"},
    "checks": {"passed", "not_applicable", "could_not_run"},
}


def test_the_public_document_has_exactly_the_documented_keys() -> None:
    document = make_analysis().to_json()
    assert set(document) == {"schema", "run", "verdict", "findings", "recommendations", "checks"}
    assert document["schema"] == 1
    for block, keys in KEYS.items():
        assert set(document[block]) == keys
    assert set(document["findings"][0]) == {
        "id", "severity", "confidence", "title", "summary", "onset", "end", "series", "measured", "threshold",
    }  # fmt: skip
    assert set(document["findings"][0]["onset"]) == {"step", "epoch"}
    assert set(document["findings"][0]["measured"]) == {"value", "unit"}
    assert set(document["recommendations"][0]) == {
        "id",
        "answers",
        "changes",
        "why",
        "expected",
        "confidence",
        "sources",
    }
    assert set(document["recommendations"][0]["changes"][0]) == {"arg", "from", "to"}
    assert set(document["checks"]["not_applicable"][0]) == {"id", "reason"}


@pytest.mark.parametrize("full", [False, True])
def test_both_ways(full: bool) -> None:
    document = make_analysis().to_json(full=full)
    again = Analysis.from_json(json.loads(json.dumps(document, allow_nan=False)))
    assert again.to_json(full=full) == document
    if full:
        assert again == make_analysis()


def test_non_finite_numbers_become_strings_and_come_back() -> None:
    from dataclasses import replace

    odd = replace(make_analysis(), findings=(make_finding(measured=Quantity(float("inf"), "1")),))
    document = odd.to_json()
    assert document["findings"][0]["measured"]["value"] == "inf"
    assert Analysis.from_json(document).findings[0].measured == Quantity(float("inf"), "1")


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="another version"):
        Analysis.from_json({"schema": 2})

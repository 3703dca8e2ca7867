from __future__ import annotations

import json
from dataclasses import replace

from synthetic import make_analysis, make_finding

from trainwatch.reports.json import render
from trainwatch.result import Analysis, Quantity


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_it_is_strict_and_the_public_form() -> None:
    worst = replace(
        make_analysis(), findings=(make_finding(measured=Quantity(float("nan"), ""), detail={"a": float("inf")}),)
    )
    document = json.loads(render(worst), parse_constant=refuse)
    assert list(document) == ["schema", "run", "verdict", "findings", "recommendations", "checks"]
    assert document["findings"][0]["measured"] == {"value": "nan", "unit": ""}
    assert set(document["findings"][0]) == {
        "id", "severity", "confidence", "title", "summary", "onset", "end", "series", "measured", "threshold",
    }  # fmt: skip
    assert document["recommendations"][0]["changes"][0] == {"arg": "lr0", "from": 0.1, "to": 0.05}


def test_the_full_form_comes_back() -> None:
    analysis = make_analysis()
    assert Analysis.from_json(json.loads(render(analysis, full=True))) == analysis


def test_undecodable_paths_can_be_written() -> None:
    text = render(make_analysis("\udce4"))
    text.encode()
    assert json.loads(text)["run"]["path"] == "runs/\udce4"


def test_it_ends_with_one_newline() -> None:
    assert render(make_analysis()).endswith("}\n")

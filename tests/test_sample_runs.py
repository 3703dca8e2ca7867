"""Every sample run gives what its expected.json says. All were recorded from real trainings (sample_runs/record.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainwatch.analysis import Config, analyse
from trainwatch.reports import html, text
from trainwatch.result import Analysis
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[1] / "sample_runs"
NAMES = sorted(p.name for p in SAMPLES.iterdir() if (p / "args.yaml").is_file())


@pytest.fixture(scope="module", params=NAMES)
def sample(request: pytest.FixtureRequest) -> tuple[str, Analysis, dict[str, Any]]:
    name = request.param
    expected = json.loads((SAMPLES / name / "expected.json").read_text())
    return name, analyse(read_run(SAMPLES / name), Config(strict=True)), expected


def test_verdict_findings_and_arguments(sample: tuple[str, Analysis, dict[str, Any]]) -> None:
    name, result, expected = sample
    said = f"{name}: {result.verdict} {[(f.id, f.severity, f.onset) for f in result.findings]}"
    assert (result.verdict.status, result.verdict.cause) == (expected["status"], expected["cause"]), said
    assert result.run.ended_by == expected["ended_by"], said
    found = {f.id: f for f in result.findings if f.severity != "info"}
    assert set(found) == set(expected["findings"]), said
    for id, wanted in expected["findings"].items():
        assert found[id].severity == wanted["severity"], said
        onset = found[id].onset
        assert onset is not None
        assert onset.epoch is not None
        assert wanted["onset_epoch"][0] <= onset.epoch <= wanted["onset_epoch"][1], said
    here = str(SAMPLES / name)
    changes = [c for r in result.recommendations for c in r.changes]
    arguments = {c.arg: c.new.replace(here, "RUN") if isinstance(c.new, str) else c.new for c in changes}
    assert arguments == expected["arguments"], said


def test_it_has_a_readme_that_says_what_was_done(sample: tuple[str, Analysis, dict[str, Any]]) -> None:
    assert len((SAMPLES / sample[0] / "README.md").read_text()) > 200


def test_its_page_is_small_and_its_text_narrow(sample: tuple[str, Analysis, dict[str, Any]]) -> None:
    assert len(html.render(sample[1]).encode()) < 400_000
    body = text.render(sample[1], width=80).split("\nNext\n")[0]
    assert max(map(len, body.splitlines())) <= 80


def test_all_are_there_and_small() -> None:
    assert set(NAMES) == {
        "healthy", "gradient_explosion", "nan_loss", "plateau", "host_memory_creep", "killed", "out_of_memory", "unwatched",
    }  # fmt: skip
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) < 12_000_000
    assert not list(SAMPLES.rglob("*.pt"))

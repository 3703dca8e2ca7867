"""Every sample run gives what its expected.json says. All were recorded from real trainings (sample_runs/record.py)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from samples import NAMES, SAMPLES, analysed

from trainwatch.analysis import analyse
from trainwatch.reports import html, text
from trainwatch.result import Analysis
from trainwatch.runs import read_run

HOW = "\nIf the change is meant: python -m pytest tests/test_sample_runs.py --rebaseline, and review the diff."

WINDOW_EPOCHS = 2
"""Half width of the window around an onset that --rebaseline writes."""


@pytest.fixture(scope="module", params=NAMES)
def sample(request: pytest.FixtureRequest) -> tuple[str, Analysis]:
    name = request.param
    return name, analysed(name)


def found_in(name: str, result: Analysis) -> dict[str, Any]:
    """What expected.json holds, as it is now; an onset is its epoch."""
    here = str(SAMPLES / name)
    changes = [c for r in result.recommendations for c in r.changes]
    return {
        "status": result.verdict.status,
        "cause": result.verdict.cause,
        "ended_by": result.run.ended_by,
        "findings": {
            f.id: {"severity": f.severity, "onset_epoch": f.onset.epoch if f.onset else None}
            for f in result.findings
            if f.severity != "info"
        },
        "arguments": {c.arg: c.new.replace(here, "RUN") if isinstance(c.new, str) else c.new for c in changes},
    }


def rebaseline(path: Path, now: dict[str, Any]) -> None:
    """Write expected.json; a window that still holds the onset stays."""
    old = json.loads(path.read_text()) if path.exists() else {"findings": {}}
    for id, finding in now["findings"].items():
        window, at = old["findings"].get(id, {}).get("onset_epoch"), finding["onset_epoch"]
        if at is None:  # a setting has no beginning
            continue
        keep = window is not None and window[0] <= at <= window[1]
        finding["onset_epoch"] = window if keep else [max(at - WINDOW_EPOCHS, 0), at + WINDOW_EPOCHS]
    path.write_text(json.dumps(now, indent=2) + "\n")


def test_verdict_findings_and_arguments(sample: tuple[str, Analysis], request: pytest.FixtureRequest) -> None:
    name, result = sample
    path, now = SAMPLES / name / "expected.json", found_in(name, result)
    if request.config.getoption("--rebaseline"):
        rebaseline(path, now)
        return
    expected = json.loads(path.read_text())
    for id, finding in expected["findings"].items():
        assert id in now["findings"], f"{name}: {id} is not found any more{HOW}"
        if finding["onset_epoch"] is None:
            continue
        low, high = finding["onset_epoch"]
        at = now["findings"][id]["onset_epoch"]
        assert at is not None, f"{name}: {id} has no onset any more{HOW}"
        assert low <= at <= high, f"{name}: {id} begins in epoch {at}, not in {low} to {high}{HOW}"
        now["findings"][id]["onset_epoch"] = finding["onset_epoch"]
    assert now == expected, f"{name} gives another result{HOW}"


def test_it_has_a_readme_that_says_what_was_done(sample: tuple[str, Analysis]) -> None:
    assert len((SAMPLES / sample[0] / "README.md").read_text()) > 200


def test_its_page_is_small_and_its_text_narrow(sample: tuple[str, Analysis]) -> None:
    assert len(html.render(sample[1]).encode()) < 400_000
    written = text.render(sample[1], width=80)
    command = f"  {sample[1].page.next_command}"
    assert max(len(line) for line in written.splitlines() if line != command) <= 80


@pytest.mark.parametrize("far", [False, True])
def test_its_verdict_fits_a_terminal_of_80_by_24(sample: tuple[str, Analysis], far: bool, tmp_path: Path) -> None:
    result = sample[1]
    if far:
        path = tmp_path / ("数据/训练/" * 10) / sample[0]
        path.parent.mkdir(parents=True)
        path.symlink_to(SAMPLES / sample[0])
        result = analyse(read_run(path))
    written = text.render(result, width=80)
    first = re.split(r"\n(?=Findings|What to change|Read this with care)", written)[0]
    assert sample[0] in first
    assert sum(max(1, -(-len(line) // 80)) for line in first.rstrip().splitlines()) <= text.SCREEN
    command = result.page.next_command
    assert command in (first if len(command) < 400 else written)


def test_all_are_there_and_small() -> None:
    assert set(NAMES) == {
        "healthy", "gradient_explosion", "nan_loss", "plateau", "host_memory_creep", "killed", "out_of_memory", "unwatched",
        "stabilised", "gradient_explosion_cured", "gradient_explosion_cured_again",
    }  # fmt: skip
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) < 12_000_000
    assert not list(SAMPLES.rglob("*.pt"))

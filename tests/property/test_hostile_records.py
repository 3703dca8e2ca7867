"""Whatever stands in run.json, events and epochs: a result or one clear error, never a traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from trainwatch.analysis import analyse
from trainwatch.errors import TrainwatchError
from trainwatch.reports import html, text
from trainwatch.reports import json as as_json
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(["nan", "inf", "</script>", "\u202e", "\x00", "cpu", "auto", "-1"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=6), v, max_size=3), max_leaves=5
)


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a JSON value."""
    found = [prefix] if prefix else []
    if isinstance(value, dict):
        for k, v in value.items():
            found += paths(v, (*prefix, k))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    """Replace one place."""
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


@pytest.mark.parametrize("sample", ["killed", "out_of_memory", "nan_loss"])
@settings(
    max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_odd_values_anywhere(tmp_path: Path, sample: str, data: st.DataObject) -> None:
    target = tmp_path / "exp"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(
        SAMPLES / sample / "trainwatch", target / "trainwatch", ignore=shutil.ignore_patterns("report.html")
    )
    meta_path = target / "trainwatch" / "run.json"
    meta = json.loads(meta_path.read_text())
    for path in data.draw(st.lists(st.sampled_from(paths(meta)), min_size=1, max_size=4, unique=True)):
        try:
            put(meta, path, data.draw(VALUES))
        except (KeyError, TypeError, IndexError):
            continue  # an earlier change took the place away
    meta_path.write_text(json.dumps(meta))
    for name in ("events", "epochs"):
        log = target / "trainwatch" / name / "rank0.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for _ in range(data.draw(st.integers(0, 3))):
            line = data.draw(st.sampled_from(lines))
            put(line, data.draw(st.sampled_from(paths(line))), data.draw(VALUES))
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        result = analyse(read_run(target))
    except TrainwatchError:
        return  # refused in one line: tests/test_cli.py holds that
    assert result.checks.could_not_run == ()
    as_json.render(result, full=True)
    text.render(result, width=80)
    html.render(result)

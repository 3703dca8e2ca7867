from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from longrecord import Arrays, write_record
from traces import NOISE, event_free

from trainwatch.analysis import Config, analyse
from trainwatch.result import Analysis
from trainwatch.runs import Run, read_run, record
from trainwatch.runs.columns import of_table
from trainwatch.runs.thinning import Resolution, thin

STEPS = 120_000
THIN = Resolution(full_values=100_000, sample_values=600_000, extremes=20, places=12)


def at(rows: Arrays, first: int, last: int) -> slice:
    """Return the rows of a segment that belong to steps first to last - 1."""
    start = int(rows["step"][0])
    return slice(max(first - start, 0), max(last - start, 0))


def burst(rows: Arrays) -> None:
    for step in range(70_001, 70_041, 4):
        rows["loss"][at(rows, step, step + 1)] *= 60
        rows["grad_norm"][at(rows, step, step + 1)] *= 300


def ends_in_nan(rows: Arrays) -> None:
    rows["grad_norm"][at(rows, 90_005, 90_007)] *= 1e5
    rows["loss"][at(rows, 90_007, STEPS)] = np.nan
    rows["grad_norm"][at(rows, 90_007, STEPS)] = np.nan


def stays_up(rows: Arrays) -> None:
    rows["loss"][at(rows, 55_555, STEPS)] *= 40


def one_spike(rows: Arrays) -> None:
    rows["rss_bytes"][at(rows, 81_234, 81_235)] = 2**33 - 2**20


def some_nan(rows: Arrays) -> None:
    rows["loss"][at(rows, 30_030, 30_034)] = np.nan


def scale_collapses(rows: Arrays) -> None:
    rows["amp_scale"][at(rows, 60_000, 60_020)] = 16.0
    rows["amp_scale"][at(rows, 60_020, STEPS)] = 0.25


def both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Analysis, Analysis, Run]:
    whole = analyse(read_run(folder), Config(strict=True))
    monkeypatch.setattr(record, "RESOLUTION", THIN)
    run = read_run(folder)
    assert run.step_columns.num_rows < STEPS
    return whole, analyse(run, Config(strict=True)), run


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (burst, {"gradient-explosion": 70_001, "loss-explosion": 70_001}),
        (ends_in_nan, {"nonfinite-loss": 90_007}),
        (stays_up, {"loss-explosion": 55_555}),
        (one_spike, {"near-memory-limit": 81_234}),
        (some_nan, {"nonfinite-loss": 30_030}),
        (scale_collapses, {"amp-scale-collapse": 60_020}),
    ],
)
def test_a_thinned_record_gives_the_same_findings_at_the_same_steps(
    fault: Callable[[Arrays], None], expected: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, thinned, _ = both(write_record(tmp_path / "run", STEPS, fault), monkeypatch)
    found = [{f.id: f.onset.step for f in a.findings if f.onset is not None} for a in (whole, thinned)]
    assert found[0].items() >= expected.items()
    assert found[1] == found[0]
    assert [(f.id, f.severity) for f in thinned.findings] == [(f.id, f.severity) for f in whole.findings]
    assert thinned.verdict.status == whole.verdict.status
    assert any("too long to be read whole" in n for n in thinned.page.notes)


def test_nothing_is_found_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, thinned, run = both(write_record(tmp_path / "run", STEPS), monkeypatch)
    assert whole.findings == thinned.findings == ()
    assert thinned.run.steps == whole.run.steps == STEPS
    assert run.step_series("loss").rows == STEPS


def test_extremes_and_ends_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_record(tmp_path / "run", STEPS)
    full = read_run(folder)
    monkeypatch.setattr(record, "RESOLUTION", replace(THIN, places=0))
    thin = read_run(folder)
    for name in ("loss", "grad_norm", "rss_bytes", "step_s"):
        a, b = full.step_series(name), thin.step_series(name)
        assert a.values.max() == b.values.max()
        assert a.values.min() == b.values.min()
        assert np.median(b.values) == pytest.approx(np.median(a.values), rel=0.02)
    step = thin.step_series("step").step
    assert step[0] == 0
    assert step[-1] == STEPS - 1
    assert set(range(0, STEPS, 2000)) <= set(step.tolist()), "the first step of every epoch"


def test_memory_for_the_rows_does_not_grow_with_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RESOLUTION", THIN)
    rows = []
    for steps in (STEPS, 3 * STEPS):
        run = read_run(write_record(tmp_path / str(steps), steps, columns=("step", "epoch", "loss", "grad_norm")))
        rows.append(run.step_columns.num_rows)
        assert run.step_rows == steps
    assert max(rows) < 1.6 * min(rows), "three times as long"


def test_ranks_keep_the_same_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_record(tmp_path / "run", STEPS, columns=("step", "epoch", "loss"))
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted((folder / "trainwatch" / "steps").glob("rank0-*")):
        table = pq.read_table(path)
        for rank in (0, 1):
            ranked = table.append_column("rank", pa.array(np.full(table.num_rows, rank)))
            pq.write_table(ranked, path.with_name(path.name.replace("rank0", f"rank{rank}")))
    monkeypatch.setattr(record, "RESOLUTION", THIN)
    run = read_run(folder)
    assert run.ranks == (0, 1)
    assert np.array_equal(run.step_series("loss", 0).step, run.step_series("loss", 1).step)
    assert run.step_series("loss", 1).rows == STEPS


def test_a_spike_of_one_step_in_a_million_is_found_at_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spikes(rows: Arrays) -> None:
        rows["loss"][at(rows, 654_321, 654_322)] *= 500
        rows["rss_bytes"][at(rows, 321_123, 321_124)] = 2**33 - 2**20
        rows["grad_norm"][at(rows, 777_777, 777_778)] = np.inf
        rows["loss"][at(rows, 777_778, 777_779)] = np.nan

    columns = ("step", "epoch", "loss", "grad_norm", "rss_bytes")
    folder = write_record(tmp_path / "run", 1_000_000, spikes, columns)
    for resolution in (Resolution(), THIN):
        monkeypatch.setattr(record, "RESOLUTION", resolution)
        run = read_run(folder)
        found = {f.id: f.onset.step for f in analyse(run, Config(strict=True)).findings if f.onset}
        assert found == {"near-memory-limit": 321_123, "nonfinite-loss": 777_778}
        loss = run.step_series("loss")
        top = int(np.nanargmax(loss.values))
        assert loss.step[top] == 654_321
        assert np.array_equal(loss.step[top - 5000 : top + 1001], np.arange(649_321, 655_322)), "read whole around it"


@pytest.mark.parametrize("kind", list(NOISE))
def test_noise_in_all_columns_stays_noise(kind: str) -> None:
    """Skipped steps of the scaler, epochs' first batches and heavy tails must not look more frequent in a sample."""
    run = event_free(kind, 11, steps=100_000, steps_per_epoch=1000)
    table = run.step_table.combine_chunks()
    parts = [of_table(table.slice(a, 4096).combine_chunks()).pieces[0] for a in range(0, STEPS, 4096) if a < len(table)]
    resolution = Resolution(full_values=0, sample_values=400_000, places=4)
    columns, every, _ = thin(lambda: ((0, i, p) for i, p in enumerate(parts)), lambda i: parts[i], str, resolution)
    assert every >= 8
    thinned = Run(run.path, run.source, steps=columns, epochs=run.epoch_table, events=run.events, meta=run.meta)
    whole, kept = ({(f.id, f.severity) for f in analyse(r, Config(strict=True)).findings} for r in (run, thinned))
    assert kept <= whole, "nothing that the whole record does not show"
    assert {f for f in whole - kept if f[1] != "info"} == set()

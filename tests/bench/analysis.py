"""What the analysis of a long record costs: ``python tests/bench/analysis.py --write``.

A synthetic record of 1 000 000 steps and 40 columns, in segments of 4096 rows as the recorder seals them. Reading it with
``pyarrow.parquet.read_table`` is the yardstick. Each measurement is a process of its own, what is compared is measured in
turn. ``--long`` analyses records of up to 100 000 000 steps (four columns, segments of 65 536 rows, 1.3 GB of disk) with
ten spikes planted at seven tenths.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _tables import renew

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("ANALYSIS.md")
ROWS_PER_SEGMENT = 4096
ROWS_PER_LONG_SEGMENT = 65_536
LONG = (1_000_000, 10_000_000, 30_000_000, 100_000_000)

MEASURE = """
import pathlib, sys, time
def peak():  # not ru_maxrss, which remembers the parent's size at the fork
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
what, path = sys.argv[1:]
import pyarrow.parquet as pq, pathlib
if what == "analysis":
    from trainwatch.runs import read_run
    from trainwatch.analysis import analyse
start, cpu = time.perf_counter(), time.process_time()
if what == "parquet":
    import pyarrow as pa
    table = pa.concat_tables([pq.read_table(p) for p in sorted(pathlib.Path(path, "trainwatch/steps").glob("*.parquet"))])
elif what == "read":
    from trainwatch.runs import read_run
    run = read_run(path)
else:
    run = read_run(path)
    analysis = analyse(run)
print(time.perf_counter() - start, time.process_time() - cpu, peak())
if what == "analysis":
    print(run.step_columns.num_rows, *(f"{f.id}@{f.onset.step if f.onset else None}" for f in analysis.findings))
"""


def make(folder: Path, steps: int, steps_per_epoch: int = 2000) -> None:
    """Write the record."""
    sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(ROOT / "tests" / "helpers")]
    from traces import event_free

    from trainwatch_hooks.schema import column

    run = event_free("log-normal, sigma 0.25", 0, steps=steps, steps_per_epoch=steps_per_epoch)
    table = run.step_table
    for i in range(max(40 - table.num_columns, 0)):
        table = table.append_column(
            f"grad_norm/model.{10 + i}", pa.array(np.random.default_rng(i).lognormal(0, 0.3, steps))
        )
    types = {"float32": pa.float32(), "float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_()}
    declared = [(n, column(n)) for n in table.column_names]
    table = pa.table({n: table[n].cast(types[c.dtype]) if c else table[n] for n, c in declared})
    (folder / "trainwatch" / "steps").mkdir(parents=True)
    (folder / "trainwatch" / "events").mkdir()
    (folder / "trainwatch" / "epochs").mkdir()
    for number, start in enumerate(range(0, steps, ROWS_PER_SEGMENT)):
        path = folder / "trainwatch" / "steps" / f"rank0-{number:06d}.parquet"
        pq.write_table(table.slice(start, ROWS_PER_SEGMENT), path, compression="zstd")
    (folder / "trainwatch" / "run.json").write_text(json.dumps({"schema": 1, **run.meta}))
    lines = "\n".join(json.dumps(e) for e in run.events)
    (folder / "trainwatch" / "events" / "rank0.jsonl").write_text(lines + "\n")
    rows = "\n".join(json.dumps(r) for r in run.epoch_table.to_pylist())
    (folder / "trainwatch" / "epochs" / "rank0.jsonl").write_text(rows + "\n")


def make_long(folder: Path, steps: int) -> int:
    """Write a record of four columns; return the step at which ten spikes within 40 steps begin."""
    rng = np.random.default_rng(0)
    rows = ROWS_PER_LONG_SEGMENT
    loss = (3 * np.exp(0.25 * rng.normal(size=8 * rows))).astype(np.float32)
    norm = (100 * np.exp(0.4 * rng.normal(size=8 * rows))).astype(np.float32)
    fault = int(0.71234567 * steps)
    for name in ("steps", "events", "epochs"):
        (folder / "trainwatch" / name).mkdir(parents=True)
    for number, first in enumerate(range(0, steps, rows)):
        step = np.arange(first, min(first + rows, steps))
        at = int(rng.integers(0, 7 * rows))
        spikes = np.isin(step, fault + np.arange(0, 40, 4))
        columns = {
            "step": step, "epoch": step // 20_000,
            "loss": loss[at : at + len(step)] * np.where(spikes, np.float32(60), np.float32(1)),
            "grad_norm": norm[at : at + len(step)] * np.where(spikes, np.float32(300), np.float32(1)),
        }  # fmt: skip
        path = folder / "trainwatch" / "steps" / f"rank0-{number:06d}.parquet"
        pq.write_table(pa.table(columns), path, compression="snappy", use_dictionary=False)
    end = {"kind": "end", "time_s": 1e9, "data": {"reason": "completed"}}
    events = [{"kind": "start", "time_s": 0.0, "epoch": 0, "step": 0}, end]
    (folder / "trainwatch" / "events" / "rank0.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    (folder / "trainwatch" / "run.json").write_text(json.dumps({"schema": 1, "planned_epochs": -(-steps // 20_000)}))
    return fault


def once(what: str, folder: Path) -> tuple[float, float, float, str]:
    """Return wall and CPU seconds of one process, its peak of resident memory in MB, and what it found."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, what, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    numbers, _, found = done.stdout.partition("\n")
    seconds, cpu, peak = map(float, numbers.split())
    return seconds, cpu, peak / 1e6, found.strip()


def compare(steps: int, repeats: int) -> str:
    """Return the table of reading and analysing against reading the files with pyarrow."""
    labels = {
        "parquet": "`pyarrow.parquet.read_table` of all segments", "read": "`read_run`", "analysis": "`read_run` and `analyse`",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        make(folder, steps)
        runs = [{what: once(what, folder) for what in labels} for _ in range(repeats)]
    lines = ["| what | time | times read_table | CPU | times read_table | peak memory |", "|---|---|---|---|---|---|"]
    base = [min(r["parquet"][i] for r in runs) for i in (0, 1)]
    for what, label in labels.items():
        wall, cpu = (min(r[what][i] for r in runs) for i in (0, 1))
        peak = max(r[what][2] for r in runs)
        lines.append(
            f"| {label} | {wall:.2f} s | {wall / base[0]:.1f} | {cpu:.2f} s | {cpu / base[1]:.1f} | {peak:.0f} MB |"
        )
    return "\n".join(lines)


def lengths() -> str:
    """Return the table of the analysis by the length of the record."""
    lines = [
        "| steps | rows kept | time | CPU | peak memory | fault planted at | found |",
        "|---|---|---|---|---|---|---|",
    ]
    for steps in LONG:
        with tempfile.TemporaryDirectory() as name:
            fault = make_long(Path(name) / "run", steps)
            wall, cpu, peak, found = once("analysis", Path(name) / "run")
        rows, _, ids = found.partition(" ")
        lines.append(f"| {steps:,} | {int(rows):,} | {wall:.1f} s | {cpu:.1f} s | {peak:.0f} MB | {fault} | {ids} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--long", action="store_true", help="measure long records instead")
    parser.add_argument("--write", action="store_true", help=f"write the table into {README.name}")
    options = parser.parse_args()
    mark = "long" if options.long else "table"
    table = lengths() if options.long else compare(options.steps, options.repeats)
    print(table)
    if options.write:
        renew(README, mark, table)


if __name__ == "__main__":
    main()

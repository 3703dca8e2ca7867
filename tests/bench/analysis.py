"""What the analysis of a long record costs: ``python tests/bench/analysis.py --write``.

A synthetic record of 1 000 000 steps and 40 columns, in segments of 4096 rows as the recorder seals them. Reading it with
``pyarrow.parquet.read_table`` is the yardstick. Each measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("ANALYSIS.md")
ROWS_PER_SEGMENT = 4096

MEASURE = """
import resource, sys, time
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
what, path = sys.argv[1:]
import pyarrow.parquet as pq, pathlib
if what == "analysis":
    from trainwatch.runs import read_run
    from trainwatch.analysis import analyse
before = peak()
start = time.perf_counter()
if what == "parquet":
    import pyarrow as pa
    table = pa.concat_tables([pq.read_table(p) for p in sorted(pathlib.Path(path, "trainwatch/steps").glob("*.parquet"))])
elif what == "read":
    from trainwatch.runs import read_run
    run = read_run(path)
else:
    analysis = analyse(read_run(path))
print(time.perf_counter() - start, peak(), before)
"""


def make(folder: Path, steps: int) -> None:
    """Write the record."""
    sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(ROOT / "tests" / "helpers")]
    from traces import event_free

    from trainwatch_hooks.schema import column

    run = event_free("log-normal, sigma 0.25", 0, steps=steps, steps_per_epoch=2000)
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


def measure(what: str, folder: Path, repeats: int) -> tuple[float, float]:
    """Return the smallest time in seconds and the largest peak of resident memory in MB."""
    times, peaks = [], []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, what, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        seconds, peak, _ = map(float, done.stdout.split())
        times.append(seconds)
        peaks.append(peak / 1e6)
    return min(times), max(peaks)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"write the table into {README.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        start = time.perf_counter()
        make(folder, options.steps)
        print(f"made in {time.perf_counter() - start:.0f} s", flush=True)
        base, base_mb = measure("parquet", folder, options.repeats)
        lines = ["| what | time | times read_table | peak memory |", "|---|---|---|---|"]
        lines.append(f"| `pyarrow.parquet.read_table` of all segments | {base:.2f} s | 1 | {base_mb:.0f} MB |")
        for what, label in (("read", "`read_run`"), ("analysis", "`read_run` and `analyse`")):
            seconds, mb = measure(what, folder, options.repeats)
            lines.append(f"| {label} | {seconds:.2f} s | {seconds / base:.1f} | {mb:.0f} MB |")
            print(lines[-1], flush=True)
    table = "\n".join(lines)
    print(table)
    if options.write:
        head = README.read_text().split("<!-- table -->")[0]
        README.write_text(f"{head}<!-- table -->\n{table}\n")


if __name__ == "__main__":
    main()

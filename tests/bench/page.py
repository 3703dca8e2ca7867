"""What the page of a long record weighs and takes: ``python tests/bench/page.py --write`` (a quarter of an hour).

Synthetic records of 40 columns and 600 epochs, written as in :mod:`analysis` (segments of 4096 rows; the longest
repeats a record of 1 000 000 steps with steps, epochs and times moved on). Each page is made by a process of its own, which
times reading and judging apart from drawing and writing. Chromium opens the file in a context of its own each time; the
charts of uPlot, which a page draws when asked, are timed from the click until they are on the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from _tables import renew
from analysis import make

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("PAGE.md")
LENGTHS = (100_200, 1_000_000, 10_000_000)
EPOCHS = 600
WIDTHS = (1280, 390)

MAKE = """
import sys, time
from trainwatch.runs import read_run
from trainwatch.analysis import analyse
def now(): return time.perf_counter(), time.process_time()
times = [now()]
run = read_run(sys.argv[1]); analysis = analyse(run); times.append(now())
from trainwatch.reports import html
page = html.render(analysis); times.append(now())
open(sys.argv[2], "w", encoding="utf-8").write(page)
print(*(b[i] - a[i] for a, b in zip(times, times[1:]) for i in (0, 1)))
"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
EXPLORE = """() => new Promise((done) => {
  const button = document.getElementById("explore"), start = performance.now();
  const painted = () => button.disabled ? requestAnimationFrame(painted)
    : requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  button.click();
  requestAnimationFrame(painted);
})"""


def make_record(folder: Path, steps: int) -> None:
    """Write a record of ``EPOCHS`` epochs; one of more than a million steps repeats its first million."""
    part = min(steps, 1_000_000)
    times = steps // part
    make(folder, part, steps_per_epoch=-(-part // (EPOCHS // times)))
    if times == 1:
        return
    record = folder / "trainwatch"
    epochs = [json.loads(line) for line in (record / "epochs" / "rank0.jsonl").read_text().splitlines()]
    segments = sorted((record / "steps").glob("*.parquet"))
    last = pq.read_table(segments[-1], columns=["time_s"])["time_s"][-1].as_py()
    for turn in range(1, times):
        moves = {"step": turn * part, "epoch": turn * len(epochs), "time_s": turn * (last + 0.1)}
        for number, segment in enumerate(segments):
            table = pq.read_table(segment)
            for name in set(moves) & set(table.column_names):
                moved = pc.add(table[name], pa.scalar(moves[name], table[name].type))
                table = table.set_column(table.column_names.index(name), name, moved)
            pq.write_table(
                table, record / "steps" / f"rank0-{turn * len(segments) + number:06d}.parquet", compression="zstd"
            )
        with (record / "epochs" / "rank0.jsonl").open("a") as file:
            for row in epochs:
                file.write(json.dumps({**row, **{k: row[k] + moves[k] for k in ("epoch", "time_s")}}) + "\n")


def make_page(folder: Path, page: Path) -> list[float]:
    """Return wall and CPU seconds of the analysis, then of the page beyond it, in one process."""
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(folder), str(page)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return [float(v) for v in done.stdout.split()]


def report(folder: Path) -> list[float]:
    """Return wall and CPU seconds of ``trainwatch report`` in all: a cold process, imports counted."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "trainwatch", "report", str(folder)], stdout=subprocess.DEVNULL, check=True, cwd=ROOT
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return [wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime]


def show(browser: Any, page: Path, width: int) -> list[float]:
    """Return seconds until the page is painted, until it is loaded, and from the click until all charts are painted."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.wait_for_selector("#explore:not([hidden])")
    seconds = [tab.evaluate(e) / 1000 for e in (FIRST_PAINT, LOADED, EXPLORE)]
    assert tab.locator(".uplot canvas").count() > 0
    context.close()
    return seconds


def measure(repeats: int, lengths: tuple[int, ...]) -> str:
    """Return both tables."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    made = [
        "| steps | page | analysis, wall (CPU) | page beyond it | `trainwatch report` in all |",
        "|---|---|---|---|---|",
    ]
    shown = ["| steps | window | painted | loaded | charts of uPlot after the click |", "|---|---|---|---|---|"]
    for steps in lengths:
        with tempfile.TemporaryDirectory() as name:
            folder, page = Path(name) / "run", Path(name) / "page.html"
            make_record(folder, steps)
            turns = [(make_page(folder, page), report(folder)) for _ in range(repeats)]
            (judge, judge_cpu, draw, draw_cpu, whole, whole_cpu) = (
                statistics.median(v) for v in zip(*(a + b for a, b in turns), strict=True)
            )
            made.append(
                f"| {steps:,} | {page.stat().st_size / 1000:.0f} kB | {judge:.2f} s ({judge_cpu:.2f}) | "
                f"{draw:.2f} s ({draw_cpu:.2f}) | {whole:.2f} s ({whole_cpu:.2f}) |"
            )
            print(made[-1], flush=True)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for width in WIDTHS:
                    show(browser, page, width)  # the browser itself starts
                    seen = [show(browser, page, width) for _ in range(repeats)]
                    cells = " | ".join(
                        f"{statistics.median(v):.2f} s ({min(v):.2f} to {max(v):.2f})" for v in zip(*seen, strict=True)
                    )
                    shown.append(f"| {steps:,} | {width} px | {cells} |")
                    print(shown[-1], flush=True)
                browser.close()
    return "\n".join([*made, "", *shown])


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, nargs="*", default=LENGTHS)
    parser.add_argument("--write", action="store_true", help=f"write the tables into {README.name}")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "hooks")])
    os.environ["OMP_NUM_THREADS"] = "1"
    table = measure(options.repeats, tuple(options.steps))
    if options.write:
        renew(README, "table", table)


if __name__ == "__main__":
    main()

"""Feeds damaged logs to every importer for some minutes; reports tracebacks, hangs and errors of more than one line.

``python tests/bench/fuzz_importers.py [--minutes 10] [--only ID ...] [--seed 0] [--write | --add]``. Exit code 1 if there was any.
Every damaged folder goes through the importer and through ``read_run``; of what could be read one in ten is analysed, too.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "helpers"), str(ROOT), str(ROOT / "hooks")]

from damage import SEEDS, damage, write_files

from trainwatch.analysis import analyse
from trainwatch.errors import TrainwatchError
from trainwatch.registry import modules
from trainwatch.reports import html, text
from trainwatch.reports import json as as_json
from trainwatch.runs import Run, read_run

TABLE = Path(__file__).with_name("FUZZ.md")
HANG_S = 10.0
"""Processor seconds that one file may take: the clock would blame the neighbours of a busy machine."""
STUCK_S = 300.0
"""Seconds by the clock after which the campaign is ended with a traceback: nothing of Python ran any more."""
ANALYSED = 0.1
KEPT = 40
"""Failures that are written out at most."""


class Hang(BaseException):
    """An importer took longer than ``HANG_S``; no ``except Exception`` may swallow it."""


def alarm(_number: int, _frame: FrameType | None) -> None:
    raise Hang


@contextmanager
def watched() -> Iterator[None]:
    """Raise :class:`Hang` after ``HANG_S`` of processor time."""
    faulthandler.dump_traceback_later(STUCK_S, exit=True)
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def look(run: Run, *, whole: bool) -> None:
    """Ask a run what every analysis asks; with ``whole`` analyse it and write it as every report does.

    Raises:
        AssertionError: If a check or an advice could not run.
    """
    _ = (run.epochs_done, run.planned_epochs, run.step_rows, run.args)
    for column in run.column_names():
        table, name = column.split(".", 1)
        _ = run.step_series(name) if table == "steps" else run.epoch_series(name)
    if whole:
        result = analyse(run)
        assert result.checks.could_not_run == (), result.checks.could_not_run
        for page in (as_json.render(result, full=True), text.render(result, width=80), html.render(result)):
            page.encode("utf-8")


def one_line(error: TrainwatchError) -> None:
    """Refuse an error of several lines.

    Raises:
        AssertionError: If it is one.
    """
    assert "\n" not in str(error), f"more than one line: {error}"


def fuzz(
    id: str, seconds: float, chance: random.Random, keep: Path | None
) -> tuple[Counter[str], dict[str, str], float]:
    """Fuzz one importer; return counts, what went wrong (once per place), and the most processor seconds of one file."""
    importer = modules("trainwatch.importers")[id]
    seeds = [make() for make in SEEDS[id]]
    counts: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    slowest = 0.0
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        while time.monotonic() < until:
            files = damage(chance.choice(seeds), chance)
            write_files(folder, files)
            counts["files"] += 1
            before = time.process_time()
            failure = kind = ""
            whole = chance.random() < ANALYSED
            try:
                with watched():
                    importer.sniff(folder)
                    for read in (importer.load, read_run):
                        try:
                            run = read(folder)
                        except TrainwatchError as error:
                            one_line(error)
                            counts["refused"] += read is importer.load
                            continue
                        counts["read"] += read is importer.load
                        look(run, whole=whole and read is read_run)
                        counts["analysed"] += whole and read is read_run
            except Hang:
                kind, failure = "hangs", traceback.format_exc(limit=-3)
            except Exception:
                kind, failure = "tracebacks", traceback.format_exc(limit=-4)
            slowest = max(slowest, time.process_time() - before)
            if kind:
                counts[kind] += 1
                place = hashlib.sha1(
                    "".join(x for x in failure.splitlines() if x[:7] == "  File ").encode()
                ).hexdigest()[:10]
                if place not in wrong and len(wrong) < KEPT:
                    wrong[place] = failure
                    if keep is not None:
                        write_files(keep / id / place, files)
    return counts, wrong, slowest


@dataclass(frozen=True)
class Row:
    """A line of the table: sums over campaigns, and the largest of what is no sum."""

    minutes: float
    processor_s: float
    files: int
    read: int
    analysed: int
    tracebacks: int
    hangs: int
    slowest_s: float
    peak_mb: float

    def __add__(self, other: Row) -> Row:
        """Add another campaign."""
        sums = [a + b for a, b in zip(astuple(self), astuple(other), strict=True)]
        return Row(*sums[:7], max(self.slowest_s, other.slowest_s), max(self.peak_mb, other.peak_mb))

    def line(self, id: str) -> str:
        """Write it."""
        return (
            f"| {id} | {self.minutes:.1f} min | {self.processor_s:.0f} s | {self.files} | {self.read} | {self.analysed} | "
            f"{self.tracebacks} | {self.hangs} | {self.slowest_s:.2f} s | {self.peak_mb:.0f} MB |"
        )


def parse(line: str) -> tuple[str, Row]:
    """Read a line of the table."""
    id, *cells = (c.strip() for c in line.strip("| ").split("|"))
    numbers = [float(c.split()[0]) for c in cells]
    return id, Row(*numbers[:2], *(int(n) for n in numbers[2:7]), *numbers[7:])


def put(id: str, row: Row, *, add: bool) -> None:
    """Put the importer's line into the table, in place of the one that is there or added to it."""
    head, table = TABLE.read_text().split("<!-- table -->\n")
    titles, lines = table.splitlines()[:2], table.splitlines()[2:]
    rows = dict(parse(line) for line in lines)
    rows[id] = rows[id] + row if add and id in rows else row
    TABLE.write_text("\n".join([f"{head}<!-- table -->", *titles, *(rows[i].line(i) for i in sorted(rows)), ""]))


def main() -> int:
    """Fuzz and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=1.0, help="for each importer")
    options.add_argument("--only", nargs="+", choices=sorted(SEEDS), default=sorted(SEEDS))
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--write", action="store_true", help=f"put the figures into {TABLE.name}")
    options.add_argument("--add", action="store_true", help="add them to those of earlier campaigns")
    options.add_argument("--keep", type=Path, help="folder for the files that made something fail")
    chosen = options.parse_args()
    signal.signal(signal.SIGPROF, alarm)
    failed = 0
    for id in chosen.only:
        start, before = time.monotonic(), time.process_time()
        counts, wrong, slowest = fuzz(id, 60 * chosen.minutes, random.Random(f"{id}{chosen.seed}"), chosen.keep)
        told = [counts[k] for k in ("files", "read", "analysed", "tracebacks", "hangs")]
        spent = time.process_time() - before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row = Row((time.monotonic() - start) / 60, spent, *told, slowest, peak)
        print(row.line(id), flush=True)
        for place, failure in wrong.items():
            print(f"--- {id} {place}\n{failure}", flush=True)
        if chosen.write or chosen.add:
            put(id, row, add=chosen.add)
        failed += len(wrong)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

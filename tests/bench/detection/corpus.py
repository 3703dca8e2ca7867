"""How well the detectors judge real logs that nobody here wrote: precision, recall and F1 per label, false alarms per run.

    python tests/bench/detection/corpus.py FOLDER [--half tuning|held-out|both] [--mistakes] [--write]

FOLDER holds ``runs/<kind>/<id>/`` (one log each) and ``truth.tsv`` with the tab-separated columns ``id``, ``kind`` and
``truth`` (labels, divided by commas). An id begins with its owner and two underscores. Runs of one owner resemble each
other, so the owners, not the runs, are split: an even SHA-256 of the owner's name is the tuning half, an odd one the
held-out half. Thresholds may be chosen on the tuning half only; ``--mistakes`` therefore names runs of that half alone.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(HERE)]

from page import write_section

from trainwatch.analysis import Config, analyse
from trainwatch.errors import UnreadableRun
from trainwatch.result import Analysis
from trainwatch.runs import read_run

HALVES = ("tuning", "held-out")

ANSWERS = {
    "plateau": ("plateau",),
    "overfitting": ("overfitting",),
    "nonfinite-loss": ("nonfinite-loss", "nonfinite-validation"),
    "no-learning": ("no-learning",),
    "truncated-run": ("truncated-run",),
    "early-stopped": ("early-stopped",),
    "metrics-not-measured": ("metrics-not-measured",),
    "metric-frozen": ("metric-frozen",),
    "explosion": ("loss-explosion", "gradient-explosion"),
    "transient-nonfinite": ("transient-nonfinite",),
    "degraded-after-best": ("degraded-after-best",),
    "unstable-training": ("unstable-training",),
    "transient-spike": ("transient-collapse",),
    "restarted-log": ("restarted-log",),
    "close-mosaic-jump": ("close-mosaic-jump",),
}
"""Label and the findings that answer it. The first nine have a target: F1 of 0.90 over them together."""
TARGETS = tuple(ANSWERS)[:9]

PERSISTENT_ONLY = ("nonfinite-loss",)
"""Labels that mean a lasting fault: an answer of severity ``info`` says that it passed, and is none."""

IMPLIED = {
    "nonfinite-loss": ("metric-frozen", "no-learning"),
    "explosion": ("nonfinite-loss", "nonfinite-validation"),
    "transient-spike": ("unstable-training",),
    "unstable-training": ("transient-collapse",),
    "no-labels": ("missing-labels", "no-learning"),
}
"""Further findings that are no false alarm where a label stands."""

Z = 1.96


@dataclass
class Half:
    """What one half gave.

    Attributes:
        runs: Labelled runs read.
        hits: Label and (true positives, false positives, false negatives).
        healthy: Runs labelled healthy.
        wrong: Severity and number of healthy runs with at least one finding of it that no label answers for.
        mistakes: One line per wrong or missing answer.
        unread: Labelled runs that no importer reads.
    """

    runs: int = 0
    hits: dict[str, list[int]] = field(default_factory=lambda: {label: [0, 0, 0] for label in ANSWERS})
    healthy: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)
    unread: int = 0


def half_of(run_id: str) -> str:
    """Return the half to which a run's owner belongs."""
    digest = hashlib.sha256(run_id.split("__", 1)[0].encode()).hexdigest()
    return HALVES[int(digest, 16) % 2]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share after Wilson (1927); (0, 1) without any trial."""
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, Z * Z / n
    middle = (share + square / 2) / (1 + square)
    spread = Z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def found_labels(result: Analysis) -> set[str]:
    """Translate findings into labels."""
    found = set()
    for label, ids in ANSWERS.items():
        for finding in result.findings:
            if finding.id in ids and not (label in PERSISTENT_ONLY and finding.severity == "info"):
                found.add(label)
    return found


def allowed(labels: Iterable[str]) -> set[str]:
    """Return the findings that the labels of a run answer for."""
    ids = set()
    for label in labels:
        ids |= {*ANSWERS.get(label, ()), *IMPLIED.get(label, ())}
    return ids


def measure(folder: Path, halves: Sequence[str]) -> dict[str, Half]:
    """Analyse every labelled run of the given halves."""
    measured = {h: Half() for h in halves}
    with (folder / "truth.tsv").open(newline="") as stream:
        rows = [r for r in csv.DictReader(stream, delimiter="\t") if half_of(r["id"]) in halves]
    for row in rows:
        half = measured[half_of(row["id"])]
        try:
            result = analyse(read_run(folder / "runs" / row["kind"] / row["id"]), Config(strict=True))
        except UnreadableRun:
            half.unread += 1
            continue
        _count(half, row["id"], set(row["truth"].split(",")), result)
    return measured


def _count(half: Half, run_id: str, labels: set[str], result: Analysis) -> None:
    half.runs += 1
    found = found_labels(result)
    for label, counts in half.hits.items():
        counts[0] += label in labels and label in found
        counts[1] += label not in labels and label in found
        counts[2] += label in labels and label not in found
    missed, extra = sorted((labels & set(ANSWERS)) - found), sorted(found - labels)
    if missed or extra:
        half.mistakes.append(f"{run_id}: missed {missed or '-'}, false {extra or '-'} (truth {sorted(labels)})")
    if "healthy" not in labels:
        return
    half.healthy += 1
    for severity in ("critical", "warning"):
        wrong = [f.id for f in result.findings if f.severity == severity and f.id not in allowed(labels)]
        half.wrong[severity] += bool(wrong)
        if wrong:
            half.mistakes.append(f"{run_id}: wrong {severity} {wrong}")


def table(measured: dict[str, Half]) -> str:
    """Return the result as Markdown."""
    lines = [
        "| half | label | precision (95 %) | recall (95 %) | F1 | found / labelled / false |",
        "|---|---|---|---|---|---|",
    ]
    for name, half in measured.items():
        total = [sum(half.hits[t][i] for t in TARGETS) for i in range(3)]
        for label, counts in [*half.hits.items(), ("**the first nine together**", total)]:
            lines.append(f"| {name} | {label} | {_row(*counts)} |")
    lines += [
        "",
        "| half | runs | not read | healthy | with a wrong critical | with a wrong warning |",
        "|---|---|---|---|---|---|",
    ]
    for name, half in measured.items():
        wrong = " | ".join(_share(half.wrong[s], half.healthy) for s in ("critical", "warning"))
        lines.append(f"| {name} | {half.runs} | {half.unread} | {half.healthy} | {wrong} |")
    return "\n".join(lines)


def _row(true: int, false: int, missed: int) -> str:
    f1 = f"{2 * true / (2 * true + false + missed):.2f}" if true + false + missed else "none"
    precision, recall = _share(true, true + false), _share(true, true + missed)
    return f"{precision} | {recall} | {f1} | {true} / {true + missed} / {false}"


def _share(hits: int, n: int) -> str:
    if n == 0:
        return "none"
    low, high = wilson(hits, n)
    return f"{hits / n:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure and print, or write the table into README.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=(*HALVES, "both"), default="tuning")
    parser.add_argument("--mistakes", action="store_true", help="name the runs judged wrongly, tuning half only")
    parser.add_argument("--write", action="store_true", help="put the table into README.md beside this file")
    options = parser.parse_args()
    measured = measure(options.folder, HALVES if options.half == "both" else (options.half,))
    text = table(measured)
    print(text)
    if options.mistakes and "tuning" in measured:
        print("\n" + "\n".join(measured["tuning"].mistakes))
    if options.write:
        write_section("table", text)


if __name__ == "__main__":
    main()

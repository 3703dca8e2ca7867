"""False alarms of all checks on traces in which nothing happens: ``python tests/bench/detection/event_free.py --write``.

Each trace has 20 000 steps (200 epochs) with noise in all columns; 100 seeds for each kind of noise.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(ROOT / "tests" / "helpers"), str(Path(__file__).parent)]

from page import write_section
from traces import NOISE, event_free

from trainwatch.detectors.base import Detector
from trainwatch.registry import members


def count(kind: str, seeds: int) -> tuple[Counter[str], Counter[str], int]:
    """Return findings by severity, by ``id (severity)``, and the number of traces with a warning or worse."""
    severities: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    traces = 0
    for seed in range(seeds):
        run = event_free(kind, seed)
        found = [
            f
            for d in members("trainwatch.detectors", Detector).values()
            if d.missing(run) is None
            for f in d.detect(run)
        ]
        severities.update(f.severity for f in found)
        ids.update(f"{f.id} ({f.severity})" for f in found)
        traces += any(f.severity != "info" for f in found)
    return severities, ids, traces


def main() -> None:
    """Print the table, or write it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    lines = ["| noise | traces | critical | warning | traces with any | which |", "|---|---|---|---|---|---|"]
    for kind in NOISE:
        severities, ids, traces = count(kind, options.seeds)
        which = ", ".join(f"{i}: {n}" for i, n in sorted(ids.items())) or "none"
        lines.append(
            f"| {kind} | {options.seeds} | {severities['critical']} | {severities['warning']} | {traces} | {which} |"
        )
        print(lines[-1], flush=True)
    table = "\n".join(lines)
    if options.write:
        write_section("event-free", table)


if __name__ == "__main__":
    main()

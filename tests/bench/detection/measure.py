"""How well the detectors name planted faults in recorded trainings, and how often they cry wolf; peers' rules beside them.

    python tests/bench/detection/measure.py --cache FOLDER [--half tuning|held-out|both] [--mistakes] [--write]

FOLDER is what ``generate.py`` recorded. ``--write`` regenerates ``golden.json`` and the tables of README.md. ``--mistakes``
names trainings of the tuning half only. What counts is defined in ``planted.py``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import sys
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow.compute as pc

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(HERE), str(HERE / "baselines")]

from corpus import wilson
from page import write_section
from planted import HALVES, HEALTHY, PLANTED, Truth, half_of, is_yolo

from trainwatch.analysis import Config, analyse
from trainwatch.result import Finding
from trainwatch.runs import Run, read_run

GOLDEN = HERE / "golden.json"
PREFIXES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.7)
"""Shares of the training after the onset at which it is asked whether the fault is told already."""
ONSET_SHARE = 0.02
WORSE = 1.1
"""Validation loss at the end over its best from which a training that was drawn as healthy is none, and is not counted."""
BOOTSTRAPS = 1000
ALARM = ("critical", "warning")

Row = dict[str, Any]
"""What one training gave: id, kind, yolo, half, onset_step, steps, allowed, worse, findings, latency, peers."""


def read_truths(cache: Path) -> list[Truth]:
    """Return the truths of a cache, by id; the halves are those of today, not of when a training was recorded."""
    truths = [Truth.from_json(json.loads(p.read_text())) for p in sorted(cache.glob("*/truth.json"))]
    return [replace(t, half=half_of(t.kind, t.variant)) for t in truths]


def worse(run: Run) -> bool:
    """Whether the validation loss of a training ends clearly above its best: it was drawn as healthy, and is not."""
    names = [n.split(".", 1)[1] for n in run.column_names() if n.startswith("epochs.val/")]
    loss = np.sum([run.epoch_series(n).values for n in names], axis=0)
    smooth = np.array([np.median(loss[max(i - 1, 0) : i + 2]) for i in range(len(loss))])
    return not np.isfinite(loss).all() or float(np.median(loss[-5:])) > WORSE * float(smooth.min())


def examine(cache: Path, truth: Truth) -> Row:
    """Analyse one training, prefixes of it, and let the peers' rules look at it."""
    run = read_run(cache / truth.id)
    found = analyse(run, Config(strict=True)).findings
    yolo = is_yolo(truth.kind, truth.variant)
    return {
        "id": truth.id, "kind": truth.kind, "yolo": yolo, "half": truth.half, "onset_step": truth.onset_step, "steps": truth.steps,
        "allowed": list(truth.allowed), "worse": truth.kind == HEALTHY and worse(run), "findings": [[f.id, f.severity, onset_step(run, f)] for f in found],
        "latency": latency(run, truth, found),
        "peers": {} if yolo else {name: peer.fire(run) for name, peer in peers().items()},
    }  # fmt: skip


def peers() -> dict[str, ModuleType]:
    """Return the modules of ``baselines``."""
    names = sorted(p.stem for p in (HERE / "baselines").glob("[a-z]*.py"))
    return {name: importlib.import_module(name) for name in names}


def onset_step(run: Run, finding: Finding) -> int | None:
    """Return a finding's onset as a step; of one that knows the epoch only, the first step of that epoch."""
    onset = finding.onset
    if onset is None or (onset.step is None and onset.epoch is None):
        return None
    if onset.step is not None:
        return onset.step
    steps = run.step_series("step")
    at = np.flatnonzero(steps.epoch >= onset.epoch)
    return int(steps.step[at[0]]) if len(at) else None


def answer(findings: Sequence[Sequence[Any]], kind: str) -> Sequence[Any] | None:
    """Return the finding that answers a planted fault, its own first; None if it is not found."""
    planted = PLANTED[kind]
    for ids in (planted.own, planted.also):
        for finding in findings:
            if finding[0] in ids:
                return finding
    return None


def latency(run: Run, truth: Truth, found: Sequence[Finding]) -> float | None:
    """Return the share of the training after the onset that had to be seen; None if not found, or killed."""
    if truth.kind in (HEALTHY, "killed", "truncated") or truth.onset_step is None:
        return None
    if answer([[f.id] for f in found], truth.kind) is None:
        return None
    tried = [p for p in PREFIXES if truth.onset_step + int(p * truth.steps) < truth.steps]

    def told(share: float) -> bool:
        seen = analyse(prefix(run, truth.onset_step + int(share * truth.steps))).findings
        return answer([[f.id] for f in seen], truth.kind) is not None

    # Bisection: what is told at one prefix is taken to be told at all longer ones.
    at = bisect_left(tried, True, key=told)
    return tried[at] if at < len(tried) else 1.0 - truth.onset_step / truth.steps


def prefix(run: Run, steps: int) -> Run:
    """Return the record as it was after so many steps."""
    table = run.step_table.filter(pc.less(run.step_table["step"], steps))
    epochs = int(pc.max(table["epoch"]).as_py()) if table.num_rows else 0
    return Run(
        run.path, run.source, steps=table, epochs=run.epoch_table.filter(pc.less(run.epoch_table["epoch"], epochs)),
        events=[e for e in run.events if e.get("kind") == "start"][:1], meta=run.meta,
    )  # fmt: skip


def alarms(row: Row, own: Iterable[str]) -> list[str]:
    """Return the warnings and worse of a row, among ``own``, that its truth does not explain."""
    kind = row["kind"]
    fine = set(row["allowed"])
    if kind != HEALTHY:
        fine |= {*PLANTED[kind].answers, *PLANTED[kind].implied}
    return [i for i, severity, _ in row["findings"] if severity in ALARM and i in own and i not in fine]


def counts(rows: Sequence[Row], kind: str) -> tuple[list[bool], list[bool]]:
    """Return found or not per training of a kind, and falsely named or not per other training."""
    own = PLANTED[kind].own
    found = [answer(r["findings"], kind) is not None for r in rows if r["kind"] == kind]
    false = [bool(alarms(r, own)) for r in rows if r["kind"] != kind]
    return found, false


def f1(true: float, false: float, missed: float) -> float:
    """Return F1; 0 without any."""
    return 2 * true / (2 * true + false + missed) if true + false + missed else 0.0


def f1_interval(found: Sequence[bool], false: Sequence[bool]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of F1 over trainings."""
    rng = np.random.default_rng(0)
    a, b = np.array(found, float), np.array(false, float)
    draws = []
    for _ in range(BOOTSTRAPS):
        hits = a[rng.integers(0, len(a), len(a))].sum()
        wrong = b[rng.integers(0, len(b), len(b))].sum() if len(b) else 0.0
        draws.append(f1(hits, wrong, len(a) - hits))
    return float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def onset_errors(rows: Sequence[Row], kind: str) -> list[float]:
    """Return |named - planted| as a share of the training, of those found with an onset."""
    errors = []
    for r in rows:
        if r["kind"] != kind or r["onset_step"] is None:
            continue
        found = answer(r["findings"], kind)
        if found is not None and found[2] is not None:
            errors.append(abs(found[2] - r["onset_step"]) / r["steps"])
    return errors


def table(rows: Sequence[Row], half: str, yolo: bool = False) -> list[str]:
    """Return the table of planted faults of one half, in tiny nets or in YOLO12n."""
    drawn = [r for r in rows if r["half"] == half and r["yolo"] is yolo]
    rows = [r for r in drawn if not r["worse"]]
    lines = [
        f"**{half} half, {'YOLO12n' if yolo else 'tiny nets'}**", "",
        "| planted | trainings | precision (95 %) | recall (95 %) | F1 (95 %) | onset error: median, within 2 % | latency, median |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for kind in PLANTED:
        found, false = counts(rows, kind)
        if not found:
            continue
        hit, wrong = sum(found), sum(false)
        low, high = f1_interval(found, false)
        errors = onset_errors(rows, kind)
        within = sum(e <= ONSET_SHARE for e in errors)
        onset = f"{100 * np.median(errors):.1f} %, {within} of {len(errors)}" if errors else "none"
        late = [r["latency"] for r in rows if r["kind"] == kind and r["latency"] is not None]
        lines.append(
            f"| {kind} | {len(found)} | {share(hit, hit + wrong)} | {share(hit, len(found))} | "
            f"{f1(hit, wrong, len(found) - hit):.2f} ({low:.2f} to {high:.2f}) | {onset} | "
            f"{f'{100 * np.median(late):.0f} %' if late else 'none'} |"
        )
    healthy = [r for r in rows if r["kind"] == HEALTHY]
    worst = [bool(alarms(r, [i for i, s, _ in r["findings"] if s == "critical"])) for r in healthy]
    any_ = [bool(alarms(r, [i for i, *_ in r["findings"]])) for r in healthy]
    return [
        *lines, "",
        f"Healthy trainings: {len(healthy)}; with a wrong critical {share(sum(worst), len(worst))}, with a wrong critical or "
        f"warning {share(sum(any_), len(any_))}. Drawn as healthy, but their validation loss ended more than 10 % above its best, so "
        f"not counted: {len(drawn) - len(rows)}.",
    ]  # fmt: skip


def share(hits: int, n: int) -> str:
    """Write a share with its interval."""
    if n == 0:
        return "none"
    low, high = wilson(hits, n)
    return f"{hits / n:.2f} ({low:.2f} to {high:.2f})"


def peer_table(rows: Sequence[Row]) -> list[str]:
    """Return the table of peers' rules, both halves together, ours beside them on the same faults."""
    lines = [
        "| rule | meant for | fires there (95 %) | fires on healthy ones (95 %) | ours: found there | ours: false there, of healthy |",
        "|---|---|---|---|---|---|",
    ]
    rows = [r for r in rows if not r["yolo"]]
    healthy = [r for r in rows if r["kind"] == HEALTHY and not r["worse"]]
    for name, peer in peers().items():
        for rule, kinds in peer.RULES.items():
            there = [r for r in rows if r["kind"] in kinds]
            hit = sum(rule in r["peers"][name] for r in there)
            wrong = sum(rule in r["peers"][name] for r in healthy)
            ours = sum(answer(r["findings"], r["kind"]) is not None for r in there)
            own = {i for k in kinds for i in PLANTED[k].own}
            false = sum(bool(alarms(r, own)) for r in healthy)
            lines.append(
                f"| {name.replace('_', ' ')}: {rule} | {', '.join(kinds)} | {share(hit, len(there))} | "
                f"{share(wrong, len(healthy))} | {share(ours, len(there))} | {share(false, len(healthy))} |"
            )
    return lines


def mistakes(rows: Sequence[Row]) -> list[str]:
    """Name what is missed, dated wrongly, or alarmed falsely in the tuning half."""
    lines = []
    for r in rows:
        if r["half"] != HALVES[0] or r["worse"]:
            continue
        told = " ".join(f"{i}({s[0]})@{o}" for i, s, o in r["findings"])
        if r["kind"] != HEALTHY:
            found = answer(r["findings"], r["kind"])
            if found is None:
                lines.append(f"MISSED {r['id']} at {r['onset_step']} of {r['steps']}: {told}")
            elif (
                r["onset_step"] is not None
                and found[2] is not None
                and abs(found[2] - r["onset_step"]) > ONSET_SHARE * r["steps"]
            ):
                lines.append(f"ONSET {r['id']} at {r['onset_step']} of {r['steps']}: {told}")
        wrong = alarms(r, [i for i, *_ in r["findings"]])
        if wrong:
            lines.append(f"FALSE {r['id']}: {wrong} ({told})")
    return lines


def tables(golden: Mapping[str, Any]) -> dict[str, str]:
    """Return the sections of README.md that a golden file gives."""
    rows = golden["rows"]
    found = [line for yolo in (False, True) for half in HALVES for line in [*table(rows, half, yolo), ""]]
    return {"planted": "\n".join(found).strip("\n"), "baselines": "\n".join(peer_table(rows))}


def main() -> None:
    """Measure and print, or write golden file and tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--half", choices=(*HALVES, "both"), default="tuning")
    parser.add_argument("--mistakes", action="store_true", help="name the trainings judged wrongly, tuning half only")
    parser.add_argument("--write", action="store_true", help="regenerate golden.json and README.md (both halves)")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    halves = HALVES if options.half == "both" or options.write else (options.half,)
    truths = [t for t in read_truths(options.cache) if t.half in halves]
    with multiprocessing.Pool(options.jobs) as pool:
        rows = pool.map(partial(examine, options.cache), truths, chunksize=4)
    for yolo in (False, True):
        for half in halves:
            print("\n".join(table(rows, half, yolo)), "\n")
    print("\n".join(peer_table(rows)))
    if options.mistakes:
        print("\n" + "\n".join(mistakes(rows)))
    if options.write:
        lines = ",\n".join(json.dumps(r) for r in rows)
        GOLDEN.write_text(f'{{"rows": [\n{lines}\n]}}\n')
        for name, text in tables(json.loads(GOLDEN.read_text())).items():
            write_section(name, text)


if __name__ == "__main__":
    main()

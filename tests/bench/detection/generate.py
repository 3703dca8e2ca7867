"""Records the trainings: ``python tests/bench/detection/generate.py --cache FOLDER [--yolo] [--only KIND ...] [--limit N]``.

Each is a process of its own (some kill themselves). What FOLDER holds is not trained again, so that it may be interrupted.
About an hour on one core; with ``--yolo`` those of YOLO12n instead, half an hour (needs the extra ``train``).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(HERE)]

from planted import HEALTHY, PLANTED, Truth, is_yolo, plan, yolo_plan

YOLO_SHARED = "yolo12n"
"""Folder in the cache for start weights and data sets of the trainings of YOLO12n."""
TORN_BYTES = 700
"""Bytes that a truncated record loses at its end: a few steps."""


def record(folder: str, kind: str, variant: int, seed: int) -> None:
    """Train one, in the process that calls."""
    import torch

    torch.set_num_threads(1)
    target = Path(folder)
    if is_yolo(kind, variant):
        import yolo

        training = yolo.Training(kind, variant, seed, target.parent / YOLO_SHARED)
    else:
        import loops

        training = loops.Training(kind, variant, seed)
    if kind in ("killed", "truncated"):
        (target / "truth.json").write_text(json.dumps(training.truth().to_json()))
    truth = training.run(target)
    (target / "truth.json").write_text(json.dumps(truth.to_json()))


def generate(cache: Path, what: list[tuple[str, int, int]]) -> list[Truth]:
    """Train what the cache lacks; return all truths of it, in the order asked for."""
    cache.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("fork")
    import loops  # noqa: F401  # once, before the children
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import torch._dynamo  # noqa: F401  # by the first optimizer step, 3 s of each

    if any(is_yolo(k, v) for k, v, _ in what):
        from ultralytics.models import yolo as _  # noqa: F401

    truths = []
    for kind, variant, seed in what:
        folder = cache / f"{kind}-{variant:03d}-{seed}"
        if not (folder / "truth.json").exists() or not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            begun = time.perf_counter()
            child = context.Process(target=record, args=(str(folder), kind, variant, seed))
            child.start()
            child.join()
            if kind == "truncated":
                _tear(folder)
            for weights in folder.glob("weights/*.pt"):
                weights.unlink()
            if not (folder / "truth.json").exists():
                print(f"{folder.name}: failed with exit code {child.exitcode}", flush=True)
                continue
            (folder / "done").touch()
            print(f"{folder.name}: {time.perf_counter() - begun:.1f} s", flush=True)
        truths.append(Truth.from_json(json.loads((folder / "truth.json").read_text())))
    return truths


def _tear(folder: Path) -> None:
    for journal in (folder / "trainwatch" / "steps").glob("*.journal"):
        data = journal.read_bytes()
        if len(data) > 4 * TORN_BYTES:
            journal.write_bytes(data[:-TORN_BYTES])


def main() -> None:
    """Record what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the records, outside the repository")
    parser.add_argument("--yolo", action="store_true", help="the trainings of YOLO12n")
    parser.add_argument("--only", nargs="*", choices=[*PLANTED, HEALTHY])
    parser.add_argument("--limit", type=int, help="at most so many trainings")
    parser.add_argument("--backwards", action="store_true", help="last first, so that two processes can share a cache")
    options = parser.parse_args()
    what = [p for p in (yolo_plan() if options.yolo else plan()) if not options.only or p[0] in options.only][
        : options.limit
    ]
    if options.backwards:
        what.reverse()
    print(f"{len(generate(options.cache, what))} of {len(what)} recorded")


if __name__ == "__main__":
    main()

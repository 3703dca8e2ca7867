"""What the benchmarks of the stabilisers share: the data set, one training, one section of the README."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "sample_runs"))

COMMON: dict[str, Any] = {
    "device": "cpu", "imgsz": 64, "batch": 8, "nbs": 8, "optimizer": "AdamW", "lr0": 0.002, "patience": 0,
    "plots": False, "verbose": False, "warmup_epochs": 3, "warmup_bias_lr": 0.0, "cos_lr": True,
}  # fmt: skip
SCORE = "metrics/mAP50-95(B)"


def options(**defaults: int) -> argparse.Namespace:
    """Parse --keep, --seeds and one whole number per default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, help="keep the trainings here, take up those that exist")
    parser.add_argument("--seeds", type=int, default=3)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args()


@contextlib.contextmanager
def workspace(keep: Path | None) -> Iterator[Path]:
    """Yield a folder for the trainings."""
    from ultralytics.utils import LOGGER

    LOGGER.setLevel(logging.ERROR)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def train(
    folder: Path, name: str, *, stabilise: Any, seed: int, images: int = 64, polygons: bool = True,
    model: str = "yolo12n.yaml", **args: Any,
) -> Any:  # fmt: skip
    """Train once (or take up what ``--keep`` kept) and return the run."""
    from shapes import make_dataset

    from trainwatch.runs import how_it_ended, read_run
    from trainwatch_hooks import watch

    target = folder / name
    if not (target / "trainwatch").is_dir() or how_it_ended(read_run(target)).kind in (
        "truncated",
        "killed",
        "exception",
    ):
        import ultralytics

        data = make_dataset(folder / f"shapes-{images}-{polygons}", train=images, val=32, size=64, polygons=polygons)
        watched = watch(ultralytics.YOLO(model), stabilise=stabilise, report=False)
        with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
            watched.train(
                data=str(data), seed=seed, project=str(folder), name=name, exist_ok=True, **{**COMMON, **args}
            )
        print(f"{name}: done", flush=True)
    return read_run(target)


def best(run: Any) -> float:
    """Return the best mAP50-95 of a run."""
    return float(run.epochs[SCORE].max())


def last(run: Any, epochs: int = 10) -> float:
    """Return the mean mAP50-95 of the last epochs."""
    return float(run.epochs[SCORE].tail(epochs).mean())


def ranged(values: Sequence[float], digits: int = 3) -> str:
    """Return mean and range."""
    return f"{mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def write_section(name: str, lines: Sequence[str]) -> None:
    """Replace the section between ``<!-- name -->`` and the next marker of README.md, and print it."""
    page = HERE / "README.md"
    body = "\n".join(lines)
    text = re.sub(
        rf"(<!-- {name} -->\n).*?(?=<!-- )",
        lambda m: f"{m[1]}{body}\n\n",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    page.write_text(text, encoding="utf-8")
    print(body)


def findings(run: Any) -> Mapping[str, str]:
    """Return what analyse finds in a run: id to severity."""
    from trainwatch.analysis import analyse

    return {f.id: f.severity for f in analyse(run).findings}

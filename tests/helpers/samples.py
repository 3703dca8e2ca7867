"""The sample runs, judged once per process: reading and judging all eleven takes half a minute."""

from __future__ import annotations

import functools
from pathlib import Path

from trainwatch.analysis import Config, analyse
from trainwatch.result import Analysis
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
NAMES = sorted(p.name for p in SAMPLES.iterdir() if (p / "args.yaml").is_file())


@functools.cache
def analysed(name: str) -> Analysis:
    """Return what a sample run gives; a check that cannot run is an error."""
    return analyse(read_run(SAMPLES / name), Config(strict=True))

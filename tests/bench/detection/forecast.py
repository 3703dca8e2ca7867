"""How well the time to out-of-memory is forecast: ``python tests/bench/detection/forecast.py --write``.

SYNTHETIC traces: resident memory that grows linearly until it meets the limit of the machine, with noise per step; the first 30 %
of the time to the limit are shown to host-memory-creep. Measured are the error of the epoch that it forecasts, as a share of
the time to the limit and of the time left, and how often its 95 % interval holds the true epoch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "hooks"), str(ROOT / "tests" / "helpers"), str(HERE)]

from corpus import wilson
from page import write_section
from synthetic import make_run
from traces import END, GIB

from trainwatch.detectors.host_memory_creep import HostMemoryCreep

Floats = npt.NDArray[np.float64]
TRACES = 200
SEEN = 0.3
PER_EPOCH = 20
"""Steps per epoch."""
ERROR, COVERAGE = 0.10, 0.90
"""Targets: median relative error at most, coverage of the interval at least."""


def _correlated(rng: np.random.Generator, n: int) -> Floats:
    """AR(1) over steps with a memory of two epochs."""
    keep = 1 - 1 / (2 * PER_EPOCH)
    shocks = rng.normal(size=n) * np.sqrt(1 - keep**2)
    values = np.empty(n)
    value = rng.normal()
    for i, shock in enumerate(shocks):
        value = keep * value + shock
        values[i] = value
    return values


def _sawtooth(rng: np.random.Generator, n: int) -> Floats:
    """A collector that frees every few epochs, and noise."""
    period = PER_EPOCH * rng.uniform(1.5, 4)
    return 2 * ((np.arange(n) / period + rng.random()) % 1.0) - 1 + 0.3 * rng.normal(size=n)


NOISE: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "independent": lambda rng, n: rng.normal(size=n),
    "heavy-tailed (t3)": lambda rng, n: rng.standard_t(3, n),
    "autocorrelated over two epochs": _correlated,
    "sawtooth of 1.5 to 4 epochs": _sawtooth,
}
"""Noise around the line, in units of its scale: 5 to 40 % of what leaks while it is watched."""


def forecast(seed: int) -> tuple[str, float, float, tuple[float, float] | None]:
    """Return kind of noise, true epoch, forecast epoch (NaN: none) and its interval of one trace."""
    rng = np.random.default_rng(seed)
    kind = list(NOISE)[seed % len(NOISE)]
    epochs = rng.uniform(60, 400)
    start, limit = rng.uniform(2, 6) * GIB, rng.uniform(12, 64) * GIB
    slope = (limit - start) / epochs
    n = int(SEEN * epochs) * PER_EPOCH
    scale = rng.uniform(0.05, 0.4) * SEEN * (limit - start)
    at = np.arange(n) / PER_EPOCH
    # Epochs are judged by their medians, which lie in their middle: an epoch counts as 0-based and whole.
    rss = start + slope * at + scale * NOISE[kind](rng, n)
    run = make_run(
        {"rss_bytes": np.maximum(rss, 0.1 * GIB).astype(np.int64)}, steps_per_epoch=PER_EPOCH, events=END,
        hardware={"memory_limit_bytes": int(limit)},
    )  # fmt: skip
    found = HostMemoryCreep().detect(run)
    if not found or found[0].detail["forecast_epoch"] is None:
        return kind, epochs, float("nan"), None
    detail = found[0].detail
    high = detail["forecast_epoch_high"]
    return kind, epochs, detail["forecast_epoch"], (detail["forecast_epoch_low"], np.inf if high is None else high)


def table(traces: int) -> list[str]:
    """Measure and return the table."""
    rows = [forecast(seed) for seed in range(traces)]
    lines = [
        "| noise | traces | forecast made | error, share of the time to the limit: median, 90 % | of the time left: median "
        "| interval holds the truth (95 %) |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for kind in [*NOISE, "all"]:
        some = [r for r in rows if kind in (r[0], "all")]
        made = [r for r in some if r[3] is not None]
        error = np.array([abs(r[2] - r[1]) / r[1] for r in made])
        held = sum(r[3] is not None and r[3][0] <= r[1] <= r[3][1] for r in made)
        low, high = wilson(held, len(made))
        lines.append(
            f"| {kind} | {len(some)} | {len(made)} | {100 * np.median(error):.1f} %, {100 * np.quantile(error, 0.9):.1f} % | "
            f"{100 * np.median(error) / (1 - SEEN):.1f} % | {held / len(made):.2f} ({low:.2f} to {high:.2f}) |"
        )
    return lines


def main() -> None:
    """Print the table, or write it into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=int, default=TRACES)
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    text = "\n".join(table(options.traces))
    print(text)
    if options.write:
        write_section("forecast", text)


if __name__ == "__main__":
    main()

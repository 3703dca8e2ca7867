"""Does the recorder grow? Resident memory over 200,000 recorded steps.

    python tests/bench/black_box/leak.py [--steps 200000] [--write]

The first tenth is left out: segments are sealed, Arrow's pools fill, the interpreter warms up.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def growth_bytes(steps: int, rows_per_segment: int = 4096, warm: float = 0.1) -> tuple[int, int]:
    """Return resident bytes after the share ``warm`` of the steps, and their growth to the end (median of the last hundred readings)."""
    import pyarrow.parquet  # noqa: F401 (the writer's thread would do it in the middle)

    from trainwatch_hooks import Recorder
    from trainwatch_hooks.probes.host_memory import HostMemory

    memory = HostMemory()
    readings: list[int] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Recorder(folder, report=False, rows_per_segment=rows_per_segment) as recorder,
    ):
        for i in range(steps):
            recorder.step(epoch=i // 1000, losses={"box": 1.0, "cls": 2.0}, grad_norm=3.0, lr=0.01, batch_size=16)
            if i % 1000 == 999:
                recorder.epoch_end(i // 1000, train={"box": 1.0}, fitness=0.5)
            if i % (steps // 1000) == 0:
                readings.append(memory.read())
    memory.close()
    begin = int(warm * 1000)
    early, late = sorted(readings[begin : begin + 100])[50], sorted(readings[-100:])[50]
    return early, late - early


def main() -> None:
    """Measure; print, with --write renew the table in README.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    early, grown = growth_bytes(options.steps)
    lines = [
        "| what | measured |",
        "|---|---|",
        f"| resident after a tenth of {options.steps} steps | {early / 1e6:.0f} MB |",
        f"| growth from there to the end | {grown / 1e6:.2f} MB |",
    ]
    print("\n".join(lines))
    if options.write:
        sys.path.insert(0, str(HERE))
        from _page import write

        write("leak", lines)


if __name__ == "__main__":
    main()

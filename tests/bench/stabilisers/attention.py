"""attention: stock and fused steps of one model, alternating; the block alone; memory of either in its own process.

    python tests/bench/stabilisers/attention.py [--threads 2] [--pairs 30] [--sizes 96 320 640 1024]

A pair is one stock and one fused step on the same model and batch, one after the other, the first of them changing from
pair to pair; a step is forward, loss, backward and the optimizer. The ratio of a pair is stock seconds / fused seconds,
above 1 where fused is faster; the median over the pairs counts. CPU seconds of the process are given beside the wall
clock, since others may use the cores. Peak memory is the largest resident set of a process that takes three steps.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BATCH = {96: 16, 320: 8, 640: 4, 1024: 2}
WARM_PAIRS = 2
MIN_PAIRS = 5


def model_step(pixels: int) -> tuple[Callable[[], Any], Any]:
    """Return a training step of YOLO12n on a fixed random batch with 8 objects per image, and the class to patch."""
    import torch
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.modules.block import AAttn
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    images = BATCH[pixels]
    model = DetectionModel("yolo12n.yaml", verbose=False).train()
    model.args = get_cfg()
    boxes = torch.rand(images * 8, 4) * 0.3 + 0.3
    batch = {
        "img": torch.rand(images, 3, pixels, pixels),
        "batch_idx": torch.arange(images).repeat_interleave(8).float(),
        "cls": torch.randint(0, 80, (images * 8, 1)).float(),
        "bboxes": boxes,
    }
    # A rate of 1e-6: the work of a step without its effect, so that all steps are the same.
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, nesterov=True)

    def step() -> None:
        model(batch)[0].sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad()

    return step, AAttn


def block_step(pixels: int, stride: int) -> tuple[Callable[[], Any], Any]:
    """Return forward and backward of YOLO12n's attention alone at one stride, and the class to patch."""
    import torch
    from ultralytics.nn.modules.block import AAttn

    torch.manual_seed(0)
    heads, area = (2, 4) if stride == 16 else (4, 1)
    block = AAttn(32 * heads, heads, area).train()
    x = torch.randn(BATCH[pixels], 32 * heads, pixels // stride, pixels // stride)

    def step() -> None:
        out = block(x.clone().requires_grad_())
        out.backward(torch.ones_like(out))
        block.zero_grad()

    return step, AAttn


def alternate(
    step: Callable[[], Any], kind: Any, pairs: int, limit_s: float
) -> tuple[list[float], list[float], list[float]]:
    """Return the ratios of the pairs by wall clock and by CPU seconds, and the stock steps' seconds."""
    from trainwatch_hooks.stabilisers.attention import replacement

    stock, wall, cpu, seconds = kind.forward, [], [], []
    ours_forward = replacement(stock)
    begun = time.perf_counter()
    try:
        for pair in range(pairs + WARM_PAIRS):
            taken: dict[bool, tuple[float, float]] = {}
            for ours in (True, False) if pair % 2 else (False, True):
                kind.forward = ours_forward if ours else stock
                before = time.perf_counter(), time.process_time()
                step()
                taken[ours] = time.perf_counter() - before[0], time.process_time() - before[1]
            if pair >= WARM_PAIRS:
                wall.append(taken[False][0] / taken[True][0])
                cpu.append(taken[False][1] / taken[True][1])
                seconds.append(taken[False][0])
            if time.perf_counter() - begun > limit_s and len(wall) >= MIN_PAIRS:
                break
    finally:
        kind.forward = stock
    return wall, cpu, seconds


def peak_mb(pixels: int, ours: bool, threads: int) -> float:
    """Return the largest resident set in MB of a fresh process that takes three steps, less that before the first."""
    command = [sys.executable, __file__, "--child", str(pixels), "--threads", str(threads), *(["--fused"] * ours)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def child(pixels: int, ours: bool) -> None:
    """Take three steps and print by how much the largest resident set grew, in MB."""
    from trainwatch_hooks.stabilisers.attention import replacement

    step, kind = model_step(pixels)
    if ours:
        kind.forward = replacement(kind.forward)
    gc.collect()
    before = largest_resident_kb()
    for _ in range(3):
        step()
    print((largest_resident_kb() - before) / 1024)


def largest_resident_kb() -> int:
    """Return this process' largest resident set in KiB (``ru_maxrss`` would count the parent's, too)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def shown(ratios: list[float]) -> str:
    """Return the median and the middle half of the pairs."""
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Measure, write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=150.0, help="longest measurement of one size")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(BATCH))
    parser.add_argument("--results", type=Path, help="JSON lines; sizes that it holds are not measured again")
    parser.add_argument("--child", type=int)
    parser.add_argument("--fused", action="store_true")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    if options.child:
        child(options.child, options.fused)
        return
    from _bench import table, write_section

    kept = options.results.read_text().splitlines() if options.results and options.results.exists() else []
    rows = {row[0]: row for row in map(json.loads, kept)}
    for pixels in options.sizes:
        if pixels in rows:
            continue
        wall, cpu, seconds = alternate(*model_step(pixels), options.pairs, options.seconds)
        gc.collect()
        blocks = [
            shown(alternate(*block_step(pixels, stride), options.pairs, options.seconds / 5)[1]).split()[0]
            for stride in (16, 32)
        ]
        memory = [peak_mb(pixels, ours, options.threads) for ours in (False, True)]
        rows[pixels] = (
            [pixels, BATCH[pixels], len(wall), f"{1e3 * statistics.median(seconds):.0f} ms", shown(wall), shown(cpu),
             " / ".join(blocks), f"{memory[0]:.0f} -> {memory[1]:.0f} MB ({100 * (memory[1] / memory[0] - 1):+.0f} %)"]
        )  # fmt: skip
        print(json.dumps(rows[pixels]), flush=True)
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(rows[pixels]) + "\n")
    write_section(
        "attention",
        [
            f"## attention: YOLO12n, float32, {options.threads} CPU thread(s), stock step / fused step",
            "",
            "Ratios above 1: fused is faster. Median over pairs of steps taken in turn, in brackets the middle half. Few",
            "pairs, on cores that others used: where the brackets hold 1, no difference is shown. At 96 pixels the",
            "stock forward runs on either side (`MIN_POSITIONS`), so that row shows the noise: ratios of other rows that are no farther from 1 show no gain.",
            "",
            *table(
                ["image", "batch", "pairs", "stock step", "whole step, wall clock", "whole step, CPU seconds",
                 "attention alone, P4 / P5, CPU seconds", "peak memory over the model, stock -> fused"],
                [rows[n] for n in sorted(rows)],
            ),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()

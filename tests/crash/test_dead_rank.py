"""Two gloo ranks under torchrun; one is killed. Both shards are read, and the dead rank is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

from trainwatch.analysis import analyse
from trainwatch.runs import how_it_ended, read_run

LOOP = """
import os, sys, time
import torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from trainwatch_hooks import Recorder
dist.init_process_group("gloo")
model = DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
with Recorder(sys.argv[1], report=False, planned_epochs=1000) as rec:
    for epoch in range(1000):
        for _ in range(20):
            loss = model(torch.randn(8, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rec.step(epoch=epoch, losses={"mse": loss}, lr=0.01)
            time.sleep(0.005)
"""


@pytest.mark.training
@pytest.mark.parametrize("victim", [1, 0])
def test_a_killed_rank_is_named(victim: int, tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    run_dir = tmp_path / "run"
    launched = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "loop.py", str(run_dir)],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    beats = [run_dir / "trainwatch" / f"heartbeat-rank{r}.json" for r in (0, 1)]
    end = time.monotonic() + 120
    while time.monotonic() < end and not all(b.exists() and json.loads(b.read_text())["step"] > 5 for b in beats):
        time.sleep(0.1)
    os.kill(json.loads(beats[victim].read_text())["pid"], signal.SIGKILL)
    assert launched.wait(timeout=120) != 0
    run = read_run(run_dir)
    assert run.ranks == (0, 1), "both shards are read"
    ending = how_it_ended(run)
    assert ending.kind == "killed"
    assert ending.death is not None
    assert (ending.death.rank, ending.death.cause) == (victim, "sigkill")
    result = analyse(run)
    assert result.verdict.cause == "killed"
    assert f"rank {victim}" in " ".join((result.verdict.headline, dict(result.page.facts)["Ended"])).lower()

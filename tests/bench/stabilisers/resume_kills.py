"""SIGKILL at random moments of a real training, then ``trainwatch resume``: is it bit for bit the uninterrupted one?

    python tests/bench/stabilisers/resume_kills.py --kills 10 --write

YOLO12n at 64 pixels on the CPU, three micro-batches per optimizer step and five per epoch (so that gradients wait at
the end of an epoch), with loss-stages and lr-restart. Compared are every recorded loss and, at the end, weights, EMA and
optimizer.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

TRAIN = """
import os, sys
from pathlib import Path
from ultralytics import YOLO
from trainwatch_hooks import watch
run = Path(sys.argv[1])
model = YOLO("yolo12n.yaml")
watch(model, stabilise={"checkpoints": {"every_epochs": 1}, "lr_restart": True, "loss_stages": True}, report=False)
model.add_callback("on_train_batch_end", lambda trainer: os.write(3, b"."))
model.train(data=sys.argv[2], imgsz=64, batch=8, nbs=24, epochs=int(sys.argv[3]), warmup_epochs=1, close_mosaic=2, optimizer="SGD",
            patience=0, seed=0, device="cpu", plots=False, verbose=False, workers=0, project=str(run.parent), name=run.name)
"""

EPOCHS, BATCHES = 6, 5
ABOUT = """## checkpoints

SIGKILL at a random moment after the first epoch, then `trainwatch resume`, with three micro-batches per optimizer step and
five per epoch, `lr_restart` and `loss_stages` on. *Epochs lost* is what has to be done again with `every_epochs: 1`; *with
last.pt* is what Ultralytics' own file, written once per epoch, would lose."""


def start(code: str, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a training; the second value is a pipe with one byte per finished step."""
    read_end, write_end = os.pipe()
    shell = f'exec 3>&{write_end}; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", shell, "-", sys.executable, "-c", code, *words],
        pass_fds=(write_end,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    os.close(write_end)
    return process, read_end


def train(run: Path, data: Path, kill_after: int | None = None, delay_s: float = 0.0) -> None:
    """Train to the end, or kill it some time after a number of steps."""
    process, pipe = start(TRAIN, str(run), str(data), str(EPOCHS))
    with os.fdopen(pipe, "rb", buffering=0) as steps:
        if kill_after is not None:
            for _ in range(kill_after):
                steps.read(1)
            time.sleep(delay_s)
            process.kill()
        while steps.read(1):
            pass
    _, errors = process.communicate()
    if kill_after is None and process.returncode:
        raise SystemExit(errors.decode()[-2000:])


def resume(run: Path) -> None:
    """Let the command line go on."""
    done = subprocess.run([sys.executable, "-m", "trainwatch", "resume", str(run)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])


def losses(run: Path) -> dict[tuple[int, int], float]:
    """The loss of each (epoch, batch), of its last attempt."""
    from trainwatch.runs import read_run

    steps = read_run(run).steps
    keys = zip(steps["epoch"], steps["batch"], strict=True)
    return dict(zip(keys, steps["loss"], strict=True))


def final_state(run: Path) -> Any:
    """Weights, EMA and optimizer at the end."""
    import torch

    state = torch.load(run / "trainwatch" / "checkpoints" / "latest.pt", weights_only=True)
    return {k: state[k] for k in ("model", "ema", "optimizer", "scheduler", "next_epoch")}


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit."""
    import torch

    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def one_kill(folder: Path, data: Path, number: int, reference: Path) -> list[str]:
    """Kill, resume, compare; return a row of the table."""
    from trainwatch.runs import read_run

    rng = random.Random(number)
    run = folder / f"kill{number}"
    # Not before the first checkpoint: there is nothing to resume then, with or without us.
    train(run, data, rng.randrange(BATCHES + 1, EPOCHS * BATCHES - 1), rng.uniform(0.0, 1.0))
    killed = read_run(run)
    steps = len(killed.steps)
    last = [e["epoch"] for e in killed.events_of("checkpoint") if e["source"] == "ultralytics"]
    theirs = steps - BATCHES * (max(last, default=-1) + 1)
    resume(run)
    begun = next(e["data"] for e in read_run(run).events if e["kind"] == "start" and e["source"] != "recorder")
    ours = steps - BATCHES * begun["next_epoch"]
    equal = losses(run) == losses(reference)
    state = same(final_state(run), final_state(reference))
    return [
        str(number),
        f"epoch {(steps - 1) // BATCHES + 1}, batch {(steps - 1) % BATCHES + 1}",
        f"{begun['path'].rsplit('/', 1)[-1]}, epoch {begun['next_epoch'] + 1}",
        f"{ours / BATCHES:.1f}",
        f"{theirs / BATCHES:.1f}",
        "yes" if equal else "NO",
        "yes" if state else "NO",
    ]


def main() -> None:
    """Run the kills and print, or write, the table."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "sample_runs"))
    from shapes import make_dataset

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    data = make_dataset(folder / "data", train=BATCHES * 8, val=16, size=64)
    reference = folder / "reference"
    train(reference, data)
    head = ["kill", "in", "resumed from", "epochs lost", "with last.pt", "same losses", "same end state"]
    rows = []
    for number in range(options.kills):
        rows.append(one_kill(folder, data, number, reference))
        print(rows[-1], flush=True)
    exact = sum(r[5] == r[6] == "yes" for r in rows)
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    text = "\n".join(["", ABOUT, "", f"{exact} of {len(rows)} kills resumed to the last bit.", "", *lines])
    print(text)
    if options.write:
        from _bench import write_section  # here: a test imports this file from elsewhere

        write_section("checkpoints", text.split("\n"))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

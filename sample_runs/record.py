"""Records the sample runs: real Ultralytics trainings of YOLO12n on shapes that ``shapes.py`` draws. None is hand-made.

    python sample_runs/record.py              # all of them; about half an hour on two cores
    python sample_runs/record.py killed       # one

Each scenario is trained in a process of its own in a temporary folder; what the training wrote (without weights and
pictures) replaces the record in ``sample_runs/<name>``. Paths and the name of the recording machine are replaced by
neutral ones.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

COMMON: dict[str, Any] = {
    "device": "cpu",
    "imgsz": 64,
    "batch": 16,
    "nbs": 16,
    "optimizer": "SGD",
    "lr0": 0.01,
    "patience": 0,
    "seed": 0,
    "plots": False,
    "project": "runs",
    "name": "train",
}


def _train(
    watched: bool = True,
    stabilise: Any = None,
    callbacks: dict[str, Callable[[Any], None]] | None = None,
    **args: Any,
) -> None:
    """Train YOLO12n from scratch in the current folder, as a user's script would."""
    from shapes import make_dataset
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    size = args.get("imgsz", COMMON["imgsz"])
    data = make_dataset(Path("shapes"), size=size, polygons=args.pop("polygons", True), train=args.pop("images", 64))
    model = YOLO("yolo12n.yaml")
    for event, callback in (callbacks or {}).items():
        model.add_callback(event, callback)
    if watched:
        watch(model, stabilise=stabilise)
    given = {**COMMON, "project": str(Path("runs").resolve()), **args}
    model.train(data=str(data), **{k: v for k, v in given.items() if v is not None})


def healthy() -> None:
    """600 epochs that converge: nothing is wrong."""
    _train(epochs=600, cos_lr=True, warmup_epochs=10)


def gradient_explosion() -> None:
    """The learning rate is far too high: lr0=1.0 (the largest that Ultralytics accepts) with momentum 0.98."""
    _train(epochs=40, images=128, lr0=1.0, momentum=0.98, warmup_epochs=12, warmup_bias_lr=0.0)


def gradient_explosion_cured(seed: int = 0) -> None:
    """The command that ``trainwatch analyze sample_runs/gradient_explosion`` says to type next, word for word."""
    from trainwatch.analysis import analyse
    from trainwatch.doctor._arguments import parse_words
    from trainwatch.runs import read_run

    command = shlex.split(analyse(read_run(HERE / "gradient_explosion")).page.next_command)
    ours = ("model", "data", "project")  # the same model and images, in this folder
    args = {k: v for k, v in parse_words(command[2:]).items() if k not in ours}
    _train(images=128, **args, seed=seed)


def gradient_explosion_cured_again() -> None:
    """The same with another seed: how much two equal trainings differ."""
    gradient_explosion_cured(seed=1)


def nan_loss() -> None:
    """From epoch 13 on, a weight becomes infinite in the third step of each epoch, as by an overflow in half precision.

    Ultralytics reloads last.pt and replays the epoch three times, meets the same cause, and gives up.
    """
    count = {"batch": 0}

    def begin_epoch(trainer: Any) -> None:
        count["batch"] = 0

    def overflow(trainer: Any) -> None:
        if trainer.epoch >= 12 and count["batch"] == 2:
            next(iter(trainer.model.parameters())).data.view(-1)[0] = float("inf")
        count["batch"] += 1

    _train(epochs=60, callbacks={"on_train_epoch_start": begin_epoch, "on_train_batch_start": overflow})


def plateau() -> None:
    """48 training images without any augmentation: the model soon knows them by heart, and stands still."""
    off = dict.fromkeys(("mosaic", "scale", "translate", "fliplr", "hsv_h", "hsv_s", "hsv_v", "erasing"), 0.0)
    _train(epochs=300, images=48, lrf=0.5, warmup_epochs=10, close_mosaic=0, **off)


def host_memory_creep() -> None:
    """A callback measures the loss of one validation batch after each epoch and keeps it without ``detach()``.

    So every epoch's graph, with all its activations, stays alive. The user stops the training in epoch 40 of 600.
    """
    history: list[Any] = []

    def probe(trainer: Any) -> None:
        batch = trainer.preprocess_batch(next(iter(trainer.test_loader)))
        history.append(trainer.model(batch)[0].sum())

    def stop(trainer: Any) -> None:
        trainer.stop = trainer.epoch >= 39

    _train(epochs=600, callbacks={"on_train_epoch_end": probe, "on_fit_epoch_end": stop})


def killed() -> None:
    """SIGKILL in the middle of epoch 13."""

    def die(trainer: Any) -> None:
        if trainer.epoch == 12:
            threading.Timer(0.25, os.kill, (os.getpid(), signal.SIGKILL)).start()

    _train(epochs=60, callbacks={"on_train_epoch_start": die})


def out_of_memory() -> None:
    """The address space is limited to what training at 160 pixels needs, and multi_scale draws larger images."""
    import resource

    def limit(trainer: Any) -> None:
        if trainer.epoch == 2:
            import psutil

            size = psutil.Process().memory_info().vms + (64 << 20)
            resource.setrlimit(resource.RLIMIT_AS, (size, size))

    _train(epochs=60, imgsz=160, multi_scale=0.5, callbacks={"on_train_epoch_start": limit})


def unwatched() -> None:
    """A training without our hook: results.csv and args.yaml are all there is. Labels are boxes."""
    _train(watched=False, epochs=80, polygons=False, optimizer="auto", nbs=64)


def stabilised() -> None:
    """600 epochs with every stabiliser; three batches of epoch 201 hold a NaN, as a broken image would bring it."""

    def poison(trainer: Any) -> None:
        read = trainer.preprocess_batch

        def preprocess_batch(batch: Any) -> Any:
            batch = read(batch)
            if trainer.epoch == 200 and spoiled["batches"] < 3:
                spoiled["batches"] += 1
                batch["img"][0, 0, 0, 0] = float("nan")
            return batch

        trainer.preprocess_batch = preprocess_batch

    spoiled = {"batches": 0}
    settings = {"all": True, "accumulate": 2}
    _train(epochs=600, batch=8, nbs=None, optimizer=None, stabilise=settings, callbacks={"on_train_start": poison})


SCENARIOS: dict[str, Callable[[], None]] = {
    f.__name__: f
    for f in (
        healthy,
        gradient_explosion,
        gradient_explosion_cured,
        gradient_explosion_cured_again,
        nan_loss,
        plateau,
        host_memory_creep,
        killed,
        out_of_memory,
        unwatched,
        stabilised,
    )
}


def _record(name: str, keep: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="trainwatch-sample-") as temporary:
        folder = Path(temporary) / "project"
        folder.mkdir()
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH")))),
            "YOLO_AUTOINSTALL": "false",
        }
        with open(Path(temporary) / "log", "w+") as log:
            child = subprocess.run(
                [sys.executable, str(HERE / "record.py"), "--child", name],
                cwd=folder, env=environ, stdout=log, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            if keep is not None:
                shutil.copyfile(log.name, keep / f"{name}.log")
        written = folder / "runs" / "train"
        if not (written / "args.yaml").is_file():
            raise SystemExit(f"{name}: the training wrote nothing (exit {child.returncode}); run it with --log FOLDER")
        target = HERE / name
        shutil.rmtree(target / "trainwatch", ignore_errors=True)
        target.mkdir(exist_ok=True)
        for path in (written / "args.yaml", written / "results.csv"):
            if path.exists():
                shutil.copyfile(path, target / path.name)
        if (written / "trainwatch").is_dir():
            shutil.copytree(
                written / "trainwatch",
                target / "trainwatch",
                ignore=shutil.ignore_patterns("report.html", "*.log", "heartbeat-*.json", "checkpoints", "*.jpg"),
            )
        _neutralise(target, folder)
        size = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
        print(f"{name}: exit {child.returncode}, {size / 1e3:.0f} kB")


def _neutralise(target: Path, folder: Path) -> None:
    """Replace the recording machine's paths and name in text files."""
    replacements = {
        str(folder): "/home/user/project",
        str(folder.resolve()): "/home/user/project",
        str(HERE.parent): "/home/user/trainwatch",
        sys.prefix: "/home/user/venv",
        sys.base_prefix: "/usr",
        platform.node(): "workstation",
    }
    for path in target.rglob("*"):
        if path.suffix in (".yaml", ".json", ".jsonl", ".csv"):
            text = path.read_text(encoding="utf-8")
            for old, new in replacements.items():
                text = text.replace(old, new)
            text = re.sub(r'"memory_cgroup": "[^"]*"', '"memory_cgroup": "/sys/fs/cgroup"', text)
            path.write_text(text, encoding="utf-8")


def main() -> None:
    """Record the named scenarios, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"any of: {', '.join(SCENARIOS)}")
    parser.add_argument("--child", choices=SCENARIOS, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help="folder for the trainings' own output")
    options = parser.parse_args()
    if options.child:
        SCENARIOS[options.child]()
        return
    for name in options.names or SCENARIOS:
        _record(name, options.log)


if __name__ == "__main__":
    main()

"""``trainwatch train``: an Ultralytics training, recorded and stabilised, and the page at its end."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--model", help="yolo12n.yaml (from scratch) or yolo12n.pt (pretrained).")
@click.option("--data", help="The data set's YAML file.")
@click.option("--epochs", type=click.IntRange(min=1), help="Default: Ultralytics' own.")
@click.option(
    "--stabilise",
    metavar="FILE",
    help="YAML file with settings of stabilisers, or names (rescue,checkpoints): only those. Default: all of them.",
)
@click.option("--no-stabilise", is_flag=True, help="Only record; the training stays bit for bit what it was.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[NAME=VALUE]...")
@click.pass_context
def command(
    ctx: click.Context,
    model: str | None,
    data: str | None,
    epochs: int | None,
    stabilise: str | None,
    no_stabilise: bool,
    arguments: tuple[str, ...],
) -> int:
    """Train with Ultralytics, recorded and stabilised.

    Any Ultralytics argument follows as NAME=VALUE or --NAME VALUE; `trainwatch doctor` looks at them before.

    \b
    trainwatch train --model yolo12n.yaml --data d.yaml --epochs 600 batch=64 imgsz=640
    trainwatch explain lr-restart      what a stabiliser does, and its settings
    """  # noqa: D301 (click wants the control character)
    from trainwatch.doctor._arguments import parse_words
    from trainwatch.errors import TrainwatchError

    if stabilise is not None and no_stabilise:
        raise click.UsageError("--stabilise and --no-stabilise contradict each other")
    named = {k: v for k, v in (("model", model), ("data", data), ("epochs", epochs)) if v is not None}
    given: dict[str, Any] = {**parse_words(arguments), **named}
    for name in ("model", "data"):
        if name not in given:
            raise click.UsageError(f"--{name} is missing")
    data, name = str(given["data"]), str(given.pop("model"))
    if not Path(data).exists() and ("/" in data or "\\" in data):
        raise TrainwatchError(f"{data}: no such file; --data takes the data set's YAML file")
    return train(name, given, False if no_stabilise else _chosen(stabilise))


def _chosen(stabilise: str | None) -> Path | Mapping[str, bool] | bool:
    """Return a file, the stabilisers that are named instead of one, or True for all."""
    from trainwatch_hooks.stabilisers._settings import known

    if stabilise is None:
        return True
    names = [n.strip().replace("-", "_") for n in stabilise.split(",")]
    if not Path(stabilise).exists() and set(names) <= set(known()):
        return dict.fromkeys(names, True)
    return Path(stabilise)


def train(name: str, arguments: dict[str, Any], stabilise: Path | Mapping[str, bool] | bool) -> int:
    """Check everything, train, write the page.

    Raises:
        TrainwatchError: Before the training starts, if settings or arguments are wrong.
    """
    from trainwatch.commands._arguments import check_arguments
    from trainwatch.errors import TrainwatchError
    from trainwatch_hooks import watch
    from trainwatch_hooks.stabilisers._settings import parse
    from trainwatch_hooks.stabilisers.base import SettingsError
    from trainwatch_hooks.stabilisers.cache import allocator_environment

    try:
        if any(s.name == "cache" for s in parse(stabilise)):
            os.environ.update(allocator_environment())  # now: PyTorch has not been imported yet
        check_arguments(arguments)
        model = watch(load(name), stabilise=stabilise)
        model.train(**arguments)
    except SettingsError as error:
        raise TrainwatchError(str(error)) from None
    except (TrainwatchError, KeyboardInterrupt):
        raise
    except Exception:
        traceback.print_exc()  # the training's own: it is the user's to read, the record and the page have it, too
        return 1
    tell(Path(model.trainer.save_dir))
    return 0


def load(name: str) -> Any:
    """Load the model.

    Raises:
        TrainwatchError: If Ultralytics cannot.
    """
    from trainwatch.errors import TrainwatchError

    try:
        from ultralytics import RTDETR, YOLO  # type: ignore[attr-defined]
    except ImportError as error:
        raise TrainwatchError(
            f'Ultralytics cannot be imported ({error}); install it: pip install "trainwatch-toolkit[train]"'
        ) from None
    try:
        return RTDETR(name) if Path(name).stem.startswith("rtdetr") else YOLO(name)
    except Exception as error:
        from trainwatch.doctor._installed import find_installed, near_models

        near = near_models(name, find_installed())
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise TrainwatchError(
            f"--model {name}: cannot be loaded ({' '.join(str(error).split())[:200]}){meant}"
        ) from None


def tell(run: Path) -> None:
    """Write the page of a finished training; print verdict, next command and path."""
    from trainwatch.commands import report

    if int(os.environ.get("RANK", "-1")) > 0:
        return
    try:
        report.command.callback(str(run), None, False, None)  # type: ignore[misc]
    except Exception as error:  # the training is over and safe; a page can be made again
        print(f"trainwatch: no page ({error}); try: trainwatch report {run}", file=sys.stderr)

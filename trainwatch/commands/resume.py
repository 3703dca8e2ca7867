"""``trainwatch resume RUN [KEY=VALUE ...]``: go on with a training from its checkpoints, in the same folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("run")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--from",
    "source",
    default="latest",
    show_default=True,
    metavar="latest|best|last|PATH",
    help="Checkpoint to go on from; a damaged one falls back to the one before. last: Ultralytics' own last.pt.",
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would happen, and train nothing.")
def command(run: str, changes: tuple[str, ...], source: str, format_: str, dry_run: bool) -> int:
    """Go on with the training in RUN (runs/exp3), exactly, or with changed arguments (epochs=300 lr0=0.005)."""
    import json

    from trainwatch.errors import TrainwatchError
    from trainwatch_hooks import resume
    from trainwatch_hooks.stabilisers.base import SettingsError

    try:
        planned = resume.plan(run, parse(changes), source)
        _refuse_running(planned.run_dir)
        for sentence in planned.sentences():
            click.echo(f"trainwatch: {sentence}", err=True)
        if dry_run:
            epochs_done = None
        else:
            with _stdout_to_stderr(format_ == "json"):
                epochs_done = int(resume.carry_out(planned).epoch) + 1
    except ModuleNotFoundError as error:
        raise TrainwatchError(f"resuming needs {error.name}: pip install 'trainwatch-toolkit[train]'") from None
    except SettingsError as error:
        raise TrainwatchError(str(error)) from None
    if format_ == "json":
        answer = {
            "run": str(planned.run_dir),
            "from": str(planned.path),
            "next_epoch": planned.next_epoch,
            "changes": dict(planned.changes),
            "skipped": list(planned.skipped),
            "epochs_done": epochs_done,
        }
        click.echo(json.dumps(answer, indent=2, default=str))
    elif not dry_run:
        click.echo(f"{epochs_done} epochs done; what happened: trainwatch analyze {run}")
    return 0


def _refuse_running(run_dir: Path) -> None:
    """Two trainings in one folder would spoil each other.

    Raises:
        TrainwatchError: If the recorded process is alive.
    """
    from trainwatch.errors import TrainwatchError, UnreadableRun
    from trainwatch.runs import how_it_ended, read_run

    try:
        ending = how_it_ended(read_run(run_dir))
    except UnreadableRun:  # never recorded, or damaged: nothing known of a process
        return
    if ending.kind == "running":
        raise TrainwatchError(f"{run_dir}: the training is still running; stop it first")


def parse(words: tuple[str, ...]) -> dict[str, Any]:
    """Turn ``KEY=VALUE`` words into arguments, values as Ultralytics' own command line reads them.

    Raises:
        TrainwatchError: If a word is none, or a key comes twice.
    """
    from trainwatch.errors import TrainwatchError

    changes: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise TrainwatchError(f"{word!r} is no KEY=VALUE; write for instance epochs=300")
        if key in changes:
            raise TrainwatchError(f"{key} is given twice")
        changes[key] = _value(value)
    return changes


def _value(text: str) -> Any:
    """Read a value as `doctor` and `train` do; empty and null, too, mean None."""
    from trainwatch.doctor._arguments import plain_value

    return None if text.lower() in ("null", "") else plain_value(text)


@contextmanager
def _stdout_to_stderr(wanted: bool) -> Iterator[None]:
    """Keep what the trainer prints, also from processes of its own, off stdout."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)

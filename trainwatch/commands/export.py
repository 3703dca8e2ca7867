"""``trainwatch export RUN --to FORMAT -o FOLDER``: the run in another tool's format."""

from __future__ import annotations

from pathlib import Path

import click

FORMATS = ("csv", "mlflow", "tensorboard", "wandb")


@click.command()
@click.argument("run")
@click.option("--to", "format_", type=click.Choice(FORMATS), required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write; made whole or not at all."
)
@click.option("--force", is_flag=True, help="Replace an earlier export there.")
def command(run: str, format_: str, output: Path, force: bool) -> int:
    """Write RUN in another tool's format, into a folder on this machine; nothing is sent anywhere.

    \b
    trainwatch export runs/exp3 --to tensorboard -o tb/exp3     then: tensorboard --logdir tb
    trainwatch export runs/exp3 --to csv -o tables
    """  # noqa: D301 (click wants the control character)
    from trainwatch.errors import TrainwatchError
    from trainwatch.exporters.base import mark, new_folder
    from trainwatch.registry import modules
    from trainwatch.runs import read_run

    source = read_run(run)
    if not source.step_table.num_rows and not source.epoch_table.num_rows:
        raise TrainwatchError(f"{run}: the run holds no step and no epoch; there is nothing to export")
    with new_folder(output, force=force) as folder:
        modules("trainwatch.exporters")[format_].write(source, folder)
        mark(folder)
    click.echo(f"trainwatch: wrote {output}", err=True)
    return 0

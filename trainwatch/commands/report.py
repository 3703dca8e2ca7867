"""``trainwatch report RUN``: write the page, and say in three lines what is on it."""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: report.html in the record."
)
@click.option(
    "--map",
    "mapping",
    metavar="OURS=COLUMN,...",
    help="RUN is a CSV, JSON lines or Parquet table of another tool: step=iter,loss/total=train_loss",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the page; zh is simplified Chinese.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that trainwatch did not name itself.")
def command(run: str, output: Path | None, force: bool, mapping: str | None, lang: str = "en") -> int:
    """Write the page of RUN and print where it is.

    RUN is a run folder or a log file, recognised by its content: our own recording; results.csv (Ultralytics, YOLOv5,
    YOLOv9), results.txt (YOLOv7), metrics.csv (Lightning), trainer_state.json (Hugging Face), TensorBoard event files,
    CSVLogger (Keras), an offline run of Weights & Biases, a run of MLflow, or any other table with --map.
    """
    from trainwatch.commands._shared import analyse_path, write_file
    from trainwatch.reports import html
    from trainwatch.reports.wording import STATUS_SHAPE, confidence

    importlib.import_module("trainwatch.analysis")  # first: two threads that import the same would wait for one another
    if os.path.isdir(run):  # a record may take seconds to read, most of them without Python's lock
        threading.Thread(target=html.load, daemon=True).start()
    analysis = analyse_path(run, mapping=mapping)
    target = output or default_target(Path(run), analysis.run.source)
    # Our own page of this run may be renewed; any other file is the user's.
    write_file(target, html.render(analysis, lang), force=force or output is None)
    verdict, page = analysis.verdict, analysis.page
    click.echo(f"{STATUS_SHAPE[verdict.status]} {verdict.headline}")
    if verdict.cause:
        click.echo(f"  cause: {verdict.cause} (confidence {100 * verdict.confidence:.0f} %)")
    if page.next_command:
        click.echo(f"  type next: {page.next_command}")
    for said in (confidence(page), page.next_needs, page.next_step.replace("`", "")):
        if said:
            click.echo(f"  {said}")
    click.echo(f"  page: {target}")
    return 0


def default_target(run: Path, source: str) -> Path:
    """Return where the page of a run belongs: in the record, else in the run, else in the current folder.

    Args:
        run: The path that the user gave.
        source: The importer that read it.
    """
    folder = run if run.is_dir() else run.parent
    if source == "trainwatch":
        record = folder / "trainwatch"
        folder, name = (record if record.is_dir() else folder), "report.html"
    else:
        name = "trainwatch-report.html"
    return folder / name if os.access(folder, os.W_OK) else Path(f"trainwatch-report-{run.resolve().name}.html")

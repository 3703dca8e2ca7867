"""``trainwatch analyze RUN``: the verdict in the terminal, as JSON, Markdown, annotations, or as the page's source."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "html", "markdown", "github"]),
    help="markdown: for an issue or a chat; github: annotations of a workflow. Default: what the ending of the output "
    "file says, else text.",
)
@click.option("--full", is_flag=True, help="JSON: add charts, events, configuration and details.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout."
)
@click.option("--force", is_flag=True, help="Overwrite the output file.")
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "warning", "info", "never"]),
    default="critical",
    show_default=True,
    help="Exit with 1 if there is such a finding, or a worse one.",
)
@click.option(
    "--map",
    "mapping",
    metavar="OURS=COLUMN,...",
    help="RUN is a CSV, JSON lines or Parquet table of another tool: step=iter,loss/total=train_loss",
)
@click.option(
    "--notify",
    metavar="URL",
    envvar="TRAINWATCH_NOTIFY",
    help="Tell a chat or mailbox the verdict (apprise URL; also in TRAINWATCH_NOTIFY, where no list of processes shows it).",
)
@click.option("--strict", is_flag=True, help="A check that cannot run is an error.")
@click.pass_obj
def command(
    obj: dict[str, bool],
    run: str,
    format_: str | None,
    full: bool,
    output: Path | None,
    force: bool,
    fail_on: str,
    strict: bool,
    mapping: str | None,
    notify: str | None,
) -> int:
    """Judge RUN: a run folder (runs/exp3) or a log file (results.csv).

    RUN is a run folder or a log file, recognised by its content: our own recording; results.csv (Ultralytics, YOLOv5,
    YOLOv9), results.txt (YOLOv7), metrics.csv (Lightning), trainer_state.json (Hugging Face), TensorBoard event files,
    CSVLogger (Keras), an offline run of Weights & Biases, a run of MLflow, or any other table with --map.
    """
    from trainwatch.commands._notify import make_notifier
    from trainwatch.commands._shared import analyse_path, exit_code, format_of, write_file

    notifier = make_notifier(notify)
    analysis = analyse_path(run, strict=strict, mapping=mapping)
    format_ = format_ or format_of(output, "html", "json", "markdown")
    if format_ == "json":
        from trainwatch.reports import json

        text = json.render(analysis, full=full)
    elif format_ == "html":
        from trainwatch.reports import html

        text = html.render(analysis)
    elif format_ == "markdown":
        from trainwatch.reports import markdown

        text = markdown.render(analysis)
    elif format_ == "github":
        from trainwatch.reports import github

        text = github.render(analysis)
    else:
        from trainwatch.reports import text as terminal

        text = terminal.render(analysis, color=bool(obj.get("color")) and output is None)
    if output is None:
        click.echo(text, nl=False, color=True)
    else:
        write_file(output, text, force=force)
        click.echo(f"trainwatch: wrote {output}", err=True)
    notifier.ended(analysis)
    return exit_code(analysis, fail_on)

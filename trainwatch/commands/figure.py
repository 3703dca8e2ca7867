"""``trainwatch figure RUN --panel loss -o f.pdf``: one chart for a paper or a slide."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.option("--panel", "id_", required=True, help="Which chart; `--panel help` lists those of this run.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; its ending says how: .pdf, .svg or .png.",
)
@click.option(
    "--size", "size_", default="column", show_default=True, help="column, page, slide, or 89x60mm, 3.5x2.4in."
)
@click.option("--title", is_flag=True, help="Write a title above.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def command(run: str, id_: str, output: Path | None, size_: str, title: bool, force: bool) -> int:
    """Draw one chart of RUN, in print quality.

    The band is the true minimum and maximum behind each point: a spike of a single step stays visible. The same run
    gives the same bytes.

    \b
    trainwatch figure runs/exp3 --panel loss -o loss.pdf
    trainwatch figure runs/exp3 --panel grad_norm --size 120x60mm -o norm.svg
    """  # noqa: D301 (click wants the control character)
    from trainwatch.commands._shared import analyse_path, write_file
    from trainwatch.errors import TrainwatchError, UnknownName
    from trainwatch.reports import figure

    suffix = output.suffix.lower().removeprefix(".") if output is not None else ""
    if id_ != "help" and suffix not in figure.FORMATS:
        raise TrainwatchError(f"{output or '-o'}: name a file that ends in .{', .'.join(figure.FORMATS)} with -o")
    inches = figure.parse_size(size_)
    analysis = analyse_path(run)
    panels = {p.id: p for p in analysis.page.panels}
    if id_ == "help":
        for public, panel in sorted(panels.items()):
            click.echo(f"{public:<18} {panel.title}")
        return 0
    if id_ not in panels:
        raise UnknownName(f"{run}: there is no panel {id_[:60]!r}; there are: {', '.join(sorted(panels)) or 'none'}")
    assert output is not None
    drawn = figure.draw(panels[id_], suffix, inches, first_epoch=analysis.page.first_epoch, title=title)
    write_file(output, drawn, force=force)
    click.echo(f"trainwatch: wrote {output}", err=True)
    return 0

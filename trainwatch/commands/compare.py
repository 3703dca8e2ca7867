"""``trainwatch compare A B [C ...]``: what was changed, what became of it, and whether it helped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trainwatch.comparison import Member


@click.command()
@click.argument("sides", nargs=-1, required=True, metavar="A B [C]...")
@click.option(
    "--by",
    type=click.Choice(["epoch", "step", "time"]),
    help="Axis of the curves; levels are then compared at the last place on it that all reached. Default: epoch, and "
    "the end of each run if all came to their end.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "html"]),
    help="Default: what the ending of the output file says, else text.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of text and page; zh is simplified Chinese.",
)
@click.option("--full", is_flag=True, help="JSON: add the curves.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout."
)
@click.option("--force", is_flag=True, help="Overwrite the output file.")
@click.pass_obj
def command(
    obj: dict[str, bool],
    sides: tuple[str, ...],
    by: str | None,
    format_: str | None,
    lang: str,
    full: bool,
    output: Path | None,
    force: bool,
) -> int:
    """Compare trainings: A is the baseline, the others are what was tried.

    Each is a run folder or a log, as for `analyze`; several seeds of one training are joined by commas. With one run on
    each side the noise is estimated from its scatter from epoch to epoch; "could not tell" is an answer, too.

    \b
    trainwatch compare runs/before runs/after
    trainwatch compare runs/a1,runs/a2,runs/a3 runs/b1,runs/b2,runs/b3
    """  # noqa: D301 (click wants the control character)
    from trainwatch.commands._shared import format_of, write_file
    from trainwatch.comparison import compare
    from trainwatch.errors import TrainwatchError

    if len(sides) < 2:
        raise TrainwatchError("two runs are needed: trainwatch compare RUN_BEFORE RUN_AFTER")
    result = compare([[_member(path) for path in split_side(side)] for side in sides], by)  # type: ignore[arg-type]
    format_ = format_ or format_of(output, "html", "json")
    if format_ == "json":
        import json

        from trainwatch.reports.json import storable

        text = storable(json.dumps(result.to_json(full=full), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
    elif format_ == "html":
        from trainwatch.reports import compare_html

        text = compare_html.render(result, lang)
    else:
        from trainwatch.reports import compare_text

        text = compare_text.render(result, color=bool(obj.get("color")) and output is None, language=lang)
    if output is None:
        click.echo(text, nl=False, color=True)
    else:
        write_file(output, text, force=force)
        click.echo(f"trainwatch: wrote {output}", err=True)
    return 0


def split_side(word: str) -> list[str]:
    """Return the runs of one side; a path that exists as it stands is one run, commas or not.

    Raises:
        TrainwatchError: If a name between commas is empty.
    """
    from trainwatch.errors import TrainwatchError

    try:
        whole = Path(word).exists()
    except (OSError, ValueError):
        whole = True  # reading it says what is wrong
    paths = [word] if whole else word.split(",")
    if any(not p for p in paths):
        raise TrainwatchError(f"{word!r}: a run's name is empty; write A1,A2,A3")
    return paths


def _member(path: str) -> Member:
    from trainwatch.analysis import analyse
    from trainwatch.commands._shared import read_whole
    from trainwatch.comparison import Member

    run = read_whole(path)
    return Member(path, run, analyse(run))

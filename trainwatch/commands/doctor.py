"""``trainwatch doctor``: what may spoil a training, before it begins."""

from __future__ import annotations

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--data", help="data.yaml of the data set.")
@click.option("--model", help="Model; yolo12n.yaml if none is named.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "every", is_flag=True, help="Show what is good, too.")
@click.argument("words", metavar="[KEY=VALUE | --KEY VALUE]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(
    obj: dict[str, bool], data: str | None, model: str | None, format_: str, every: bool, words: tuple[str, ...]
) -> int:
    """Look at machine, versions, arguments and labels before a training.

    Takes the arguments of the training itself; a whole `yolo train ...` line may be pasted. Exit code 1 if something is
    bad.

    \b
    trainwatch doctor data=data.yaml model=yolo12s.yaml epochs=600 batch=64 nbs=256
    """  # noqa: D301 (click wants the control character)
    from trainwatch.doctor._arguments import parse_words
    from trainwatch.doctor._examine import examine, required_arguments
    from trainwatch.doctor._gather import DEFAULT_MODEL, gather
    from trainwatch.reports.doctor import render_json, render_text

    given = {**parse_words(words), **{k: v for k, v in (("data", data), ("model", model)) if v is not None}}
    situation = gather(given)
    lines = examine(situation)
    bad = any(line.state == "bad" for line in lines)
    wanted = {"model": DEFAULT_MODEL, **given, **required_arguments(lines)}
    # With something bad left, the next thing is to look again with what the bad lines ask for.
    follow = as_command("trainwatch doctor" if bad else "trainwatch train", wanted)
    if format_ == "json":
        text = render_json(lines, situation, follow)
    else:
        text = render_text(lines, follow, every=every, color=bool(obj.get("color")))
    click.echo(text, nl=False, color=True)
    return int(bad)


def as_command(program: str, arguments: dict[str, object]) -> str:
    """Return the line to type: the arguments as the trainer's command line takes them."""
    import shlex

    from trainwatch.reports.doctor import argument_value

    words = [shlex.quote(f"{k}={argument_value(v)}") for k, v in arguments.items() if v is not None]
    return " ".join([program, *words])

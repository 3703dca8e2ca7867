"""``trainwatch explain ID``: what a check, a recommendation or a stabiliser means, from its own documentation."""

from __future__ import annotations

import click

FOLDERS = {
    "trainwatch.detectors": "Checks of a run",
    "trainwatch.advice": "Recommendations",
    "trainwatch.doctor": "Checks before a training",
    "trainwatch_hooks.stabilisers": "Stabilisers",
}
"""Where things with an id live; no id may stand in two of them."""


@click.command()
@click.argument("id_", metavar="[ID]", required=False)
def command(id_: str | None) -> int:
    """Explain a check, a recommendation or a stabiliser; without ID, list them all."""
    import difflib

    from trainwatch.errors import UnknownName
    from trainwatch.registry import documentation, names

    known = {i: name for package in FOLDERS for i, name in names(package).items()}
    if id_ is None:
        click.echo(listing())
        return 0
    id_ = id_.replace("_", "-")  # as settings files spell it
    if id_ not in known:
        near = difflib.get_close_matches(id_, known, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownName(
            f"there is no check, recommendation or stabiliser {id_!r}; {hint}`trainwatch explain` lists them"
        )
    click.echo(f"{id_}\n{'=' * len(id_)}\n{documentation(known[id_])}")
    return 0


def listing() -> str:
    """Return every id with the first sentence of its documentation, by kind."""
    from trainwatch.registry import documentation, names

    blocks = []
    for package, title in FOLDERS.items():
        found = names(package)
        width = max(map(len, found))
        lines = [f"  {i:<{width}}  {_first_line(i, documentation(name) or i)}" for i, name in found.items()]
        blocks.append("\n".join([title, *lines]))
    return "\n\n".join(blocks)


def _first_line(id_: str, text: str) -> str:
    """Return the first line without the id that some begin with."""
    return text.splitlines()[0].removeprefix(f"{id_}: ")

"""``trainwatch explain ID``: what a check, a recommendation or a stabiliser means, from its own documentation."""

from __future__ import annotations

import click

FOLDERS = ("trainwatch.detectors", "trainwatch.advice", "trainwatch.doctor", "trainwatch_hooks.stabilisers")
"""Where things with an id live; no id may stand in two of them."""


@click.command()
@click.argument("id_", metavar="ID")
def command(id_: str) -> int:
    """Explain a check, a recommendation or a stabiliser."""
    import difflib

    from trainwatch.errors import UnknownName
    from trainwatch.registry import documentation, names

    known = {i: name for package in FOLDERS for i, name in names(package).items()}
    id_ = id_.replace("_", "-")  # as settings files spell it
    if id_ not in known:
        near = difflib.get_close_matches(id_, known, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownName(
            f"there is no check, recommendation or stabiliser {id_!r}; {hint}there are: {', '.join(known)}"
        )
    click.echo(f"{id_}\n{'=' * len(id_)}\n{documentation(known[id_])}")
    return 0

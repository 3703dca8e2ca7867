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
    import inspect

    from trainwatch.errors import UnknownName
    from trainwatch.registry import modules

    known = {i: m for package in FOLDERS for i, m in modules(package).items()}
    id_ = id_.replace("_", "-")  # as settings files spell it
    module = known.get(id_)
    if module is None:
        near = difflib.get_close_matches(id_, known, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownName(
            f"there is no check, recommendation or stabiliser {id_!r}; {hint}`trainwatch checks` lists what there is"
        )
    click.echo(f"{id_}\n{'=' * len(id_)}\n{inspect.cleandoc(module.__doc__ or '')}")
    return 0

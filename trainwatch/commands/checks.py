"""``trainwatch checks``: every check there is, what it needs, and which recommendations answer it."""

from __future__ import annotations

import click


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(format_: str) -> int:
    """List all checks."""
    import json

    from trainwatch.advice.base import Advice
    from trainwatch.detectors.base import Detector
    from trainwatch.registry import members

    advice = members("trainwatch.advice", Advice)
    rows = [
        {
            "id": public,
            "title": detector.title,
            "requires": list(detector.requires),
            "optional": list(detector.optional),
            "answered_by": [i for i, a in advice.items() if public in a.answers],
        }
        for public, detector in members("trainwatch.detectors", Detector).items()
    ]
    if format_ == "json":
        click.echo(json.dumps(rows, indent=2))
        return 0
    width = max(len(str(r["id"])) for r in rows)
    for row in rows:
        answered = ", ".join(row["answered_by"])
        click.echo(f"{row['id']:<{width}}  {row['title']}{f'  -> {answered}' if answered else ''}")
    click.echo(f"\n{len(rows)} checks. What one means: trainwatch explain {rows[0]['id']}")
    return 0

"""A comparison as a page: one offline file in the style of the crash page, complete without JavaScript."""

from __future__ import annotations

from pathlib import Path

from trainwatch.compared import Comparison
from trainwatch.reports import languages, wording
from trainwatch.reports.charts import draw_svg
from trainwatch.reports.compare_text import CHANGE, SHAPE, signed, value
from trainwatch.reports.html import TEMPLATES, script_safe
from trainwatch.reports.json import storable
from trainwatch.reports.translated import translated

TONE = {"helped": "healthy", "harmed": "crashed", "no-difference": "unknown", "could-not-tell": "stalled"}
"""Class of the style sheet by answer."""


MAX_FIRST = 6
"""Changed arguments above the fold; all of them stand further down."""


def render(comparison: Comparison, language: str = "en") -> str:
    """Return the page as one HTML document; all text is escaped, the machine copy stays English."""
    import json

    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    environment.filters["clean"] = wording.clean
    document = storable(json.dumps(comparison.to_json(), ensure_ascii=False, allow_nan=False, indent=1))
    say = languages.catalogue(language).say
    comparison = translated(comparison, language)
    first = comparison.first_epoch
    charts = {p.id: Markup(draw_svg(p, first_epoch=first, say=say)) for p in comparison.panels}
    narrow = {p.id: Markup(draw_svg(p, first_epoch=first, narrow=True, say=say)) for p in comparison.panels}
    return environment.get_template("compare.html.j2").render(
        c=comparison,
        sides={s.label: s for s in comparison.sides},
        t=say,
        lang=languages.LANGUAGES[language],
        by=say(f"Curves by {comparison.by}"),
        names=f" {say('and')} ".join(Path(s.paths[0]).name or s.paths[0] for s in comparison.sides),
        w=wording,
        shape=SHAPE,
        tone=TONE,
        change=CHANGE,
        most=MAX_FIRST,
        value=value,
        signed=signed,
        charts=charts,
        narrow=narrow,
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        json_block=Markup(script_safe(document)),
    )

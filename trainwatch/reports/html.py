"""The crash page: one offline file, complete without JavaScript, the same bytes for the same result."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch.frames import is_library
from trainwatch.reports import _interactive, languages, wording
from trainwatch.reports.charts import STRONG, draw_svg
from trainwatch.reports.json import storable
from trainwatch.reports.translated import quantity, translated
from trainwatch.result import Analysis, Panel, Where

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"

CLOSED_PANELS = 12
"""Further panels at most; each costs some 10 kB."""


LONG_COMMAND = 600
"""Characters from which a command scrolls in a box of its own: an args.yaml holds a hundred arguments."""


class Frame(NamedTuple):
    """Lines of a traceback that belong together: own code, or a folded stretch of library code."""

    library: bool
    text: str


def render(analysis: Analysis, language: str = "en") -> str:
    """Return the page as one HTML document.

    Args:
        analysis: What to show; all of its text is escaped.
        language: A key of :data:`trainwatch.reports.languages.LANGUAGES`.
    """
    from markupsafe import Markup

    document = storable(json.dumps(analysis.to_json(), ensure_ascii=False, allow_nan=False, indent=1))
    analysis = wording.printable(analysis)
    t, say = languages.words(language), languages.catalogue(language).say
    analysis = translated(analysis, language)
    page = analysis.page
    evidence = [p for p in page.panels if p.evidence]
    others = [p for p in page.panels if not p.evidence][:CLOSED_PANELS]
    charts = {
        p.id: Markup(draw_svg(p, first_epoch=page.first_epoch, small=not p.evidence, say=say))
        for p in (*evidence, *others)
    }
    narrow = {p.id: Markup(draw_svg(p, first_epoch=page.first_epoch, narrow=True, say=say)) for p in evidence}
    return _template().render(
        a=analysis,
        page=page,
        w=wording,
        t=t,
        say=say,
        lang=languages.LANGUAGES[language],
        names=languages.names(language),
        briefly=languages.checks(language),
        measured=lambda value: quantity(value, language),
        prose=_prose,
        long_command=LONG_COMMAND,
        place=lambda where: say(_place(where, page.first_epoch)),
        name=Path(analysis.run.path).name or analysis.run.path,
        evidence=evidence,
        legend=legend(evidence),
        others=others,
        charts=charts,
        narrow=narrow,
        frames=fold(page.traceback),
        crash_first=analysis.run.ended_by in ("exception", "oom") and bool(page.traceback),
        actions=[_event(e, page.first_epoch) for e in page.actions],
        events=[_event(e, page.first_epoch) for e in page.events],
        answers=_answers(analysis),
        anchors=_anchors(analysis),
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
        plot_css=Markup(_interactive.STYLE.read_text(encoding="utf-8") if evidence else ""),
        plot_script=Markup((TEMPLATES / "charts.js").read_text(encoding="utf-8") if evidence else ""),
        plot_library=Markup(_interactive.library() if evidence else ""),
        panels_block=Markup(
            script_safe(json.dumps(_interactive.panels(evidence, page.first_epoch, say), allow_nan=False))
        ),
        json_block=Markup(script_safe(document)),
        json_link="data:application/json;base64," + base64.b64encode(document.encode()).decode(),
        thresholds=[(i, ", ".join(f"{k} = {v}" for k, v in fields.items())) for i, fields in page.thresholds.items()],
    )


def load() -> None:
    """Import what :func:`render` needs, and read the template; what is missing is told when a page is rendered."""
    with contextlib.suppress(Exception):
        _template()


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def legend(panels: Sequence[Panel]) -> list[str]:
    """Say what the signs on these charts mean: of those that are drawn only."""
    kinds = {m.kind for p in panels for m in p.marks}
    signs = (
        ("Red vertical lines mark where a fault began, or an error.", bool(kinds & set(STRONG))),
        (
            "Dashed vertical lines mark what the trainer or a stabiliser did.",
            bool(kinds - set(STRONG) - {"checkpoint"}),
        ),
        ("Triangles at the bottom are best checkpoints.", "checkpoint" in kinds),
        ("Red ticks at the bottom are values that are not finite.", any(c.nonfinite for p in panels for c in p.curves)),
        ("The dashed red line is a forecast.", any(p.forecast is not None for p in panels)),
    )
    return [text for text, drawn in signs if drawn]


def _prose(text: str) -> Markup:
    """Escape a sentence; what stands between backticks is code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _place(where: Where | None, first_epoch: int) -> str:
    """Write a place as the user's tool counts."""
    if where is None:
        return ""
    parts = [] if where.epoch is None else [f"epoch {where.epoch + first_epoch}"]
    parts += [] if where.step is None else [f"step {where.step}"]
    return ", ".join(parts)


def script_safe(document: str) -> str:
    """Make JSON safe inside a ``<script>`` element: no ``<``, ``>``, ``&`` and no line separators that end a string."""
    for character in "<>&\u2028\u2029":
        document = document.replace(character, f"\\u{ord(character):04x}")
    return document


def fold(traceback: str) -> list[Frame]:
    """Split a traceback into own frames and stretches of library frames (site-packages, the standard library)."""
    frames: list[Frame] = []
    library = False
    for line in traceback.splitlines():
        match = re.match(r'\s*File "([^"]+)", line', line)
        if match:
            library = is_library(match[1])
        elif not line.startswith(" "):
            library = False
        if frames and frames[-1].library == library:
            frames[-1] = Frame(library, f"{frames[-1].text}\n{line}")
        else:
            frames.append(Frame(library, line))
    if not any('File "' in f.text for f in frames if not f.library):
        frames = [part for f in frames for part in (_last_open(f) if f.library else [f])]
    return frames


def _last_open(frame: Frame) -> list[Frame]:
    """Keep the innermost library frame open where no own frame says where it happened."""
    at = frame.text.rfind('  File "')
    return (
        [Frame(True, frame.text[:at].rstrip("\n")), Frame(False, frame.text[at:])]
        if at > 0
        else [Frame(False, frame.text)]
    )


def _answers(analysis: Analysis) -> Mapping[str, list[str]]:
    return {f.id: [r.id for r in analysis.recommendations if f.id in r.answers] for f in analysis.findings}


def _anchors(analysis: Analysis) -> list[str]:
    """Return one fragment per finding; the first of an id carries it bare, because that is what links name."""
    seen: dict[str, int] = {}
    made = []
    for finding in analysis.findings:
        seen[finding.id] = seen.get(finding.id, 0) + 1
        made.append(f"finding-{finding.id}" + (f"-{seen[finding.id]}" if seen[finding.id] > 1 else ""))
    return made


def _event(event: Mapping[str, Any], first_epoch: int) -> dict[str, str]:
    seconds = event.get("time_s")
    when = ""
    if isinstance(seconds, int | float) and 0 < seconds < 4e9:
        when = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    epoch, step = event.get("epoch"), event.get("step")
    return {
        "when": when,
        "epoch": str(epoch + first_epoch) if isinstance(epoch, int) else "",
        "step": str(step) if isinstance(step, int) else "",
        "kind": str(event.get("kind") or ""),
        "by": str(event.get("source") or "").removeprefix("stabiliser/").replace("_", "-"),
        "message": str(event.get("message") or ""),
    }

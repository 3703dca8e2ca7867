from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from samples import analysed
from synthetic import make_analysis, make_finding, make_run

from trainwatch.analysis import analyse
from trainwatch.reports import languages
from trainwatch.reports.html import TEMPLATES, fold, legend, render, script_safe
from trainwatch.result import Analysis, Change, Curve, Forecast, Mark, Panel
from trainwatch.signals.envelope import reduce

ATTACK = (
    "</script></style></pre>\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}{% x %}&amp;\x1b[2J\u202e"
)


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.elements if t == tag]


def embedded(page: str) -> str:
    found = re.search(r'<script type="application/json" id="analysis">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def test_the_same_result_gives_the_same_bytes() -> None:
    assert render(make_analysis()).encode() == render(make_analysis()).encode()


def test_structure() -> None:
    read = Reader(render(make_analysis()))
    assert len(read.all("h1")) == len(read.all("main")) == len(read.all("header")) == len(read.all("footer")) == 1
    assert read.all("html")[0]["lang"] == "en"
    assert any("default-src 'none'" in (m.get("content") or "") for m in read.all("meta"))
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for link in read.all("a"):
        target = link["href"] or ""
        assert target.startswith("data:application/json") or target.removeprefix("#") in ids


def test_the_title_is_verdict_and_run() -> None:
    assert "<title>Crashed: plain — plain</title>" in render(make_analysis())


def test_nothing_is_requested() -> None:
    page = render(make_analysis())
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:|//)""", page)
    assert "url(http" not in page
    assert "@import" not in page


def test_whatever_the_log_says_stays_text() -> None:
    honest, read = Reader(render(make_analysis())), Reader(render(make_analysis(ATTACK)))
    assert [t for t, _ in read.elements] == [t for t, _ in honest.elements]
    assert not [a for _, a in read.elements if any(k.startswith("on") for k in a)]
    assert "{{7*7}}" in read.text
    page = render(make_analysis(ATTACK))
    assert "\x1b" not in page
    assert "\u202e" not in page.split('id="analysis"')[0]


def test_file_names_of_a_batch_stay_text() -> None:
    data = {
        "at_step": 30, "place": "input", "name": "img[0]", "detail": "1 of 2 entries of img are not finite",
        "images": [ATTACK], "image_count": 1,
    }  # fmt: skip
    loss = [1.0] * 30 + [float("nan")] * 20
    run = make_run({"loss": loss}, events=[{"kind": "nonfinite", "step": 29, "data": data}], trainer="ultralytics")
    page = render(analyse(run))
    reader = Reader(page)
    assert "<img src=x" in reader.text, "it is shown"
    assert not [a for a in reader.all("img") if "onerror" in a]


def test_the_machine_copy_is_the_public_document() -> None:
    analysis = make_analysis(ATTACK)
    copy = embedded(render(analysis))
    assert "<" not in copy
    assert json.loads(copy) == analysis.to_json()


def test_blocks_stand_in_their_order() -> None:
    page = render(make_analysis())
    places = [page.index(f'id="{i}"') for i in ("crash", "evidence", "findings", "change", "actions", "events", "more")]
    assert places == sorted(places)
    calm = make_analysis()
    calm = replace(calm, run=replace(calm.run, ended_by="completed"))
    page = render(calm)
    assert page.index('id="crash"') > page.index('id="events"')


def test_the_legend_names_what_is_drawn_only() -> None:
    curve = Curve("loss", (0.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), 1.0)
    panel = Panel("loss", "Training loss", "", "step", (curve,))
    assert legend([panel]) == []
    assert legend([replace(panel, marks=(Mark("onset", "onset: a", 1.0),))]) == [
        "Red vertical lines mark where a fault began, or an error."
    ]
    every = replace(
        panel,
        curves=(replace(curve, nonfinite=(1.0,)),),
        marks=tuple(Mark(k, k, 1.0) for k in ("onset", "stage", "checkpoint")),
        forecast=Forecast(0.0, 1.0, 2.0, 1.0, 2.0, 3.0),
    )
    assert len(legend([panel, every])) == 5
    words = languages.words("zh")
    assert all(words(text) != text for text in legend([every]))


def test_what_stabilisers_did_is_told_by_name() -> None:
    text = Reader(render(make_analysis("gains of the second stage"))).text
    assert "What stabilisers did" in text
    assert "loss-stages" in text
    assert 'id="actions"' not in render(make_analysis(actions=()))


def test_status_is_a_shape_and_a_word() -> None:
    page = render(make_analysis())
    assert re.search(r'<span aria-hidden="true">▲</span>crashed', page)
    assert re.search(r'<span aria-hidden="true">■</span> warning', page)


def test_change_is_shown_from_and_to() -> None:
    text = Reader(render(make_analysis())).text
    assert "- lr0=0.1" in text
    assert "+ lr0=0.05" in text


def test_without_anything_found_the_page_is_complete() -> None:
    page = render(Analysis(run=make_analysis().run, verdict=make_analysis().verdict))
    assert "No check found a fault." in page


def test_a_finding_that_comes_twice_has_two_anchors() -> None:
    page = render(replace(make_analysis(), findings=(make_finding("plateau"), make_finding("plateau"))))
    assert 'id="finding-plateau"' in page
    assert 'id="finding-plateau-2"' in page


def test_a_long_run_stays_below_the_limit() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(1_000_000)
    curves = tuple(reduce(f"c{i}", x, rng.lognormal(3, 1, len(x)), 500) for i in range(3))
    panels = tuple(Panel(f"p{i}", "Loss", "", "step", curves, log=True, evidence=i < 4) for i in range(14))
    assert len(render(make_analysis(panels=panels)).encode()) < 1_000_000


def test_lone_surrogates_do_not_keep_the_page_from_being_written() -> None:
    render(make_analysis("\udce4.yaml")).encode()


def test_library_frames_are_folded_and_own_frames_open() -> None:
    trace = (
        'Traceback\n  File "/me/train.py", line 1\n    go()\n  File "/v/site-packages/t.py", line 2\n    x\nError: y'
    )
    assert [f.library for f in fold(trace)] == [False, True, False]
    assert "go()" in fold(trace)[0].text


def test_where_all_frames_are_library_code_the_innermost_is_open() -> None:
    frames = fold(
        'Traceback\n  File "/v/site-packages/a.py", line 1\n    a\n  File "/v/site-packages/b.py", line 2\n    b\nE: y'
    )
    opened = [f.text for f in frames if not f.library]
    assert any("b.py" in t for t in opened)
    assert not any("a.py" in t for t in opened)
    assert "\n".join(f.text for f in frames).count("File") == 2


@pytest.mark.parametrize("character", ["<", ">", "&", "\u2028", "\u2029"])
def test_script_safe_changes_no_value(character: str) -> None:
    safe = script_safe(json.dumps(f"a{character}b", ensure_ascii=False))
    assert character not in safe
    assert json.loads(safe) == f"a{character}b"


def test_contrast_is_at_least_4_5_in_both_themes() -> None:
    """WCAG 2.2, 1.4.3: text against every ground that it stands on."""
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)", 1)
    for theme in (light, dark.split("* {", 1)[0]):
        colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme))
        for ink in ("ink", "muted", "bad", "warn", "good", "cool", "mark", *(f"c{i}" for i in range(8))):
            assert contrast(colour[ink], colour["card"]) >= 4.5, ink
        for tone in ("bad", "warn", "good", "cool"):
            for ink in (tone, "ink", "muted", "cool"):
                assert contrast(colour[ink], colour[f"{tone}-ground"]) >= 4.5, (ink, tone)
        for ink in ("ink", "minus", "plus"):
            assert contrast(colour[ink], colour["code"]) >= 4.5, ink


def contrast(a: str, b: str) -> float:
    """Ratio of relative luminances, WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_a_real_run_of_600_epochs_takes_at_most_400_kb() -> None:
    page = render(analysed("healthy"))
    assert len(page.encode()) <= 400_000
    assert page.count("<svg") > 8


def test_a_command_of_a_hundred_arguments_scrolls_and_a_short_one_does_not() -> None:
    short = make_analysis()
    long = replace(short, page=replace(short.page, next_command="yolo train " + "a=1 " * 300))
    (box,) = [a for t, a in Reader(render(long)).elements if t == "pre" and a.get("id") == "next-command"]
    assert box["class"] == "long"
    assert box["tabindex"] == "0", "scrolled by keyboard"
    assert 'id="next-command">' in render(replace(short, page=replace(short.page, next_command="yolo train")))


def test_code_in_a_sentence_is_code_and_still_escaped() -> None:
    analysis = make_analysis()
    page = render(replace(analysis, page=replace(analysis.page, next_command="", next_step="Write `a<b>` <i>now</i>.")))
    assert "Write <code>a&lt;b&gt;</code> &lt;i&gt;now&lt;/i&gt;." in page


def test_the_command_marks_its_changes_and_says_how_sure_it_is() -> None:
    change = Change("lr0", 1.0, 0.0025)
    page = render(
        make_analysis(
            next_command="yolo train data=a.yaml lr0=0.0025 'model=<path of your weights/last.pt>'",
            next_changes=(change,),
            next_needs="weights/last.pt is not in <runs/a>",
            next_confidence=0.9,
            next_expected="No spike. Wrong if it comes back.",
        )
    )
    screen = page[: page.index("</header>")]
    assert (
        "data=a.yaml <mark>lr0=0.0025</mark> <mark>&#39;model=&lt;path of your weights/last.pt&gt;&#39;</mark>"
        in screen
    )
    assert "<del>lr0=1.0</del> → <ins>lr0=0.0025</ins>" in screen
    assert "weights/last.pt is not in &lt;runs/a&gt;" in screen
    assert "confidence 90 %" in screen
    assert "Wrong if it comes back." in screen


def test_a_finding_without_a_recommendation_says_what_to_do() -> None:
    assert "<strong>Do:</strong> Write <code>x</code>." in render(make_analysis(to_do={"plateau": "Write `x`."}))


def test_its_libraries_can_be_loaded_before() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from trainwatch.reports import html; print('jinja2' in sys.modules); "
         "html.load(); print('jinja2' in sys.modules, 'matplotlib' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "True", "False"]

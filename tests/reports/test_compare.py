"""Both renderers of a comparison."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from trainwatch.analysis import analyse
from trainwatch.compared import ArgumentChange, Comparison, Difference, FindingChange, Pair, Side
from trainwatch.comparison import Member, compare
from trainwatch.reports import compare_html, compare_text
from trainwatch.result import Curve, Mark, Panel
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"

HOSTILE = "</script><img src=x onerror=alert(1)>\"'\u202e\x1b[2J"


def made(text: str = "plain") -> Comparison:
    side = Side("A", (f"runs/{text}",), ("diverged",), (f"Diverged {text}",), ("completed",), (40,))
    curve = Curve("A", (0.0, 1.0, 2.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 90.0, 1.0), 2.0)
    pair = Pair(
        "A", "B", "helped", f"The change helped: {text}", 0.9, (f"reason {text}",), (ArgumentChange("lr0", "1", text),),
        (ArgumentChange("versions.torch", None, text),),
        (FindingChange("plateau", "critical", "went", 1, 0, f"title {text}"),),
        (Difference("score", f"Score {text}", "", "more", 0.1, 0.5, 0.4, 0.3, 0.5, "seeds", True),
         Difference("memory", "Memory", "bytes", "less", 2.0**20, None)),
    )  # fmt: skip
    panel = Panel("loss", f"Loss {text}", "", "epoch", (curve, replace(curve, name="B")), (Mark("onset", text, 1.0),))
    return Comparison("epoch", (side, replace(side, label="B")), (pair,), (panel,), (f"note {text}",), "0.1.0", 1)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("text", ["plain", "a long sentence " * 20, "x" * 300, "長い説明" * 40])
def test_text_fits(width: int, text: str) -> None:
    assert max(map(cell_len, compare_text.render(made(text), width=width).splitlines())) <= width


def test_text_tells_all() -> None:
    out = compare_text.render(made(), width=100)
    for part in ("● The change helped", "confidence 90 %", "reason plain", "- lr0=1", "+ lr0=plain", "plateau", "gone",
                 "+0.4", "+0.3 to +0.5", "1 MiB", "not measured", "█", "■ note plain"):  # fmt: skip
        assert part in out, part
    assert "\x1b[" not in out
    assert "\x1b[" in compare_text.render(made(), width=100, color=True)


def test_text_cannot_drive_the_terminal() -> None:
    assert not set(compare_text.render(made(HOSTILE), width=80)) & set("\x1b\u202e")


def test_page_is_offline_escaped_and_the_same_bytes() -> None:
    page = compare_html.render(made(HOSTILE))
    assert page == compare_html.render(made(HOSTILE))
    assert "<img" not in page
    assert page.count("</script>") == 1
    assert "\x1b" not in page
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="https?:', page)
    assert page.count("<h1") == 1
    assert '<html lang="en">' in page


def test_page_tells_all() -> None:
    page = compare_html.render(made())
    for part in (
        "The change helped: plain",
        "reason plain",
        "lr0=1",
        "gone",
        "not measured",
        "<svg role=",
        "note plain",
    ):
        assert part in page, part


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_it_asks_for_nothing_and_has_no_barrier(scheme: str, tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium")
    target = tmp_path / "c.html"
    target.write_text(compare_html.render(made(HOSTILE)), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        asked: list[str] = []
        said: list[str] = []
        for strict in (True, False):  # axe itself is a script that the page's policy forbids
            page = browser.new_context(color_scheme=scheme, bypass_csp=not strict).new_page()
            page.on("request", lambda r: asked.append(r.url))
            page.on("console", lambda m: said.append(m.text))
            page.goto(target.as_uri())
        violations = axe.Axe().run(page).response["violations"]
        browser.close()
    assert set(asked) == {target.as_uri()}
    assert said == []
    assert [v["id"] for v in violations] == []


def test_chinese_text_and_page_are_chinese() -> None:
    sides = [SAMPLES / "gradient_explosion", SAMPLES / "gradient_explosion_cured"]
    result = compare([[Member(str(p), run, analyse(run))] for p in sides for run in [read_run(p)]])
    for said in (compare_text.render(result, width=80, language="zh"), compare_html.render(result, "zh")):
        assert "修改有帮助" in said
        assert "修改了什么" in said
        assert "验证得分（fitness）" in said
        assert "40/40" in said
    page = compare_html.render(result, "zh")
    assert '<h2 id="pair-B">A 和 B</h2>' in page
    assert '<h2 id="pair-B">A and B</h2>' in compare_html.render(result, "en")
    assert '<html lang="zh-CN">' in compare_html.render(result, "zh")
    assert '"headline": "The change helped' in compare_html.render(result, "zh"), "the machine copy stays English"


def test_in_chinese_the_stops_are_chinese_and_a_list_of_names_has_its_own() -> None:
    of = [
        [Member(n, run := read_run(SAMPLES / n), analyse(run))]
        for n in ("gradient_explosion", "gradient_explosion_cured")
    ]
    out = compare_text.render(compare(of), width=120, language="zh")
    assert "修改有帮助：dead-output、gradient-explosion 和 loss-explosion 已消失，且验证得分更好" in out
    assert "gradient_explosion：已发散" in out
    assert "（fitness），按轮" in out
    assert "之前有、现在已消失的严重故障：dead-output、gradient-explosion 和 loss-explosion。" in out
    english = compare_text.render(compare(of), width=120)
    assert "gradient_explosion: Diverged" in english
    assert "Critical before, and gone now: dead-output, gradient-explosion and loss-explosion." in english


def test_the_page_says_above_the_fold_what_was_changed() -> None:
    page = compare_html.render(made())
    header = page[: page.index("<main>")]
    assert "<del>lr0=1</del> → <ins>lr0=plain</ins>" in header
    assert "<small>before</small>" in header
    assert "(decides)" in page

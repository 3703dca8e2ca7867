"""The page in a real browser: silent, accessible in both themes, complete on paper and without scripts, and interactive."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples import analysed
from synthetic import make_analysis, make_finding

from trainwatch.reports.html import render
from trainwatch.runs import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
NAMES = ("gradient_explosion", "host_memory_creep", "nan_loss", "stabilised", "unwatched")
"""Between them these hold every block of the page."""
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of every sample run."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name in NAMES:
        made[name] = folder / f"{name}.html"
        made[name].write_text(render(analysed(name)), encoding="utf-8")
    return made


def opened(browser: Any, path: Path, **context: Any) -> tuple[Any, list[str]]:
    """Open a page; return it and everything it complained about or asked the network for."""
    page = browser.new_context(viewport={"width": 1100, "height": 900}, **context).new_page()
    noise: list[str] = []
    page.on("console", lambda m: noise.append(f"console {m.type}: {m.text}"))
    page.on("pageerror", lambda e: noise.append(f"error: {e}"))
    page.on(
        "request", lambda r: noise.append(f"request: {r.url}") if not r.url.startswith(("file:", "data:")) else None
    )
    page.goto(path.as_uri())
    return page, noise


def explore(page: Any) -> None:
    page.click("#explore")
    page.wait_for_selector("#explore:not([disabled])")  # no function: the page forbids eval


@pytest.mark.parametrize("name", NAMES)
def test_silent_and_accessible(browser: Any, pages: dict[str, Path], name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, noise = opened(browser, pages[name])
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.run(page)
        assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"
    assert noise == []
    page.context.close()


def test_the_charts_can_be_explored_and_put_back(browser: Any, pages: dict[str, Path]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, noise = opened(browser, pages["stabilised"])
    drawings = page.locator("figure[data-panel] .wide svg")
    assert drawings.first.is_visible()
    explore(page)
    assert page.locator(".uplot canvas").count() == drawings.count()
    assert not drawings.first.is_visible()
    assert axe.run(page).violations_count == 0
    # Zoom: dragging over the plot changes the scale of all charts with the same axis.
    plot = page.locator(".u-over").nth(0)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    before = page.locator("figure[data-panel]").nth(0).inner_text()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 50, steps=4)
    page.mouse.up()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    legend = page.locator("figure[data-panel]").nth(0).inner_text()
    assert legend != before
    assert re.search(r"fitness\s*:?\s*0\.\d+", legend), "the value under the cursor is written out"
    # A curve can be switched off, the axis can be changed.
    axis = page.locator("figure[data-panel] .axis:not([hidden]) input").first
    axis.uncheck()
    page.wait_for_selector(".uplot canvas")
    page.click("#explore")
    assert page.locator(".uplot").count() == 0
    assert drawings.first.is_visible()
    assert noise == []
    page.context.close()


def test_the_spike_of_one_step_is_in_the_interactive_chart(browser: Any, pages: dict[str, Path]) -> None:
    page, _ = opened(browser, pages["gradient_explosion"])
    explore(page)
    highest = page.evaluate(
        """async () => {
          const panel = JSON.parse(document.getElementById('panels').textContent).grad_norm;
          const packed = Uint8Array.from(atob(panel.tables[0].block), c => c.charCodeAt(0));
          const s = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
          const b = new Uint8Array(await new Response(s).arrayBuffer()), n = b.length / 4, plain = new Uint8Array(b.length);
          for (let p = 0; p < 4; p++) for (let i = 0; i < n; i++) plain[4 * i + p] = b[p * n + i];
          return Math.max(...Array.from(new Float32Array(plain.buffer)).filter(v => !Number.isNaN(v)));
        }"""
    )
    run = read_run(SAMPLES / "gradient_explosion")
    per_sample = run.steps["grad_norm"] / (run.steps["batch_size"] * run.steps["accumulate"])
    assert highest == pytest.approx(per_sample.max(), rel=1e-4)
    page.context.close()


def test_without_scripts_nothing_is_missing(browser: Any, pages: dict[str, Path]) -> None:
    page, _ = opened(browser, pages["gradient_explosion"], java_script_enabled=False)
    text = page.inner_text("body")
    for part in (
        "gradients explode",
        "What happened, in order",
        "Findings",
        "What to change",
        "lr0=0.0025",
        "Evidence",
    ):
        assert part in text
    assert page.locator("figure svg").first.is_visible()
    assert not page.locator("#explore").is_visible(), "a button that can do nothing is not shown"
    page.context.close()


def test_on_paper_everything_is_there(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    page, _ = opened(browser, pages["gradient_explosion"])
    page.emulate_media(media="print")
    closed = page.locator("details:not([open])")
    assert closed.count() >= 3
    hidden = page.evaluate(
        "[...document.querySelectorAll('details pre, details p, details td')].filter(e => e.checkVisibility &&"
        " !e.checkVisibility({contentVisibilityAuto: false}) ).length"
    )
    assert hidden == 0
    printed = page.pdf()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 3
    page.context.close()


def test_hostile_names_are_harmless(browser: Any, tmp_path: Path) -> None:
    attack = (
        "</script><script>document.title='owned'</script>\"'><img src=x onerror=\"document.title='owned'\">\u202e"
        + "x" * 10_000
    )
    analysis = make_analysis()
    finding = replace(make_finding("plateau", "critical"), title=attack, summary=attack)
    panels = tuple(
        replace(p, title=attack, curves=tuple(replace(c, name=attack) for c in p.curves)) for p in analysis.page.panels
    )
    analysis = replace(
        analysis,
        findings=(finding,),
        page=replace(analysis.page, panels=panels, notes=(attack,), facts=((attack, attack),)),
    )
    path = tmp_path / "hostile.html"
    path.write_text(render(analysis), encoding="utf-8")
    page, noise = opened(browser, path)
    if page.locator("#explore").count():
        explore(page)
    assert page.title() != "owned"
    assert noise == []
    assert page.locator("main img").count() == 0
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1100, "a long name does not make the page wider than the screen"
    page.context.close()

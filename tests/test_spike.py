"""One step of 100,000 is wrong: whoever looks must see it: in the terminal, while it trains, in print, on the page."""

from __future__ import annotations

import io
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from synthetic import make_run

from trainwatch.analysis import Config, analyse
from trainwatch.live import take_frame
from trainwatch.reports import figure, html, live, markdown, text
from trainwatch.result import Analysis
from trainwatch.runs import Run

STEPS, AT, HEIGHT = 100_000, 61_234, 87.0


@pytest.fixture(scope="module")
def run() -> Run:
    loss = np.random.default_rng(0).normal(2.0, 0.05, STEPS)
    loss[AT] = HEIGHT
    return make_run(
        {"loss": loss, "time_s": 1e9 + np.arange(STEPS)}, {"fitness": np.linspace(0.1, 0.5, 100)}, steps_per_epoch=1000
    )


@pytest.fixture(scope="module")
def analysis(run: Run) -> Analysis:
    return analyse(run, Config(now_s=0.0))


def peak(line: str) -> bool:
    """One full block among low ones, six tenths along."""
    drawn = [c for c in line if c in "▁▂▃▄▅▆▇█"]
    return drawn.count("█") == 1 and 0.5 < drawn.index("█") / len(drawn) < 0.7


def test_in_the_terminal(run: Run, analysis: Analysis) -> None:
    for written in (
        text.render(analysis, width=80),
        markdown.render(analysis),
        live.render(take_frame("x", run, analysis, now_s=0.0), width=80, height=24, now_s=0.0).plain,
    ):
        line = next(line for line in written.splitlines() if line.lower().startswith("training loss "))
        assert peak(line), line
        assert "max 87" in line


def test_in_print(analysis: Analysis) -> None:
    panel = next(p for p in analysis.page.panels if p.id == "loss")
    page = figure.draw(panel, "pdf", figure.SIZES["column"])
    drawn = b"".join(
        zlib.decompress(part.split(b"\nendstream")[0]) for part in page.split(b"stream\n")[1:] if part[:1] == b"x"
    )
    heights = [float(w[1]) for line in drawn.split(b"\n") if (w := line.split())[2:] in ([b"m"], [b"l"])]
    band = sorted(set(heights))
    assert band[-1] > 0.8 * 72 * figure.SIZES["column"][1], (
        "something is drawn near the top, where only the spike reaches"
    )


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_the_page_drawn_and_explored(analysis: Analysis, tmp_path: Path, width: int, scheme: str) -> None:
    """The band of one bucket is thinner than a pixel: what is on the screen is asked, not what is in the file."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on the path (Debian: apt-get install chromium)")
    path = tmp_path / "page.html"
    path.write_text(html.render(analysis), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        page.goto(path.as_uri())
        drawn = page.locator("figure[data-panel=loss] svg:visible").screenshot()
        page.click("#explore")
        page.wait_for_selector("#explore:not([disabled])")
        explored = page.locator("figure[data-panel=loss] .u-over").screenshot()
        browser.close()
    for picture, left, right in ((drawn, 0.45, 0.65), (explored, 0.55, 0.67)):
        assert spike_rows(picture, left, right) > 0.25, "a line in the upper half, where only the spike reaches"


def spike_rows(picture: bytes, left: float, right: float) -> float:
    """Return the share of the picture's rows with one narrow thing of strong colour between two shares of its width."""
    pixels = imread(io.BytesIO(picture))[:, :, :3].sum(axis=2) / 3
    height, width = pixels.shape
    part = pixels[: height // 2, int(left * width) : int(right * width)]
    away = abs(part - np.median(part, axis=1, keepdims=True))
    return float((away.max(axis=1) > 0.2).sum() / height)

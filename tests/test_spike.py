"""One step of 100,000 is wrong: whoever looks must see it, in the terminal, while it trains, in print."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.analysis import Config, analyse
from trainwatch.live import take_frame
from trainwatch.reports import figure, live, markdown, text
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

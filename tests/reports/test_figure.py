from __future__ import annotations

import io
import re

import numpy as np
import pytest

from trainwatch.errors import TrainwatchError
from trainwatch.reports.figure import FORMATS, SIZES, draw, parse_size
from trainwatch.result import Curve, Mark, Panel
from trainwatch.signals.envelope import reduce

STEPS = 100_000
SPIKE_AT = 61_234


def panel(spike: float = 1.0, name: str = "loss") -> Panel:
    values = np.random.default_rng(0).normal(1.0, 0.02, STEPS)
    values[SPIKE_AT] = spike
    values[5] = np.nan
    curve = reduce(name, np.arange(STEPS), values, 300)
    return Panel("loss", f"Training {name}", "", "step", (curve,), (Mark("onset", "onset", 100.0),), log=False)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_panel_gives_the_same_bytes(format_: str) -> None:
    first = draw(panel(), format_, SIZES["column"])
    assert first == draw(panel(), format_, SIZES["column"])
    assert first.startswith({"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[format_])
    assert b"Date" not in first


def test_a_spike_of_one_step_in_100000_is_drawn() -> None:
    from matplotlib.image import imread

    with_spike, without = (imread(io.BytesIO(draw(panel(s), "png", SIZES["column"]))) for s in (50.0, 1.0))
    height, width = with_spike.shape[:2]
    column = round(width * (0.12 + 0.86 * SPIKE_AT / STEPS))
    upper = with_spike[: height // 2, column - width // 12 : column + width // 12, :3]
    assert (upper.min(axis=2) < 0.9).any(), "something is drawn in the upper half, where only the spike reaches"
    assert without.shape == with_spike.shape
    svg = draw(panel(50.0), "svg", SIZES["column"]).decode()
    assert len(svg) < 400_000


def test_sizes() -> None:
    assert parse_size("column") == SIZES["column"]
    assert parse_size("89x60mm") == pytest.approx((3.504, 2.362), abs=1e-3)
    assert parse_size("3.5x2.4in") == (3.5, 2.4)
    for bad in ("", "3x", "0x0in", "9999x9999in", "-3x2in", "3x2", "nanx2in", "1e3x2in"):
        with pytest.raises(TrainwatchError):
            parse_size(bad)
    found = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", draw(panel(), "pdf", (3.5, 2.4)))
    assert found is not None
    assert [float(v) for v in found.groups()] == pytest.approx([252.0, 172.8])


@pytest.mark.parametrize("format_", FORMATS)
def test_odd_panels(format_: str) -> None:
    empty = Curve("x", (0.0,), (None,), (None,), (None,), 1.0, (0.0,))
    lone = Curve("$x_{</svg>", (0.0,), (1e300,), (1e300,), (1e300,), 1.0)
    for curves in ((empty,), (lone,), (empty, lone) * 6, ()):
        out = draw(
            Panel("p", "Title $x$ </svg><script>", "bytes", "epoch", curves, log=True, limit=1.0),
            format_,
            (3.0, 2.0),
            title=True,
        )
        assert len(out) > 500
        assert b"<script>" not in out


def test_words_are_words_and_fit() -> None:
    from dataclasses import replace

    wide = replace(panel(), title="Gradient norm per sample, before clipping of all of them", log=True)
    svg = draw(wide, "svg", SIZES["column"]).decode()
    assert "mathdefault" not in svg
    assert "sample, before" not in svg, "a long label is written on two lines"

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from trainwatch.reports.charts import coarser, describe, draw_svg, labels
from trainwatch.result import Curve, Mark, Panel
from trainwatch.signals.envelope import reduce


def panel(*curves: Curve, **more: object) -> Panel:
    fields: dict[str, object] = {"id": "loss", "title": "Training loss", "unit": "", "x_unit": "step", **more}
    return Panel(curves=curves, **fields)  # type: ignore[arg-type]


def curve(values: object, name: str = "loss", buckets: int = 800) -> Curve:
    array = np.asarray(values, float)
    return reduce(name, np.arange(len(array)), array, buckets)


def texts(svg: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def tags(svg: str) -> str:
    return " ".join(re.findall(r"<[^>]*>", svg))


def test_it_is_a_well_formed_image_with_a_description_and_without_the_clock() -> None:
    svg = draw_svg(panel(curve([3.0, 2.0, 1.0])))
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Training loss by step: loss from 3 to 1, smallest 1, largest 3."
    assert "metadata" not in svg
    assert "<?xml" not in svg
    assert svg == draw_svg(panel(curve([3.0, 2.0, 1.0])))


def test_every_colour_follows_the_theme() -> None:
    many = [curve(np.arange(1.0, 2000.0) * i, f"c{i}", 100) for i in range(1, 9)]
    svg = draw_svg(panel(*many, limit=9e4, marks=(Mark("onset", "onset: x", 4.0), Mark("checkpoint", "best", 5.0))))
    assert not re.search(r"#[0-9a-f]{6}\b", tags(svg))
    assert {f"var(--c{i})" for i in range(8)} <= set(re.findall(r"var\(--\w+\)", svg))
    # What has no fill is black in every theme.
    assert all("fill" in e for e in re.findall(r"<text[^>]*>", svg))


def test_digits_of_labels_are_kept_and_coordinates_are_short() -> None:
    svg = draw_svg(panel(curve([0.0112, 0.0125, 0.0171]), limit=0.0137))
    assert any(re.fullmatch(r"0\.01\d+", t) for t in texts(svg))
    assert "limit 0.0137" in texts(svg)
    assert not re.search(r"\d\.\d\d", " ".join(re.findall(r' d="([^"]*)"', svg)))


def test_text_from_the_training_stays_text() -> None:
    name = "<b>$\\frac{1}$ #0001f0 1.2345"
    svg = draw_svg(panel(curve([1.0, 2.0], name[:20]), curve([2.0, 3.0], "#000101 1.2345"), id='x" onload="alert(1)'))
    assert "#000101 1.2345" in texts(svg)
    assert any(t.startswith("<b>$") for t in texts(svg))
    assert "onload=" not in svg


@pytest.mark.parametrize("name", ["損失", "a\x1b[31mb", "\ud800"])
def test_odd_names_neither_warn_nor_break(name: str) -> None:
    draw_svg(panel(curve([1.0, 2.0], name), curve([2.0, 3.0]))).encode()


def test_two_charts_share_no_id() -> None:
    marks = (Mark("checkpoint", "best", 1.0),)
    one, two = (draw_svg(panel(curve([1.0, 2.0, 3.0]), id=i, marks=marks)) for i in ("a", "b_close"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, known in zip((one, two), ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= known


def test_a_thousand_non_finite_values_cost_little() -> None:
    values = np.ones(2000)
    values[::2] = np.nan
    quiet, loud = (len(draw_svg(panel(curve(v)))) for v in (np.ones(2000), values))
    assert "var(--bad)" in draw_svg(panel(curve(values)))
    assert loud - quiet < 25_000


def test_nothing_finite_one_value_and_zero_can_be_drawn() -> None:
    for values in ([np.nan, np.nan], [5.0], [0.0, 0.0], [-1.0, 1.0], [3e38, 1e-7]):
        for log in (False, True):
            ET.fromstring(draw_svg(panel(curve(values), log=log)))


def test_joining_buckets_keeps_the_spike_and_the_dip() -> None:
    values = np.ones(5000)
    values[1234], values[4321] = 87.0, -3.0
    joined = coarser(curve(values), 50)
    assert len(joined.x) <= 50
    assert max(v for v in joined.high if v is not None) == 87.0
    assert min(v for v in joined.low if v is not None) == -3.0
    assert joined.points_per_bucket * len(joined.x) >= 5000


def test_epochs_are_shown_as_the_trainer_counts_them() -> None:
    shown = panel(curve([1.0, 2.0]), x_unit="epoch", marks=(Mark("onset", "onset: plateau", 1.0),))
    assert describe(shown, first_epoch=1).endswith("onset: plateau at epoch 2.")
    assert describe(replace(shown, x_unit="step"), first_epoch=1).endswith("at step 1.")


def test_memory_is_written_in_whole_binary_units() -> None:
    ticks = texts(draw_svg(panel(curve(np.linspace(1, 7, 50) * 2**30), unit="bytes", limit=float(2**36))))
    assert {"0", "2 GiB", "4 GiB"} <= set(ticks)
    assert any("far above" in t for t in ticks)


def test_memory_below_zero_has_as_few_ticks() -> None:
    values = np.linspace(-1e15, -1e14, 20)
    assert len(texts(draw_svg(panel(curve(values), unit="bytes", x_unit="epoch")))) < 20


def test_marks_at_one_place_share_their_words_and_keep_their_lines() -> None:
    marks = (
        Mark("onset", "onset: a", 50.0),
        Mark("onset", "onset: b", 52.0),
        Mark("mosaic_closed", "mosaic closed", 53.0),
    )
    close = draw_svg(panel(curve(np.arange(1.0, 101.0)), marks=marks))
    assert "onset: a, b" in texts(close)
    assert "mosaic closed" not in texts(close)
    assert close.count("stroke: var(--bad)") == 2
    apart = draw_svg(panel(curve(np.arange(1.0, 101.0)), marks=(marks[0], replace(marks[1], x=90.0))))
    assert {"onset: a", "onset: b"} <= set(texts(apart))


def test_a_close_up_tells_onsets_apart_that_the_whole_run_cannot() -> None:
    x = np.arange(900_000.0, 900_360.0)
    marks = (Mark("onset", "onset: a", 900_050.0), Mark("onset", "onset: b", 900_250.0))
    assert {"onset: a", "onset: b"} <= set(texts(draw_svg(panel(reduce("a", x, x), marks=marks))))


def test_a_phone_is_told_the_onset_and_has_ids_of_its_own() -> None:
    shown = panel(curve(np.arange(1.0, 101.0)), marks=(Mark("onset", "onset: a", 9.0), Mark("stage", "stage 2", 60.0)))
    narrow = draw_svg(shown, narrow=True)
    assert "onset: a" in texts(narrow)
    assert "stage 2" not in texts(narrow)
    assert not set(re.findall(r'\bid="([^"]+)"', narrow)) & set(re.findall(r'\bid="([^"]+)"', draw_svg(shown)))


def test_ticks_far_from_one_are_short() -> None:
    ticks = texts(draw_svg(panel(curve([1e-8, 1.0, 1e7]), log=True)))
    assert any(re.fullmatch(r"1e-0\d", t) for t in ticks)
    assert not any("000e" in t for t in ticks)


def test_a_heat_map_has_a_row_per_layer_and_marks_what_is_not_finite() -> None:
    from trainwatch.reports._heat import cells

    layers = [curve(np.geomspace(1.0, 1e-3, 200) * i, f"model.{i}", 100) for i in range(1, 31)]
    layers[4] = curve(np.where(np.arange(200) == 7, np.nan, 2.0), "model.5", 100)
    heat = panel(*layers, heat=True, log=True, id="layers")
    _, grid, bad = cells(heat)
    assert grid.shape == (30, 100)
    assert bad[4] == (7.0,)
    svg = draw_svg(heat)
    assert svg.count("data:image/png;base64,") == 1
    assert "model.1" in texts(svg)
    assert len(svg) < 20_000
    assert svg == draw_svg(heat)
    assert "var(--bad)" in svg
    ET.fromstring(svg)


def test_a_cell_without_a_value_is_hatched_and_a_zero_is_the_darkest() -> None:
    from trainwatch.result import Curve

    def row(name: str, *values: float | None) -> Curve:
        return Curve(name, tuple(range(len(values))), values, values, values, 1.0)

    def heat(*rows: Curve) -> str:
        return draw_svg(panel(*rows, heat=True, log=True, id="layers"))

    whole = heat(row("a", 100.0, 10.0, 0.5, 0.5), row("b", 1.0, 1.0, 1.0, 1.0))
    assert "<pattern" not in whole
    assert texts(whole)[-4:] == ["light: 94", "or more", "dark: 0.5", "or less"]
    gaps = heat(row("a", 100.0, None, None, 0.5), row("b", 1.0, 1.0, None, 1.0))
    hatch, picture = gaps.index("url(#p-layers-box-hatch)"), gaps.index("<image")
    assert hatch < picture, "seen through the clear cells of the picture"
    sides = [re.findall(r' (x|y|width|height)="([^"]+)"', gaps[gaps.rindex("<", 0, i) :]) for i in (hatch, picture)]
    assert sides[0][:4] == sides[1][:4]
    assert texts(gaps)[-2:] == ["hatched:", "no value"]
    zero = heat(row("a", 100.0, 0.0, 1e-21, 1e-21), row("b", 1e-21, 1e-21, 1.0, 1.0))
    assert "<pattern" not in zero
    assert texts(zero)[-2:] == ["dark: less than", "a millionth of it"]
    small = heat(row("a", 3e-9, 2e-9, 1e-9, 1e-9))
    assert "light: 3e-09" in texts(small)


def test_a_forecast_is_drawn_and_told() -> None:
    from trainwatch.result import Forecast

    ahead = Forecast(x=99.0, y=2e9, x_end=300.0, low=3e9, mid=4e9, high=5e9)
    grows = panel(curve(np.linspace(1e9, 2e9, 100), "rss_bytes"), unit="bytes", limit=4.5e9, forecast=ahead)
    svg = draw_svg(grows)
    assert "forecast" in texts(svg)
    assert any(t.startswith("limit 4.19 GiB") and "far above" not in t for t in texts(svg)), (
        "the forecast brings it near"
    )
    assert "forecast up to 3.73 GiB" in describe(grows)


def test_no_word_at_a_mark_covers_another() -> None:
    marks = [Mark("stage", f"stage {i}", float(i)) for i in range(100)]
    marks += [Mark("onset", "onset: loss-explosion", 43.0), Mark("onset", "onset: gradient-explosion", 46.0)]
    marks += [Mark("onset", "onset: dead-output", 70.0), Mark("exception", "exception", 99.0)]
    placed = labels(marks, lambda x: x, 100.0)
    assert [p.text for p in placed[:2]] == ["onset: loss-explosion, gradient-explosion", "onset: dead-output"]
    spans = sorted((p.x - len(p.text), p.x) if p.leftwards else (p.x, p.x + len(p.text)) for p in placed)
    assert all(b >= a for (_, a), (b, _) in pairwise(spans))
    assert spans[0][0] >= -1
    assert spans[-1][1] <= 101
    assert labels([Mark("onset", "onset: a", 9.0)], lambda x: x / 9.0, 4.0) == [], "no room, no word"


@pytest.mark.parametrize("width", [40.0, 60.0, 90.0, 136.0])
@pytest.mark.parametrize("at", [(19, 46, 57), (1, 20, 40, 60, 80), (90, 95, 99), (50, 50, 50), tuple(range(0, 100, 7))])
def test_every_onset_is_named(at: tuple[int, ...], width: float) -> None:
    """In the second row, or together with its neighbour: an unnamed line says nothing."""
    marks = [Mark("onset", f"onset: fault-number-{i}", float(x)) for i, x in enumerate(at)]

    def letters(x: float) -> float:
        return x / 100 * width

    placed = labels(marks, letters, width, width / 3)
    told = sum(1 + int((re.search(r"\+(\d+)$", p.text) or [0, 0])[1]) + p.text.count(",") for p in placed)
    cut = any(p.text.endswith("…") for p in placed)
    assert told == len(at) or cut, [p.text for p in placed]
    assert placed[0].x == at[0]
    for row in {p.row for p in placed}:
        spans = [(letters(p.x), len(p.text), p.leftwards) for p in placed if p.row == row]
        ends = sorted((x - n, x) if left else (x, x + n) for x, n, left in spans)
        assert all(b >= a for (_, a), (b, _) in pairwise(ends))
    above = [letters(p.x) for p in placed if p.row]
    below = [(letters(p.x) - (len(p.text) if p.leftwards else 0), len(p.text)) for p in placed if not p.row]
    assert not any(start < x < start + long for x in above for start, long in below), "its line crosses no word"


def test_a_word_of_the_second_row_stands_higher_on_a_line_of_its_own() -> None:
    close = [Mark("onset", f"onset: {'a-long-name-of-a-fault'}-{i}", float(x)) for i, x in enumerate((40, 55))]
    svg = draw_svg(panel(curve(np.ones(100)), marks=close))
    assert sum("a-long-name" in t for t in texts(svg)) == 2


def test_a_long_label_is_cut() -> None:
    (placed,) = labels([Mark("stage", "x" * 500, 0.0)], lambda x: x, 100.0)
    assert placed.text.endswith("…")
    assert len(placed.text) <= 48

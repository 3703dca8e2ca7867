"""Paths and pictures of a chart."""

from __future__ import annotations

import io
import random
import re
import xml.etree.ElementTree as ET

import pytest

from trainwatch.reports import _svg
from trainwatch.reports._svg import path


def points(path: str) -> list[tuple[float, float]]:
    """Return the end points of a path of relative and absolute commands, as a browser would place them."""
    made: list[tuple[float, float]] = []
    at = start = (0.0, 0.0)
    for command, rest in re.findall(r"([MmLlCcQqZz])([^MmLlCcQqZz]*)", path):
        numbers = [float(v) for v in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", rest)]
        if command in "Zz":
            at = start
            continue
        per = {"c": 6, "q": 4}.get(command.lower(), 2)
        for i in range(0, len(numbers), per):
            x, y = numbers[i + per - 2 : i + per]
            at = (at[0] + x, at[1] + y) if command.islower() else (x, y)
            if command in "Mm" and i == 0:
                start = at
            made.append(at)
    return made


def test_the_same_points_to_a_tenth_and_shorter() -> None:
    rng = random.Random(0)
    drawn = [
        [(i + rng.random(), rng.random() * 100) for i in range(700)],
        [(i + rng.random(), rng.random() * 100) for i in range(900, 2000)],
    ]
    for closed in (False, True):
        made = path(drawn, closed=closed)
        shown = points(made)
        for (a, b), (c, d) in zip([p for part in drawn for p in part], shown, strict=True):
            assert a == pytest.approx(c, abs=0.051)
            assert b == pytest.approx(d, abs=0.051)
        assert made.count("z") == 2 * closed
    absolute = " ".join(f"L {x:.1f} {y:.1f}" for part in drawn for x, y in part)
    assert len(made) < 0.8 * len(absolute)


def test_a_straight_way_is_one_line_and_a_turn_is_kept() -> None:
    assert path([[(float(i), 5.0) for i in range(300)]]) == "M0 5l299 0"
    assert path([[(0.0, 0.0), (2.0, 0.0), (1.0, 0.0)]]) == "M0 0l2 0-1 0", "back is not straight on"
    assert path([[(0.0, 0.0), (1.0, 1.0), (3.0, 3.0), (3.0, 0.0)]]) == "M0 0l3 3 0-3"


def test_one_point_is_a_dot_and_no_point_is_nothing() -> None:
    assert path([[(1.04, -0.26)]]) == "M1-.3l0 0"
    assert path([[], [(1.0, 1.0), (1.0, 1.0)]]) == "M1 1l0 0"
    assert path([]) == ""


def test_a_second_part_begins_where_the_first_one_ends_or_began() -> None:
    two = [[(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)], [(10.0, 10.0), (11.0, 10.0)]]
    assert path(two) == "M0 0l4 0 0 4m6 6l1 0"
    assert path(two, closed=True) == "M0 0l4 0 0 4zm10 10l1 0z"


def test_words_are_escaped_and_an_id_is_the_charts_own() -> None:
    text = ET.fromstring(_svg.text(1.0, 2.0, '<b>&"', 7.5, "var(--ink)", "end"))
    assert text.text == '<b>&"'
    assert _svg.own_id("p-", 'x" onload="y') == "p-x--onload--y-box"


def test_a_picture_holds_its_pixels() -> None:
    imread = pytest.importorskip("matplotlib.image").imread
    made = imread(io.BytesIO(_svg.png([b"\0\1\2", b"\2\2\0"], [(9, 9, 9), (255, 0, 0), (0, 0, 255)])))
    assert made.shape == (2, 3, 4)
    assert made[0, 0, 3] == 0, "the first colour is clear"
    assert made[0, 1].tolist() == [1, 0, 0, 1]
    assert made[1, 1].tolist() == [0, 0, 1, 1]
    assert made[1, 2, 3] == 0

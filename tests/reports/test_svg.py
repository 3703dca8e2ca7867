"""matplotlib's SVG made an element of a page."""

from __future__ import annotations

import random
import re

import pytest

from trainwatch.reports._svg import relative_path


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
    x, path = 0.0, []
    for i in range(2000):
        x += rng.random()
        path.append(f"{'M' if i in (0, 900) else 'L'} {x:.6f} {rng.random() * 100:.6f}")
    text = " \n".join([*path[:700], "z", *path[900:]])
    made = relative_path(text)
    for (a, b), (c, d) in zip(points(text), points(made), strict=True):
        assert a == pytest.approx(c, abs=0.051)
        assert b == pytest.approx(d, abs=0.051)
    assert len(made) < 0.6 * len(re.sub(r"(\.\d)\d+", r"\1", text))


def test_curves_and_markers() -> None:
    circle = "M 0 2 C 0.53 2 1.04 1.79 1.41 1.41 C 1.79 1.04 2 0.53 2 0 Q 1 1 -3 -0.5 z"
    made = points(relative_path(circle))
    assert [(round(x, 6), round(y, 6)) for x, y in made] == [(0, 2), (1.4, 1.4), (2, 0), (-3, -0.5)]
    assert relative_path("M 0 0 L 10 -0.04 L 10 5.5") == "M0 0l10 0 0 5.5"


def test_what_it_does_not_know_is_left_alone() -> None:
    assert relative_path("M 0 0 A 5 5 0 0 1 3 3") == "M 0 0 A 5 5 0 0 1 3 3"
    assert relative_path("") == ""

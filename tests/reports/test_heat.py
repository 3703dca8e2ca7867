from __future__ import annotations

import io

import numpy as np
import pytest

from trainwatch.reports._heat import MAP, Picture, legend, palette, picture
from trainwatch.reports._scale import LARGEST


def test_the_colours_are_cividis() -> None:
    colormaps = pytest.importorskip("matplotlib").colormaps
    known = 255 * colormaps["cividis"](np.linspace(0, 1, 255))[:, :3]
    assert abs(np.array(palette()) - known).max() < 3
    assert list(MAP) == sorted(MAP)


def test_a_cell_is_a_pixel_and_what_is_not_finite_is_clear() -> None:
    imread = pytest.importorskip("matplotlib.image").imread
    grid = np.geomspace(1.0, 1e4, 200).reshape(4, 50)
    grid[2, 7] = np.nan
    made = picture(grid, log=True)
    assert made is not None
    png, low, high, floored, gaps = made
    assert gaps
    assert not floored
    assert (low, high) == (pytest.approx(1.0, rel=0.1), pytest.approx(1e4, rel=0.1))
    pixels = imread(io.BytesIO(png))
    assert pixels.shape[:2] == grid.shape
    assert np.argwhere(pixels[:, :, 3] == 0).tolist() == [[2, 7]]
    light = pixels[:, :, :3].sum(axis=2)[pixels[:, :, 3] > 0]
    assert (np.diff(light) >= -0.02).all(), "lighter is higher"


def test_a_zero_is_the_darkest_and_the_bottom_is_a_millionth_of_the_top_at_least() -> None:
    imread = pytest.importorskip("matplotlib.image").imread
    made = picture(np.array([[100.0, 0.0, 1e-21, 1e-21], [1e-21, 1e-21, 1.0, 1e-5]]), log=True)
    assert made is not None
    assert (made.floored, made.gaps) == (True, False)
    assert made.low == pytest.approx(made.high / 1e6)
    cells = (255 * imread(io.BytesIO(made.png))[:, :, :3]).round().astype(int).tolist()
    assert cells[0][0] == list(palette()[-1])
    assert [cells[0][1], cells[0][2], cells[1][0]] == 3 * [list(palette()[0])]
    assert cells[1][2] not in (cells[0][0], cells[0][1])


@pytest.mark.parametrize(
    ("value", "text"), [(1200.0, "1200"), (0.5, "0.5"), (2.9e-7, "3e-07"), (0.0, "0"), (4e9, "4e+09")]
)
def test_the_legend_writes_short_numbers(value: float, text: str) -> None:
    assert legend(Picture(b"", value, 2e3, False, True)) == [
        "light: 2000", "or more", f"dark: {text}", "or less", "hatched:", "no value",
    ]  # fmt: skip


@pytest.mark.parametrize("log", [False, True])
def test_one_height_and_none(log: bool) -> None:
    assert picture(np.full((2, 3), np.nan), log) is None
    assert (picture(np.zeros((2, 3)), log) is None) == log
    assert picture(np.full((2, 3), 5.0), log) is not None
    assert picture(np.array([[-1.0, 1.0, 10.0]]), log) is not None


@pytest.mark.parametrize("cells", [[1e300] * 3, [2.0**62] * 3, [-1.7e308, 0.0, 1.7e308]])
@pytest.mark.parametrize("log", [False, True])
def test_huge_values_neither_overflow_nor_warn(cells: list[float], log: bool) -> None:
    with np.errstate(all="raise"):
        made = picture(np.array([cells]), log)
    assert made is not None
    assert abs(made.high) <= LARGEST

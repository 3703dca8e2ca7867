from __future__ import annotations

import io

import numpy as np
import pytest

from trainwatch.reports._heat import MAP, palette, picture


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
    png, low, high = made
    assert (low, high) == (pytest.approx(1.0, rel=0.1), pytest.approx(1e4, rel=0.1))
    pixels = imread(io.BytesIO(png))
    assert pixels.shape[:2] == grid.shape
    assert np.argwhere(pixels[:, :, 3] == 0).tolist() == [[2, 7]]
    light = pixels[:, :, :3].sum(axis=2)[pixels[:, :, 3] > 0]
    assert (np.diff(light) >= -0.02).all(), "lighter is higher"


@pytest.mark.parametrize("log", [False, True])
def test_one_height_and_none(log: bool) -> None:
    assert picture(np.full((2, 3), np.nan), log) is None
    assert (picture(np.zeros((2, 3)), log) is None) == log
    assert picture(np.full((2, 3), 5.0), log) is not None
    assert picture(np.array([[-1.0, 1.0, 10.0]]), log) is not None

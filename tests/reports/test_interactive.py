"""What the page's script gets: the numbers come back, non-finite ones as such, and nothing depends on the clock."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np
import pytest

from trainwatch.reports._interactive import LIBRARY, STYLE, VENDOR, library, panels
from trainwatch.result import Mark, Panel
from trainwatch.signals.envelope import reduce


def unpacked(table: dict[str, Any]) -> Any:
    planes = np.frombuffer(gzip.decompress(base64.b64decode(table["block"])), np.uint8).reshape(4, -1)
    return planes.T.copy().view("<f4").reshape(table["rows"], table["points"])


def panel(values: Any, **more: Any) -> Panel:
    curve = reduce("loss", 20_000_000 + np.arange(len(values)), values, 100)
    return Panel("loss", "Loss", "", "step", (curve,), **more)


def test_the_numbers_come_back_to_four_digits_with_the_exact_place_and_height_of_a_spike() -> None:
    values = np.random.default_rng(0).lognormal(size=1000)
    values[123] = 8700.0
    values[500] = np.nan
    (table,) = panels([panel(values)], 0)["loss"]["tables"]
    low, _, high = unpacked(table)
    curve = reduce("loss", np.arange(1000), values, 100)
    assert high == pytest.approx(np.array(curve.high, float), rel=1e-4)
    assert low == pytest.approx(np.array(curve.low, float), rel=1e-4)
    assert high.max() == pytest.approx(8700.0, rel=1e-4)
    # float32 could not hold these steps.
    assert table["x"] == [20_000_000.0, 10.0]
    assert table["curves"][0]["bad"] == [20_000_500.0]


def test_missing_values_are_missing_and_single_values_are_stored_once() -> None:
    (table,) = panels([panel([1.0, np.inf, 3.0])], 0)["loss"]["tables"]
    assert table["rows"] == 1
    assert np.isnan(unpacked(table)[0, 1])


def test_epochs_are_shifted_as_the_users_tool_counts_and_a_heat_map_is_left_to_the_drawing() -> None:
    curve = reduce("score", np.arange(5), np.arange(5.0), 100)
    drawn = Panel("score", "Score", "", "epoch", (curve,), marks=(Mark("onset", "onset: x", 3.0),))
    made = panels([drawn, Panel("layers", "L", "", "epoch", (curve,), heat=True)], 1)
    assert list(made) == ["score"]
    assert made["score"]["tables"][0]["x"] == [1.0, 1.0]
    assert made["score"]["marks"] == [[4.0, "onset", "onset: x"]]


def test_the_library_is_the_one_in_the_folder_with_its_licence() -> None:
    assert gzip.decompress(base64.b64decode(library())) == LIBRARY.read_bytes()
    assert library() == library(), "no clock in it"
    assert b"uPlot" in LIBRARY.read_bytes()
    assert ".uplot" in STYLE.read_text()
    assert "MIT License" in (VENDOR / "LICENSE-uPlot").read_text()

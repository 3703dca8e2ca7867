from __future__ import annotations

import math

import pytest

from trainwatch.reports._scale import Scale, around, decades, even, multiples, of_each_decade


def test_the_ends_have_room_and_places_are_shares() -> None:
    scale = around([2.0, 12.0], 0.05)
    assert (scale.low, scale.high) == (1.5, 12.5)
    assert scale.share(1.5) == 0
    assert scale.share(7.0) == 0.5
    assert scale.share(12.5) == 1


def test_a_logarithmic_axis_counts_decades() -> None:
    scale = around([0.0, 0.01, 100.0], 0.25, log=True)
    assert (scale.low, scale.high) == (pytest.approx(0.001), pytest.approx(1000.0))
    assert scale.share(1.0) == pytest.approx(0.5)
    assert scale.share(0.0) < -1, "what is not positive lies outside"


@pytest.mark.parametrize("values", [[], [0.0], [5.0], [-3.0, -3.0], [1e300, 1e300], [5e-324]])
@pytest.mark.parametrize("log", [False, True])
def test_one_value_or_none_has_an_axis(values: list[float], log: bool) -> None:
    scale = around(values, 0.01, log=log)
    assert scale.low < scale.high
    assert all(-1e-9 <= scale.share(v) <= 1 + 1e-9 for v in values if v > 1e-99 or not log)
    assert even(scale, 4)


def test_ticks_are_round_and_few() -> None:
    assert even(Scale(0.0, 1_000_000.0), 8) == [k * 150_000.0 for k in range(7)]
    assert even(Scale(-0.02, 0.61), 4) == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert even(Scale(99.9, 103.2), 4, (1.0, 2.0, 5.0)) == [100.0, 101.0, 102.0, 103.0]


def test_steps_and_epochs_are_whole() -> None:
    assert even(Scale(0.97, 4.03), 8, whole=True) == [1.0, 2.0, 3.0, 4.0]
    assert even(Scale(0.95, 1.05), 8, whole=True) == [1.0], "once, not once per place"


@pytest.mark.parametrize("low", [-1e9, 0.0, 1e-12, 3.7, 1e12])
@pytest.mark.parametrize("span", [1e-9, 0.3, 17.0, 1e15])
def test_any_axis_has_two_ticks_or_more_and_they_lie_on_it(low: float, span: float) -> None:
    if low and span < 1e-9 * abs(low):
        return
    scale = Scale(low, low + span)
    ticks = even(scale, 4)
    assert 2 <= len(ticks) <= 8
    assert all(-1e-6 <= scale.share(v) <= 1 + 1e-6 for v in ticks)


def test_powers_of_ten_are_thinned() -> None:
    assert decades(Scale(0.05, 2000.0, True), 5) == pytest.approx([0.1, 1, 10, 100, 1000])
    many = decades(Scale(1e-30, 1e30, True), 5)
    assert len(many) <= 6
    assert {round(math.log10(v)) % 11 for v in many} == {0}, "at multiples of their distance"
    assert of_each_decade(Scale(0.3, 12.0, True)) == pytest.approx([0.5, 1, 2, 5, 10])


def test_multiples() -> None:
    assert multiples(Scale(0.0, 2.0**31), 2.0**30) == [0.0, 2.0**30, 2.0**31]

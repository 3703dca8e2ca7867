from __future__ import annotations

import math
from dataclasses import replace

import pytest
from synthetic import make_analysis

from trainwatch.reports import wording
from trainwatch.result import Change, Quantity, Verdict, Where


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.03, "0.03"), (0.0312345, "0.03123"), (3e-4, "0.0003"), (12345.6, "12346"), (1.5e7, "1.500e+07"), (0.0, "0"),
     (-0.03, "-0.03"), (math.nan, "nan"), (-math.inf, "-inf")],
)  # fmt: skip
def test_numbers_keep_their_digits(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3 * 2**20, "bytes/epoch", "3 MiB per epoch"),
        (5 * 2**30, "bytes", "5 GiB"),
        (2.5, "times", "2.5 times"),
        (7, "", "7"),
        (0.6969, "share", "69.7 %"),
        (47.0, "share", "47 times"),
        (0.04005, "share of the memory limit", "4 % of the memory limit"),
        (7.958e-06, "of the first loss", "8e-06 of the first loss"),
        (0.0, "of the time", "0 % of the time"),
    ],
)
def test_quantities_carry_their_unit(value: float, unit: str, text: str) -> None:
    assert wording.quantity(Quantity(value, unit)) == text


def test_nothing_measured_is_nothing_shown() -> None:
    assert wording.quantity(None) == ""
    assert wording.place(None, make_analysis()) == ""


def test_places_are_counted_as_the_trainer_counts() -> None:
    assert wording.place(Where(step=90, epoch=11), make_analysis()) == "epoch 12, step 90"
    assert wording.place(Where(epoch=11), make_analysis(first_epoch=0)) == "epoch 11"


def test_a_long_text_is_cut_at_a_word() -> None:
    assert wording.short("one two three", 11) == "one two…"
    assert wording.short("x" * 100, 10) == "x" * 9 + "…"
    assert wording.short("short") == "short"


def test_unprintable_characters_are_replaced_and_nothing_else() -> None:
    assert wording.clean("a\tb\nc\x1b[0m\u202e\ud800é損") == "a\tb\nc\ufffd[0m\ufffd\ufffdé損"
    assert wording.printable(make_analysis()) == make_analysis()


def test_a_size_has_no_exponent() -> None:
    assert [wording.size(x * 2**20) for x in (999.6, 1010.0, 1024.0)] == ["1000 MiB", "1010 MiB", "1 GiB"]
    assert wording.size(2000 * 2**30) == "2000 GiB"
    assert wording.size(1e100) == "9.31e+90 GiB", "no number of ninety digits beside an axis"


def test_an_option_is_no_argument_that_was_not_set() -> None:
    assert wording.changed(Change("--stabilise", None, "rescue")) == "--stabilise=rescue"
    assert wording.changed(Change("lr0", None, 0.1)) == "lr0 not set -> 0.1"


def test_a_reason_that_the_headline_tells_and_a_fact_of_a_page_length() -> None:
    said = make_analysis(cause_reason="OSError: full")
    crashed = replace(said, verdict=Verdict("crashed", "Crashed after 7 of 24 epochs: OSError: full", None, 0.9))
    assert wording.because(crashed) == ""
    assert wording.because(replace(crashed, verdict=Verdict("crashed", "Crashed", None, 0.9))) == "OSError: full"
    assert wording.fact("x " * 100) == "x " * 100, "a box wraps"
    assert len(wording.fact("x " * 9000)) <= wording.MAX_FACT

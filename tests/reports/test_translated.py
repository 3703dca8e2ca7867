"""An analysis in Chinese: sentences translated, whatever is the user's as it was."""

from __future__ import annotations

from dataclasses import replace

from synthetic import make_analysis

from trainwatch.reports.html import render
from trainwatch.reports.translated import quantity, translated
from trainwatch.result import Quantity


def test_english_is_the_same_object() -> None:
    analysis = make_analysis()
    assert translated(analysis, "en") is analysis


def test_names_commands_and_configuration_stay() -> None:
    before = make_analysis()
    page = replace(before.page, next_command="yolo train name=hang", configuration=(("Git", (("branch", "hang"),)),))
    after = translated(replace(before, page=page), "zh")
    assert after.page.next_command == "yolo train name=hang"
    assert after.page.configuration == (("Git", (("branch", "hang"),)),)
    assert [f.id for f in after.findings] == [f.id for f in before.findings]
    assert after.checks.passed == before.checks.passed


def test_quantities() -> None:
    assert quantity(Quantity(22.71, "times the median"), "zh") == "22.71 倍（相对中位数）"
    assert quantity(Quantity(2.0**21, "bytes/epoch"), "zh") == "每轮 2 MiB"
    assert quantity(Quantity(22.71, "times the median"), "en") == "22.71 times the median"
    assert quantity(Quantity(0.05, "of the validation images"), "zh") == "5 %（占验证图像）"
    assert quantity(None, "zh") == ""


def test_what_is_translated_is_escaped() -> None:
    before = make_analysis()
    verdict = replace(before.verdict, headline="Crashed after 3 of 5 epochs: <script>alert(1)</script>")
    page = render(replace(before, verdict=verdict), "zh")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page

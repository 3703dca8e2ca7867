"""Every word of the page has a translation, every check and recommendation a name; the numbers stay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from samples import analysed
from synthetic import make_analysis

from trainwatch.advice.base import Advice
from trainwatch.detectors.base import Detector
from trainwatch.registry import members
from trainwatch.reports.html import TEMPLATES, render
from trainwatch.reports.languages import LANGUAGES, catalogue, names, words
from trainwatch.reports.wording import SEVERITY_SHAPE, STATUS_SHAPE

SAMPLES = Path(__file__).parents[2] / "sample_runs"
OTHERS = sorted(set(LANGUAGES) - {"en"})


@pytest.mark.parametrize("language", OTHERS)
def test_no_word_of_the_template_is_missing(language: str) -> None:
    t = words(language)
    template = (TEMPLATES / "page.html.j2").read_text()
    asked = set(re.findall(r'\bt\("([^"]+)"\)', template)) | set(STATUS_SHAPE) | set(SEVERITY_SHAPE)
    panels = {p.title for s in ("stabilised", "host_memory_creep") for p in analysed(s).page.panels}
    facts = {label for label, _ in analysed("healthy").page.facts}
    assert len(asked) > 50
    assert [w for w in sorted(asked | facts) if t(w) == w] == []
    assert [p for p in sorted(panels) if not catalogue(language).known(p) or catalogue(language).say(p) == p] == []
    for word in asked:
        assert re.findall(r"\{\w*\}", word) == re.findall(r"\{\w*\}", t(word)), "the same values stand in it"


@pytest.mark.parametrize("language", OTHERS)
def test_every_check_and_recommendation_has_a_name(language: str) -> None:
    ids = {*members("trainwatch.detectors", Detector), *members("trainwatch.advice", Advice)}
    assert ids == set(names(language))


def test_the_chinese_page() -> None:
    page = render(analysed("gradient_explosion"), "zh")
    assert '<html lang="zh-CN">' in page
    assert "<h1>已发散：梯度从第 6 轮起爆炸" in page
    assert '"headline": "Diverged: gradients explode from epoch 6 on' in page, (
        "the document of other programs stays English"
    )
    assert "第 6 轮第 46 步" in page
    assert "学习率" in page
    assert "lr0=0.0025" in page
    assert ">Findings<" not in page


def test_english_is_what_it_was() -> None:
    assert render(make_analysis()) == render(make_analysis(), "en")

"""Every sentence that the sources write for the page has a translation, and nothing English is left on a page of a sample."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from samples import NAMES, analysed
from spoken import Spoken, spoken

from trainwatch.advice.base import Advice
from trainwatch.detectors.base import Detector
from trainwatch.registry import documentation, members, names
from trainwatch.reports.html import render
from trainwatch.reports.languages import LANGUAGES, catalogue, checks, words
from trainwatch.result import MARK
from trainwatch.to_do import to_do

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "trainwatch"
OTHERS = sorted(set(LANGUAGES) - {"en"})
FOLDERS = ("detectors", "signals", "advice", "comparison")
FILES = ("verdict", "cost", "timeline", "next_step", "what_next", "score", "analysis", "evidence", "to_do", "runs/ending", "runs/death",
         "runs/record", "importers/_epochs", "importers/trainwatch", "importers/ultralytics_csv")  # fmt: skip
SOURCES = [
    *(f for folder in FOLDERS for f in sorted((PACKAGE / folder).glob("*.py"))),
    *(PACKAGE / f"{name}.py" for name in FILES),
]

CODE = re.compile(r"(?:pip|trainwatch|yolo) |Ultralytics (?:PR|\d)|Fatal Python error:|Current thread|What to do:")
"""Commands, citations, and what is looked for in text rather than said."""


def untranslated(said: list[Spoken], language: str) -> list[str]:
    """Describe what has no translation; part of a sentence counts as translated with the sentence that holds it."""
    known, t = catalogue(language).known, words(language)
    missing = {s: [x for x in s.texts if not known(x) and t(x) == x and not CODE.match(x)] for s in said}
    whole = [x for s in said if not missing[s] for x in s.texts]
    return [
        f"{s.file.relative_to(ROOT)}:{s.line}: {s.template!r} (as {bad[0]!r})"
        for s, bad in missing.items()
        if bad and not all(any(x in w and x != w for w in whole) for x in bad)
    ]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_every_sentence_has_a_translation(source: Path, language: str) -> None:
    missing = untranslated(spoken(source), language)
    assert missing == [], (
        f"no translation into {language}; add them to trainwatch/reports/languages/{language}/:\n" + "\n".join(missing)
    )


def test_a_sentence_without_translation_is_noticed(tmp_path: Path) -> None:
    source = ROOT / "nowhere.py"
    text = tmp_path / "nowhere.py"
    text.write_text('def f(n):\n    return f"The gradient did {n} things that nobody translated."\n')
    said = [s._replace(file=source) for s in spoken(text)]
    assert untranslated(said, "zh") == [
        "nowhere.py:2: 'The gradient did {…} things that nobody translated.' "
        "(as 'The gradient did 7 things that nobody translated.')"
    ]


@pytest.mark.parametrize("language", OTHERS)
def test_every_check_and_advice_is_told_in_one_sentence(language: str) -> None:
    assert set(checks(language)) == {*members("trainwatch.detectors", Detector), *members("trainwatch.advice", Advice)}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("trainer", ["ultralytics", "loop"])
@pytest.mark.parametrize("check", sorted(names("trainwatch.detectors")))
def test_what_to_do_has_a_translation(check: str, trainer: str, language: str) -> None:
    text = to_do(check, documentation(names("trainwatch.detectors")[check]), trainer)
    said, whole = catalogue(language).translate(text)
    assert text
    assert whole
    assert [s for s in re.split(r"(?<=[.?]) (?=[A-Z`])", text) if s in said] == [], "each sentence of it"


class Text(HTMLParser):
    """Collects what a reader sees and hears, code and data left out."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = 0
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style", "pre", "code")
        self.said += [
            v for k, v in attrs if k in ("aria-label", "data-on", "data-off", "data-done", "data-failed") and v
        ]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style", "pre", "code")

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.said.append(data.strip())


ENGLISH = re.compile(r"(?:(?<![\w-])[A-Za-z][a-z']+[ ,;:]+){3}[A-Za-z][a-z']+(?![\w-])")
"""Four plain words in a row."""

OWN = re.compile(r"来源: .*|.*(?:RuntimeError|Error): .*", re.DOTALL)
"""Citations, and messages of exceptions."""

PLACE = re.compile(re.escape(MARK) + "[^<>]*>")
"""What stands in the command for a path of the user's: the sentence beside it says it as it is written there."""


@pytest.mark.parametrize("sample", NAMES)
def test_no_english_is_left_on_a_chinese_page(sample: str) -> None:
    text = Text()
    text.feed(render(analysed(sample), "zh"))
    said = [PLACE.sub("", s) for s in text.said]
    assert [s for s in said if ENGLISH.search(s) and not OWN.fullmatch(s)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_translated_twice(language: str) -> None:
    """Of two templates that fit the same text one is never used, and nobody sees which."""
    package = import_module(f"trainwatch.reports.languages.{language}")
    keys = [k for part in vars(package).values() if isinstance(part, ModuleType) for k in _sentences(part)]
    shapes = Counter(re.sub(r"\{\w+(!r)?", "{", key) for key in keys)
    assert [shape for shape, count in shapes.items() if count > 1] == []


def _sentences(part: ModuleType) -> list[str]:
    name = part.__name__.rpartition(".")[2]
    return [] if name in ("checks", "page") else list(getattr(part, name.upper()))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("21.33 times", "21.33 倍"),
        ("No fault, no signal that can be heard, and the kernel counted no kill for memory: SIGKILL by hand or by a scheduler, "
         "or an exit past Python's own (it held 0.68 GiB, and 21.9 GiB were to be had).",
         "没有崩溃，没有可捕获的信号，内核也没有记录到因内存被杀死的进程：可能是人或调度系统发出的 SIGKILL，或绕过 Python "
         "的退出（它占用 0.68 GiB，还有 21.9 GiB 可用）。"),
        ("Metrics were not measured before the last epoch", "最后一轮之前没有测量指标"),
        ("From epoch 12 (step 66) to the end the gradient norm per sample of layers first, last is 1.7e-17 times its level in the first "
         "epochs (1.09e-17 against 0.645).",
         "从第 12 轮（第 66 步）到结束，层 first, last 的每样本梯度范数是最初几轮的 1.7e-17 倍（1.09e-17，最初为 0.645）。"),
        ("fitness swings by 7.5 % of its level from epoch to epoch (standard deviation), and fell by more than 40 % and came back "
         "4 times; a sound training's score swings by 1 to 3 %.",
         "fitness 的轮间波动为其水平的 7.5%（标准差），并有 4 次骤降超过 40% 后恢复；正常训练的得分波动为 1% 到 3%。"),
    ],
)  # fmt: skip
def test_what_went_wrong_once(english: str, chinese: str) -> None:
    assert catalogue("zh").translate(english) == (chinese, True)

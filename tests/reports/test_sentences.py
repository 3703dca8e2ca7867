"""Templates are found again in the sentences made from them; what does not fit stays as it is, however odd it is."""

from __future__ import annotations

import pytest

from trainwatch.reports.languages import catalogue
from trainwatch.reports.languages.sentences import BUDGET, LEAST_COST, Sentences, fill, is_prose, parse
from trainwatch.reports.languages.zh import SENTENCES

SMALL = Sentences(
    {
        "epoch {n:n}": "第 {n} 轮",
        "Loss jumps in {where}": "损失在{where}跳变",
        "It came back.": "后来恢复了。",
        "Read {file!r} first.": "先读 {file}。",
        "Crashed: {message!s}": "崩溃：{message}",
        "What followed: {what}.": "随后：{what}。",
    }
)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Loss jumps in epoch 3", "损失在第 3 轮跳变"),
        ("Loss jumps in epoch 3. It came back.", "损失在第 3 轮跳变。后来恢复了。"),
        (
            "What followed: loss jumps in epoch 3; then loss jumps in epoch 4.",
            "随后：损失在第 3 轮跳变；随后损失在第 4 轮跳变。",
        ),
        ("Read a.csv first.", "先读 a.csv。"),
        ("Crashed: no room left on the disk", "崩溃：no room left on the disk"),
        ("", ""),
    ],
)
def test_sentences_are_translated(english: str, chinese: str) -> None:
    assert SMALL.translate(english) == (chinese, True)


@pytest.mark.parametrize(
    "english",
    [
        "Loss jumps in the third epoch of it",
        "epoch three",
        "Read the whole thing first.",
        "Nobody knows this sentence.",
    ],
)
def test_never_half_a_sentence(english: str) -> None:
    assert SMALL.say(english) == english


def test_a_strange_sentence_leaves_its_neighbours() -> None:
    assert SMALL.translate("It came back. Nobody knows this. It came back.") == (
        "后来恢复了。 Nobody knows this. 后来恢复了。",
        False,
    )


@pytest.mark.parametrize("key", ["{a}{b}", "{a:d}", "{a!a}", "{0}"])
def test_a_bad_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="hole"):
        parse(key, "x")


@pytest.mark.parametrize("key", SENTENCES)
def test_the_same_values_stand_in_the_translation(key: str) -> None:
    template = parse(key, SENTENCES[key])
    names = [h.name for h in template.holes]
    assert len(names) == len(set(names))
    said = fill(template.translation, {n: f"<{n}>" for n in names})
    assert [n for n in names if f"<{n}>" not in said] == []


class Counted(Sentences):
    """Counts the characters that are looked through."""

    read = 0

    def _fitted(self, text, work, depth):  # type: ignore[no-untyped-def]
        self.read += max(len(text), LEAST_COST)
        return super()._fitted(text, work, depth)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "Crashed: " + "x. " * 5_000,
        "From epoch 1 (step 1) on, " * 500,
        "; then ".join(["epoch 3"] * 3_000),
        "What followed: " + ", ".join(["loss and loss; then loss"] * 1_000) + ".",
        "lr0=" + "9" * 10_000 + " was asked for and ignored.",
        "( (a " * 4_000,
    ],
)
def test_work_on_a_hostile_text_is_limited(text: str) -> None:
    counted = Counted(SENTENCES)
    counted.say(text)
    assert counted.read <= 3 * BUDGET + 3 * len(text), "each attempt is made in three ways at most"


def test_a_long_argument_is_left_as_it_is() -> None:
    argument = "x" * 10_000
    said = catalogue("zh").say(f"copy_paste={argument} does nothing: the labels are boxes")
    assert said == f"copy_paste={argument} 不起作用：标签是框"


def test_prose_and_values() -> None:
    assert is_prose("the training went on")
    assert not any(is_prose(v) for v in ("box_loss", "1.5 GiB", "9 min 4 s", "metrics/mAP50-95(B)", "a.csv, b.csv"))


def test_english_stays_english() -> None:
    assert catalogue("en").say("It came back. epoch 3") == "It came back. epoch 3"

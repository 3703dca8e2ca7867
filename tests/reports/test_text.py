from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from synthetic import make_analysis

from trainwatch.reports.text import render
from trainwatch.result import Curve, Panel, Verdict


@pytest.mark.parametrize("width", [40, 57, 80, 120, 200])
@pytest.mark.parametrize("text", ["plain", "a long sentence " * 30, "x" * 300, "長い説明" * 40])
def test_no_line_is_wider_than_the_terminal(width: int, text: str) -> None:
    analysis = make_analysis(text)
    analysis = replace(analysis, page=replace(analysis.page, next_command=""))
    assert max(map(cell_len, render(analysis, width=width).splitlines())) <= width


def test_the_next_command_is_one_line_to_be_copied() -> None:
    command = "yolo train " + "argument=value " * 20 + "end"
    assert f"  {command}" in render(make_analysis(next_command=command), width=40).splitlines()


def test_everything_that_matters_is_told() -> None:
    out = render(make_analysis("because"), width=100)
    for part in ("▲ Crashed", "plateau", "confidence 80 %", "1 h of 2 h", "- lr0=0.1", "+ lr0=0.05", "Expect:", "1 passed",
                 "1 could not run", "epoch 4, step 30", "12.5 epochs"):  # fmt: skip
        assert part in out, part


def test_colour_only_when_asked() -> None:
    assert "\x1b[" not in render(make_analysis(), width=80)
    assert "\x1b[" in render(make_analysis(), width=80, color=True)


def test_a_log_cannot_drive_the_terminal() -> None:
    out = render(make_analysis("\x1b[2J\x1b]0;title\x07\x9b1m\r\u202e"), width=80)
    assert not set(out) & set("\x1b\x07\x9b\r\u202e")


def test_markup_of_rich_is_text() -> None:
    assert "[bold red]x[/]" in render(make_analysis("[bold red]x[/]"), width=120)


def test_brief_is_the_first_screen_and_the_way_to_the_rest() -> None:
    out = render(make_analysis(), width=80, brief=True)
    assert out.splitlines()[-1] == "All of it: trainwatch analyze runs/plain"
    assert "Expect:" not in out
    assert len(out.splitlines()) <= 24


def test_the_first_screen_says_how_sure_the_command_is_and_what_it_changes() -> None:
    from trainwatch.result import Change

    out = render(
        make_analysis(
            next_command="yolo train lr0=0.01",
            next_changes=(Change("lr0", 1.0, 0.01),),
            next_needs="Put it there.",
            next_confidence=0.9,
            next_expected="Wrong if it comes back.",
        ),
        width=80,
        brief=True,
    )
    at = [
        out.index(part)
        for part in ("Next    90 % sure that it helps", "Changed lr0 1.0 -> 0.01", "First   Put it", "Expect  Wrong")
    ]
    assert at == sorted(at)


def test_a_reason_is_cut_at_a_sentence_and_stands_in_full_below() -> None:
    reason = "It is so. " + "This is why it happened to be so. " * 40
    first = render(make_analysis(cause_reason=reason), width=80, brief=True)
    assert "so. … (more below)" in " ".join(first.split())


def test_the_tally_breaks_at_no_word_and_a_share_keeps_its_sign() -> None:
    first = render(make_analysis(cause_reason=f"{'x' * 59} (50 % sure)"), width=80, brief=True).splitlines()
    (tally,) = [line for line in first if "not applicable" in line]
    assert tally.startswith("0 critical")
    assert any(line.endswith("(50 % sure)") for line in first)
    assert not any(line.lstrip().startswith("%") for line in first)


def test_a_reason_that_the_headline_holds_is_not_told_again() -> None:
    said = "OSError: [Errno 28] No space left on device"
    crashed = make_analysis(cause_reason=said)
    crashed = replace(crashed, verdict=Verdict("crashed", f"Crashed after 7 of 24 epochs: {said}", None, 0.9))
    first = render(crashed, width=100, brief=True)
    assert first.count("No space left") == 1
    assert "\n\n\n" not in first
    assert said in render(replace(crashed, verdict=Verdict("crashed", "Crashed", None, 0.9)), width=100, brief=True)


def test_the_score_is_explained_where_it_is_shown() -> None:
    line = "score = fitness: mAP50-95 of the validation images; 1 is perfect"
    drawn = Panel(
        "score",
        "Score",
        "",
        "epoch",
        (Curve("fitness", (0.0, 1.0), (0.1, 0.2), (0.1, 0.2), (0.1, 0.2), 1.0),),
        evidence=True,
    )
    told = make_analysis(panels=(drawn,), score=line.removeprefix("score = "))
    assert line in render(told, width=80, brief=True).splitlines()
    assert "score =" not in render(make_analysis(score="x"), width=80, brief=True)


@pytest.mark.parametrize("words", [5, 60, 400])
def test_the_brief_one_fits_a_screen_with_its_prompt(words: int) -> None:
    """The headline must not scroll away: 24 rows less the prompt, less the word that asked for it."""
    told = make_analysis(cause_reason="why " * words, next_step="do " * words, cost="cost " * words, next_command="")
    assert len(render(told, width=80, brief=True).splitlines()) <= 23
    assert render(told, width=80, brief=True).startswith(("▲", "■", "●", "○"))

from __future__ import annotations

import re

from synthetic import make_analysis

from trainwatch.reports.markdown import code, escape, fenced, render

HOSTILE = "</details><img src=x> | `a` **b** @somebody #12 [l](http://x.y) ``` \n# h\x1b[2J\u202e"


def test_everything_that_matters_is_told() -> None:
    out = render(make_analysis("because", cause_reason="it stood still"))
    for part in ("## ▲ Crashed: because", "**Cause:** `plateau` (confidence 80 %)", "**Why:** it stood still", "```sh",
                 "yolo train data=because", "```diff", "-lr0=0.1", "+lr0=0.05", "| ■ warning | `plateau` | epoch 4, step 30 |",
                 "Expect: expect because"):  # fmt: skip
        assert part in out, part


def test_a_run_cannot_make_markup() -> None:
    out = render(make_analysis(HOSTILE))
    prose = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", out)
    prose = re.sub(r"(`+) ?.*? ?\1(?!`)", "", prose)
    assert "<img" not in prose
    assert "</details>" not in prose
    assert not re.search(r"[@#]\w", prose.replace("##", ""))
    assert not re.search(r"(?<!\\)\*\*b", prose)
    assert not set(out) & set("\x1b\u202e")
    assert "\n# " not in prose


def test_fences_are_longer_than_what_they_hold() -> None:
    assert fenced("a\n````\nb", "sh")[0] == "`````sh"
    assert code("a`b") == "`` a`b ``"
    assert code("a|b") == "`a\\|b`", "inside a table"


def test_escape() -> None:
    assert escape("a_b*c|d") == "a\\_b\\*c\\|d"
    assert escape("- x") == "\\- x"
    assert escape("1. x") == "1\\. x"
    assert escape("epoch 6, step 46") == "epoch 6, step 46"


def test_the_changes_stand_beside_the_command_as_a_diff() -> None:
    from trainwatch.result import Change

    out = render(
        make_analysis(next_command="yolo train lr0=0.01", next_changes=(Change("lr0", 1.0, 0.01),), next_confidence=0.9)
    )
    assert "**Type next** (90 % sure that it helps)" in out
    assert "```diff\n-lr0=1.0\n+lr0=0.01\n```" in out

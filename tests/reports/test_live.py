from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from samples import analysed

from trainwatch.frame import Frame, Warned
from trainwatch.reports.live import one_line, render, span
from trainwatch.reports.text import spark_name
from trainwatch.result import Panel
from trainwatch.signals.envelope import reduce

SAMPLES = Path(__file__).parents[2] / "sample_runs"
VALUES = np.ones(100_000)
VALUES[70_000] = 50.0
PANEL = Panel("loss", "Loss", "", "step", (reduce("loss", np.arange(100_000), VALUES, 300),), log=True, evidence=True)
FRAME = Frame(
    "runs/exp3", "running", epoch=12, planned=60, share=0.2, step=480, step_s=0.14, epoch_s=0.9, elapsed_s=90.0,
    remaining_s=400.0, last_sign_s=95.0, memory="1 GiB of 4 GiB (25 %), no steady growth found", panels=(PANEL,) * 9,
    warned=tuple(Warned("warning", f"plateau{i}", "stands still") for i in range(8)), events=("stage: gains",) * 4,
    status="incomplete", headline="Running",
)  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(80, 23), (40, 12), (120, 50), (20, 5)])
@pytest.mark.parametrize("text", ["plain", "x" * 300, "長い説明" * 40, "\x1b[2J\n\u202e"])
def test_it_fits_the_terminal(width: int, height: int, text: str) -> None:
    frame = replace(FRAME, headline=text, memory=text, events=(text,) * 4, warned=(Warned("critical", text, text),) * 8)
    lines = render(frame, width=width, height=height, now_s=100.0).plain.split("\n")
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert not set("".join(lines)) & set("\x1b\u202e")


def test_everything_is_told() -> None:
    out = render(FRAME, width=100, height=40, now_s=100.0).plain
    for part in ("runs/exp3 · running", "12 of 60 epochs", "20 %", "6.7 min left at most", "480 steps", "140 ms per step",
                 "written 5 s ago", "no steady growth", "■ warning plateau0", "… and 3 more findings", "stage: gains",
                 "the training goes on"):  # fmt: skip
        assert part in out, part
    assert "█" in out, "a spike of one step in 100,000 is visible"


def test_waiting_and_ended() -> None:
    waiting = render(Frame("x", "waiting", "no such file"), width=80, height=24, now_s=0.0).plain
    assert waiting.startswith("○ x · waiting\n  no such file")
    ended = render(
        replace(FRAME, state="ended", message="60 of 60 epochs", remaining_s=None), width=80, height=24, now_s=0.0
    )
    assert "the training goes on" not in ended.plain


def test_one_line() -> None:
    assert "\n" not in one_line(replace(FRAME, memory="a\nb"))
    assert one_line(FRAME).startswith("running · epoch 12/60 · 480 steps · 6.7 min left at most")


def test_span() -> None:
    assert [span(s) for s in (0.14, 5, 119, 121, 7300, 200_000)] == [
        "140 ms",
        "5 s",
        "119 s",
        "2.0 min",
        "2.0 h",
        "2.3 d",
    ]


def test_a_long_path_leaves_room_for_what_happens() -> None:
    head = render(
        replace(FRAME, path="/data/" + "x" * 90 + "/exp3"), width=80, height=24, now_s=0.0
    ).plain.splitlines()[0]
    assert "/exp3 · running · Running" in head


def test_several_losses_are_called_by_their_names() -> None:
    analysis = analysed("healthy")
    assert {"val box_loss", "train box_loss", "box_loss"} <= {spark_name(p) for p in analysis.page.panels}


def test_the_clock_goes_on_between_two_readings() -> None:
    """Otherwise a frame that waits for a slow reading says "for 4 s, written 13 s ago"."""
    taken = replace(FRAME, elapsed_s=4.0, taken_s=100.0, last_sign_s=100.0)
    assert "for 17 s · written 13 s ago" in render(taken, width=100, height=30, now_s=113.0).plain
    assert "for 4 s" in render(taken, width=100, height=30, now_s=99.0).plain

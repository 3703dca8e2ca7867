from __future__ import annotations

import json

from situations import situation

from trainwatch.doctor.base import Line
from trainwatch.reports.doctor import headline, render_json, render_text

LINES = [
    Line(
        "half-precision",
        "bad",
        "GTX 1660 with amp=True",
        "It returns NaN.",
        {"amp": False, "device": [0, 1]},
        ("buy another",),
    ),
    Line("shared-memory", "warn", "64 MiB free", "A worker dies.", {}, ("docker run --shm-size=8g ...",)),
    Line("label-files", "unknown", "no data set named"),
    Line("rotation", "ok", "degrees=0"),
]


def test_order_and_what_is_closed() -> None:
    text = render_text(LINES, "trainwatch doctor amp=False", width=80)
    assert (
        text.index("▲ bad half-precision")
        < text.index("■ warning shared-memory")
        < text.index("○ could not tell label-files")
    )
    assert "degrees=0" not in text
    assert "● 1 good (--all shows them)" in text
    assert text.rstrip().endswith("trainwatch doctor amp=False")
    assert "  type: amp=False device=0,1\n  or: buy another\n" in text
    assert "  type: docker run --shm-size=8g ...\n" in text
    assert "\x1b" not in text
    assert "degrees=0" in render_text(LINES, "x", every=True, width=80)


def test_colours_and_width() -> None:
    assert "\x1b[" in render_text(LINES, "x", width=80, color=True)
    long = [Line("a", "warn", "word " * 40, "why " * 40)]
    assert max(map(len, render_text(long, "x", width=60).splitlines())) <= 60


def test_nothing_can_move_the_cursor() -> None:
    text = render_text([Line("a", "bad", "file \x1b[2J\u202e.jpg", "w\x07", {}, ("rm \x1b",))], "x\x1b", width=80)
    assert not any(c in text for c in "\x1b\u202e\x07")


def test_headlines() -> None:
    assert headline(LINES) == "Do not start yet: 1 bad, 1 warning, 1 could not be told"
    assert headline(LINES[1:2]) == "Can start, 1 warning"
    assert headline(LINES[3:]) == "Ready to start"


def test_json() -> None:
    document = json.loads(render_json(LINES, situation(), "next"))
    assert document["schema"] == 1
    assert document["counts"] == {"bad": 1, "warn": 1, "unknown": 1, "ok": 1}
    assert document["lines"][0]["arguments"] == {"amp": False, "device": [0, 1]}
    assert document["facts"]["machine"]["gpus"][0]["capability"] == [8, 0]
    assert document["facts"]["data"]["train"]["images"] == 5000

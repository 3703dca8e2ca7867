from __future__ import annotations

import io
import sys

import pytest

from trainwatch_hooks.stderr_tail import LINES, StderrTail


def test_the_last_lines_are_kept_and_all_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    tail = StderrTail()
    tail.install()
    tail.install()
    assert sys.stderr is stream, "the object stays what it was"
    for i in range(LINES + 50):
        print(f"line {i}", file=sys.stderr)
    sys.stderr.write("50 %\r100 %")
    lines = tail.text().splitlines()
    assert len(lines) == LINES + 1
    assert lines[0] == "line 50"
    assert lines[-1] == "100 %", "of a progress bar only its last state"
    tail.remove()
    print("\nlater", file=sys.stderr)
    assert "later" not in tail.text()
    assert stream.buffer.getvalue().endswith(b"100 %\nlater\n")  # type: ignore[attr-defined]
    assert "write" not in vars(stream)


def test_a_tap_of_somebody_else_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stderr", stream)
    tail = StderrTail()
    tail.install()
    theirs = lambda text: len(text)  # noqa: E731
    stream.write = theirs  # type: ignore[method-assign]
    tail.remove()
    assert stream.write is theirs


def test_streams_that_cannot_be_tapped_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slotted:
        __slots__ = ()

        def write(self, text: str) -> int:
            return len(text)

    for stream in (None, Slotted()):
        monkeypatch.setattr(sys, "stderr", stream)
        tail = StderrTail()
        tail.install()
        tail.remove()
        assert tail.text() == ""

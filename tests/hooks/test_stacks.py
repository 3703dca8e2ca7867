from __future__ import annotations

import threading

from trainwatch_hooks import stacks


def test_all_threads_the_main_one_first() -> None:
    release = threading.Event()

    def waits_here() -> None:
        release.wait()

    thread = threading.Thread(target=waits_here, name="other")
    thread.start()
    text = stacks.of_all_threads()
    release.set()
    thread.join()
    assert text.startswith("MainThread:")
    assert "test_all_threads_the_main_one_first" in text.split("\n\n")[0]
    assert "waits_here" in text.split("other:")[1]


def test_a_long_text_loses_its_middle() -> None:
    text = stacks.shortened("a" * 50_000 + "b")
    assert len(text) < stacks.MAX_CHARACTERS + 100
    assert text.endswith("b")
    assert "characters left out" in text

"""The stacks of all threads as text, newest call last, without stopping any of them."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Final

MAX_CHARACTERS: Final = 20_000
"""An event holds this much; of more the middle is left out."""


def of_all_threads() -> str:
    """Return the stacks, the main thread's first."""
    threads = {t.ident: t for t in threading.enumerate()}
    main = threading.main_thread().ident
    texts = []
    for ident, frame in sorted(sys._current_frames().items(), key=lambda item: item[0] != main):
        thread = threads.get(ident)
        name = thread.name if thread is not None else f"thread {ident}"
        texts.append(f"{name}:\n{''.join(traceback.format_stack(frame))}")
    return shortened("\n".join(texts))


def shortened(text: str) -> str:
    """Cut the middle out of a text that is longer than ``MAX_CHARACTERS``."""
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"

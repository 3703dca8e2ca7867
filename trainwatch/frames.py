"""What a traceback's text tells: which frames are the user's own code and which a library's, and what was said last."""

from __future__ import annotations

import re

_LIBRARY = re.compile(r"site-packages|dist-packages|[/\\]lib[/\\]python\d|<frozen ")
_FRAME = re.compile(r'File "([^"\n]{1,400})", line (\d+), in (\S+)')
_DISK_FULL = ("No space left on device", "Disk quota exceeded")


def is_disk_full(message: str) -> bool:
    """Whether the system said that nothing more can be written (errno ENOSPC, EDQUOT)."""
    return any(said in message for said in _DISK_FULL)


def final_message(traceback: str, type: str) -> str:
    """Return what the exception that ended it says, with its type, in one line; empty if no line begins with the type.

    CUDA and ``load_state_dict`` say what matters first and go on for lines, so the last line alone means nothing.
    """
    begins = list(re.finditer(rf"^(?:[\w.]{{1,200}}\.)?{re.escape(type)}(?=:|$)", traceback, re.MULTILINE))
    return " ".join(traceback[begins[-1].start() :].split()) if begins else ""


def is_library(file: str) -> bool:
    """Whether a file is installed or the standard library's, so that it is not the user's to mend."""
    return bool(_LIBRARY.search(file))


def innermost(traceback: str) -> tuple[str, str, str] | None:
    """Return file, line and function of the innermost own frame, else of the innermost one; None without any."""
    frames: list[tuple[str, str, str]] = _FRAME.findall(traceback)
    own = [f for f in frames if not is_library(f[0])]
    return next(reversed(own or frames), None)

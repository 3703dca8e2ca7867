"""Own errors stay inside: they are counted, said once, and the training goes on."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Guard:
    """Counts the recorder's own errors by place and says the first one of each place on stderr."""

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()

    @contextmanager
    def __call__(self, place: str) -> Iterator[None]:
        """Swallow any ``Exception`` raised inside (never KeyboardInterrupt or SystemExit)."""
        try:
            yield
        except Exception as error:
            self.report(place, error)

    def report(self, place: str, error: Exception) -> None:
        """Count an error; print it the first time it happens at this place."""
        self.errors[place] += 1
        if self.errors[place] > 1:
            return
        try:
            print(
                f"trainwatch: {place} failed ({type(error).__name__}: {error}); the training goes on", file=sys.stderr
            )
        except Exception:  # stderr closed or full: there is nobody left to tell
            self.errors["stderr"] += 1

    def told(self) -> str:
        """Say which errors there were, how many, and what they mean."""
        return own_errors(self.errors)


def own_errors(errors: Mapping[str, int]) -> str:
    """Put the recorder's own errors into words.

    Args:
        errors: What failed, and how often.
    """
    places = ", ".join(f"{place} ({count})" for place, count in errors.items())
    return (
        f"the recorder itself failed at: {places}. The training was not touched; what was being written then may be missing in "
        "the record"
    )

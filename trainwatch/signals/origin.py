"""Where a non-finite number came from, as the recorder's own trace tells it: module, weight, input or loss term, and images.

The recorder runs a batch again when its loss or gradient is not finite, and writes an event of kind ``nonfinite``
(``trainwatch_hooks.probes.nonfinite``). This reads it; nothing is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trainwatch.runs.run import Run

AVERAGE: Final = "average"
"""Place of an event about the averaged weights (EMA), which is of an epoch and no batch's fault."""

IMAGES_NAMED: Final = 3

IN_WORDS: Final = {"gradient": "gradient of"}
"""Places that need a preposition before their name."""


@dataclass(frozen=True)
class Origin:
    """What a trace found.

    Attributes:
        place: ``input``, ``weight``, ``module``, ``loss term``, ``gradient``, or ``unknown``.
        name: What holds the first such number (``model.4.conv``); empty if not known.
        about: What was found, in one clause, with the kind of module.
        step: Micro-batch that was traced.
        images: The first :data:`IMAGES_NAMED` files of the batch, those at fault only where that is known.
        image_count: How many there are.
    """

    place: str
    name: str
    about: str
    step: int
    images: tuple[str, ...]
    image_count: int

    def sentence(self) -> str:
        """Say it in one sentence."""
        if self.place == "unknown":
            text = f"Where it began is not known ({self.about})" if self.about else "Where it began is not known"
        else:
            place = IN_WORDS.get(self.place, self.place)
            text = f"It began in the {place} {self.name} (step {self.step}): {self.about}"
        return f"{text}{'; images of that batch: ' + self.files() if self.images else ''}."

    def files(self) -> str:
        """Name the images, and how many more there are."""
        more = self.image_count - len(self.images)
        return ", ".join(self.images) + (f" and {more} more" if more > 0 else "")

    def detail(self) -> dict[str, Any]:
        """Return JSON types, for a finding's detail."""
        return {
            "place": self.place,
            "name": self.name,
            "about": self.about,
            "step": self.step,
            "images": list(self.images),
            "image_count": self.image_count,
        }


def origin_near(run: Run, step: int, reach: int) -> Origin | None:
    """Return the first trace of at most ``reach`` micro-batches before or after a step, None without any.

    The first, because a gradient that is not finite spoils the weights before a loss shows it, and whatever is traced
    later finds only the spoilt weights.
    """
    found = [o for e in run.events_of("nonfinite") if (o := _origin(e)) is not None and abs(o.step - step) <= reach]
    return min(found, key=lambda o: o.step, default=None)


def _origin(event: Mapping[str, Any]) -> Origin | None:
    data = event.get("data")
    step = data.get("at_step") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(step, int) or data.get("place") == AVERAGE:
        return None
    listed = data.get("images")
    images = [str(f) for f in listed] if isinstance(listed, list) else []
    count = data.get("image_count")
    return Origin(
        place=str(data.get("place") or "unknown"),
        name=str(data.get("name") or ""),
        about=str(data.get("detail") or ""),
        step=step,
        images=tuple(images[:IMAGES_NAMED]),
        image_count=max(count if isinstance(count, int) else 0, len(images)),
    )

"""Whether the loss gains are on the scale of this trainer.

What it does:
    Compares ``box``, ``cls`` and ``dfl`` with their defaults.

Why it matters:
    Settings copied from YOLOv5 (``box=0.03``, ``cls=0.025``) mean something else here: the gains are 7.5, 0.5 and 1.5.
    With a gain a hundred times too small that part of the loss is not learnt.

How it decides:
    Bad if ``box`` is below ``least_box`` (1); a warning if a gain differs from its default by more than ``times``
    (10).

What to do:
    Take the defaults; change one gain by a factor of two at most.

References:
    Ultralytics issues 24615 (box=0.0296), 21042 (cls=0.025); Ultralytics 8.4.190 default.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class LossGains(Check):
    """Gains against their defaults.

    Attributes:
        least_box: Smallest sensible box gain.
        times: Ratio to the default, either way, from which it is a warning.
    """

    title: ClassVar[str] = "Loss gains on this trainer's scale"

    least_box: float = 1.0
    times: float = 10.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        gains = {k: situation.number(k) for k in ("box", "cls", "dfl")}
        usual = {k: float(situation.defaults.get(k) or 0) for k in gains}
        found = " ".join(f"{k}={v:g}" for k, v in gains.items())
        odd = {
            k: usual[k] for k, v in gains.items() if usual[k] > 0 and not 1 / self.times <= v / usual[k] <= self.times
        }
        if usual["box"] > self.least_box > gains["box"]:
            return self.bad(
                f"{found}: box is {usual['box']:g} by default",
                "This is the scale of YOLOv5; here the boxes would hardly be learnt.",
                {"box": usual["box"], **odd},
            )
        if odd:
            return self.warn(
                f"{found}; the defaults are {' '.join(f'{k}={v:g}' for k, v in usual.items())}",
                f"A gain more than {self.times:g} times off lets one part of the loss drown the others.",
                odd,
            )
        return self.ok(found)

"""Whether some classes are so rare that they will not be learnt.

What it does:
    Counts the labelled objects of each class.

Why it matters:
    A class with one object in a hundred of the largest is drowned: its precision stays near 0 and holds the mean down.
    A class of data.yaml without any object counts, too.

How it decides:
    A warning if the smallest class has fewer than ``share`` (1 %) of the objects of the largest, or if a class has
    none. Not with ``single_cls``, where all are one.

What to do:
    ``cls_pw=0.25`` weights rare classes (Ultralytics from 8.4.60 on; not for classification). More images of them do
    more.

References:
    Ultralytics pull requests 23565, 24841 (0.25 is the value with published gains on rare classes), issues 16205, 21018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ClassBalance(Check):
    """Objects by class.

    Attributes:
        share: Share of the largest class below which a class is rare.
        power: cls_pw that is suggested.
        named: Names that are listed at most.
    """

    title: ClassVar[str] = "Balance of the classes"

    share: float = 0.01
    power: float = 0.25
    named: int = 5

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for several classes."""
        data = situation.data
        if data is None or data.nc < 2 or not data.train.instances or situation.value("single_cls") is True:
            return []
        counts = {i: data.train.instances.get(i, 0) for i in data.names}
        largest = max(counts.values())
        absent = [data.names[i] for i, n in counts.items() if n == 0]
        rare = [(data.names[i], n) for i, n in counts.items() if 0 < n < self.share * largest]
        lines: list[Line] = []
        if absent:
            lines += self.warn(
                f"{len(absent)} of {data.nc} classes have no object in train: {self._list(absent)}",
                "They cannot be learnt, and count as 0 in the mean where validation holds them.",
            )
        if rare:
            known = "cls_pw" in situation.defaults and situation.number("cls_pw") == 0
            lines += self.warn(
                f"{len(rare)} of {data.nc} classes have fewer than {100 * self.share:g} % of the {largest} objects of the "
                f"largest: {self._list([f'{name} ({n})' for name, n in rare])}",
                "The loss of the frequent classes drowns theirs.",
                {"cls_pw": self.power} if known else None,
            )
        smallest = min(counts.values())
        return lines or self.ok(f"{data.nc} classes, {smallest} to {largest} objects each")

    def _list(self, names: list[str]) -> str:
        more = len(names) - self.named
        return ", ".join(names[: self.named]) + (f" and {more} more" if more > 0 else "")

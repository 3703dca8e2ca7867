"""Which probes are on: ``watch(model, probes={"nonfinite": False, "update_ratio": 50})``. The folder is the registry.

All are on by default; each file of ``probes/`` says what it costs. A probe that is off writes no column and does no work; what
the trainer itself sums up per epoch (``train/*``, ``val/*``, ``metrics/*``, ``lr/*``) is no probe and stays.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

PACKAGE: Final = "trainwatch_hooks.probes"


class ProbesError(ValueError):
    """``probes`` is wrong; the message is one line and names the way out."""


@dataclass(frozen=True)
class Switches:
    """What is switched off, and how often the others look.

    Attributes:
        off: Names of the probes that are off.
        periods: Steps between two readings, where the default of a probe was overruled.
    """

    off: frozenset[str] = frozenset()
    periods: Mapping[str, int] = field(default_factory=dict)

    def on(self, name: str) -> bool:
        """Whether a probe is on."""
        return name not in self.off

    def every(self, name: str) -> int:
        """Return the steps between two readings of a probe that has an ``EVERY``."""
        return self.periods.get(name) or known()[name] or 1


@cache
def known() -> dict[str, int | None]:
    """List the probes by name, each with the steps between two readings, None for one that reads each time."""
    package = importlib.import_module(PACKAGE)
    names = sorted(i.name for i in pkgutil.iter_modules(package.__path__) if not i.name.startswith("_"))
    return {n: getattr(importlib.import_module(f"{PACKAGE}.{n}"), "EVERY", None) for n in names}


def parse(probes: Any = None) -> Switches:
    """Read what a user wrote.

    Args:
        probes: None: all. A mapping from a name to True, False or the steps between two readings: the others stay on. Names
            (a set, list or tuple): exactly those. What this function returned.

    Raises:
        ProbesError: On an unknown name or a wrong value.
    """
    if probes is None:
        return Switches()
    if isinstance(probes, Switches):
        return probes
    if isinstance(probes, Mapping):
        return _of_mapping(probes)
    if isinstance(probes, str) or not isinstance(probes, Iterable):
        raise ProbesError(f"probes takes a mapping from names to true or false, or a set of names, not {probes!r}")
    wanted = list(probes)
    for name in wanted:
        _check_name(name)
    return Switches(off=frozenset(known()) - frozenset(wanted))


def _of_mapping(probes: Mapping[Any, Any]) -> Switches:
    off, periods = set(), {}
    for name, value in probes.items():
        _check_name(name)
        if value is False:
            off.add(name)
        elif isinstance(value, int) and value is not True:
            if known()[name] is None:
                raise ProbesError(f"probes: {name} reads each time: true or false, not {value!r}")
            if value < 1:
                raise ProbesError(f"probes: {name} takes the steps between two readings, 1 or more, not {value!r}")
            periods[name] = value
        elif value is not True:
            raise ProbesError(f"probes: {name} takes true, false or a number of steps, not {value!r}")
    return Switches(frozenset(off), periods)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or name not in known():
        raise ProbesError(f"probes: there is no probe {name!r}; there are {', '.join(known())}")

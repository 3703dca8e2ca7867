"""What the recorder wrote into ``run.json``, which a stranger's file may hold as anything."""

from __future__ import annotations

from collections.abc import Mapping

from trainwatch.runs import Run


def count(run: Run, block: str, name: str) -> int | None:
    """Return a whole number of ``meta[block][name]``, 0 or more; None if it is absent or something else."""
    values = run.meta.get(block)
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def chosen_by_auto(run: Run) -> bool:
    """Whether ``optimizer=auto`` chose the optimizer: then it chose rate and momentum, too, whatever was asked for.

    A record holds the chosen optimizer among the arguments in force, so what was asked for tells; ``auto`` is the default
    there. Logs of epochs hold only what was asked for.
    """
    asked = run.args if run.meta.get("requested") is None else run.requested
    return str(asked.get("optimizer", "auto")).lower() == "auto"

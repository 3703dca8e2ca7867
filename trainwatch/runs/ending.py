"""How a run ended, as far as its record can tell."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainwatch.result import ENDED, EndedBy
from trainwatch.runs.arrays import integers_in
from trainwatch.runs.death import Cause, Death, cause_of_death, witness_of
from trainwatch.runs.oom import place_of
from trainwatch.runs.patience import last_start, replay
from trainwatch.runs.run import Run

SILENT_S = 600.0
"""A record without end that was written to within this time may still be running (seconds)."""

SURVIVED_S = 60.0
"""Signs of life so long after a signal mean that the training took no harm from it (seconds)."""

_KIND: Final[Mapping[Cause, EndedBy]] = {
    "native-crash": "native-crash", "machine-down": "machine-down", "oom-killer": "killed", "sigkill": "killed",
    "unknown": "killed", "signal": "signal", "exit": "unknown",
}  # fmt: skip


TOLD: Final = ("completed", "early-stop", "exception", "killed", "truncated", "running", "unknown")
"""What a foreign log may tell of its own ending (``meta["ended"]``, set by its importer)."""


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        kind: As in the JSON document.
        reason: One sentence.
        event: The event that says so, if there is one.
        death: How the process vanished, if the record has no end.
    """

    kind: EndedBy
    reason: str
    event: dict[str, Any] | None = None
    death: Death | None = None

    def words(self, reason: bool = True) -> str:
        """Say what the run did in the end, with the reason where that adds something."""
        said = ENDED[self.kind]
        if not reason or not self.reason or re.fullmatch(r"(\d+) of \1 epochs", self.reason):
            return said
        return f"was {self.reason}" if self.reason.startswith("stopped") else f"{said}: {self.reason}"


def how_it_ended(run: Run, *, now_s: float | None = None) -> Ending:
    """Decide how a run ended, from its events or, in a log without events, from patience arithmetic.

    Args:
        run: Any run.
        now_s: Unix time to compare the last sign of life with; default now.
    """
    if run.source != "trainwatch":
        return _from_epochs(run)
    starts = [i for i, e in enumerate(run.events) if e.get("kind") == "start" and not e.get("rank")]
    events = run.events[starts[-1] :] if starts else run.events
    by_kind = {e.get("kind"): e for e in events}
    last_step_s = _last_step_s(run)
    first = _first_dead_rank(run, events)
    if first is not None:
        return Ending(_KIND[first.cause], f"rank {first.rank} died first: {first.reason}", None, first)
    for event in reversed(events):
        if event.get("kind") not in ("oom", "exception") or _survived(event, events, last_step_s):
            continue
        if _data(event).get("type") == "KeyboardInterrupt":
            return Ending("signal", "stopped by hand (Ctrl-C)", event)
        kind: EndedBy = "oom" if place_of(event) else "exception"
        return Ending(kind, f"{event.get('message') or kind}", event)
    if "end" in by_kind:
        event = by_kind["end"]
        reason = _data(event).get("reason")
        known: dict[Any, EndedBy] = {
            "completed": "completed", "early-stop": "early-stop", "signal": "signal", "exception": "exception",
            "stopped": "stopped",
        }  # fmt: skip
        return Ending(known.get(reason, "unknown"), event.get("message") or f"the training ended: {reason}", event)
    if "signal" in by_kind and not _outlived(by_kind["signal"], run, last_step_s):
        return Ending("signal", by_kind["signal"].get("message") or "a signal", by_kind["signal"])
    signs = signs_of(run, 0)
    witness = witness_of(signs, witnesses(run))
    alive = None if witness is not None else _process_alive(run)
    if alive:
        return Ending("running", "the training process is alive")
    quiet_s = (now_s if now_s is not None else time.time()) - last_sign_of_life_s(run)
    if witness is None and alive is None and quiet_s < max(SILENT_S, 10 * _median_step_s(run)):
        return Ending("running", f"its record was written to {max(quiet_s, 0.0):.0f} s ago")
    if not starts:
        return Ending("unknown", "the record holds no start mark")
    death = cause_of_death(signs, witness)
    said = "the record stops without an end mark, an exception or a catchable signal"
    return Ending(_KIND[death.cause], f"{said}; {death.reason}" if signs or witness else said, None, death)


def signs_of(run: Run, rank: int) -> Mapping[str, Any]:
    """Return the last signs of life of a rank; an empty mapping without any."""
    signs = run.meta.get("signs")
    found = signs.get(str(rank)) if isinstance(signs, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def witnesses(run: Run) -> Sequence[Mapping[str, Any]]:
    """Return the lines that ``trainwatch run`` wrote about this run's processes, oldest first."""
    lines = run.meta.get("witnesses")
    return [x for x in lines if isinstance(x, Mapping)] if isinstance(lines, list) else []


def _first_dead_rank(run: Run, events: list[dict[str, Any]]) -> Death | None:
    """Return the death of the rank that vanished before the others were told, in a distributed training.

    The others then end by the launcher's SIGTERM or by a broken connection, which is no cause. None if no rank beyond
    the first has signs of life, or none vanished, or the others came to a regular end.
    """
    signs = run.meta.get("signs")
    ranks = [int(r) for r in signs if str(r).isdigit()] if isinstance(signs, Mapping) else []
    if len(ranks) < 2:
        return None
    if any(e.get("kind") == "end" and _data(e).get("reason") in ("completed", "early-stop") for e in events):
        return None
    told = {
        r: min(
            (float(e.get("time_s") or 0.0) for e in events
             if (e.get("rank") or 0) == r and e.get("kind") in ("end", "exception", "oom", "signal")
             and not _data(e).get("handled")),
            default=None,
        )
        for r in ranks
    }  # fmt: skip
    lines = witnesses(run)
    silent = [r for r in ranks if told[r] is None and signs_of(run, r).get("ended") is None]
    heard = [t for t in told.values() if t is not None]
    gone = [r for r in silent if _gone(signs_of(run, r), lines)]
    if not gone or not heard:
        return None  # all are silent: that of rank 0 is told as ever
    rank = min(gone, key=lambda r: float(signs_of(run, r).get("time_s") or 0.0))
    if float(signs_of(run, rank).get("time_s") or 0.0) > min(heard) + SURVIVED_S:
        return None
    return cause_of_death(signs_of(run, rank), witness_of(signs_of(run, rank), lines), rank=rank)


def _gone(signs: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> bool:
    return witness_of(signs, lines) is not None or _alive(signs) is False


def last_sign_of_life_s(run: Run) -> float:
    """Return the Unix time of the newest row or event; 0 if there is none."""
    times = [float(e["time_s"]) for e in run.events if isinstance(e.get("time_s"), int | float)]
    beat = signs_of(run, 0).get("time_s")
    times += [float(beat)] if isinstance(beat, int | float) else []
    return max([*(t for t in times if np.isfinite(t)), _last_step_s(run)])


def stopped_by_patience(run: Run) -> bool | None:
    """Tell whether the last epoch lies exactly ``patience`` epochs after the one that early stopping counts from.

    Returns:
        None if fitness or patience is not known.
    """
    state = replay(run)
    return None if state is None else state.stopped


def _from_epochs(run: Run) -> Ending:
    rows = last_start(run)
    epoch = integers_in(run.epoch_table["epoch"])[rows] if rows.stop else np.empty(0, np.int64)
    if not len(epoch):
        return _told(run) or Ending("unknown", "the log has no epoch")
    done, planned = int(epoch[-1]) + 1, run.planned_epochs
    if planned is not None and done >= planned:
        return Ending("completed", f"{done} of {planned} epochs")
    # Ultralytics counts a time budget in hours and ends with the epoch in which it is used up.
    budget_s = _hours(run.args.get("time"))
    seconds = run.epoch_series("time_s").values
    if budget_s and len(seconds) and seconds[-1] >= budget_s:
        return Ending("completed", f"the time budget of {budget_s / 3600:.4g} h is used up")
    told = _told(run)
    if told is not None:
        return told
    state = replay(run)
    if state is not None and state.stopped:
        best = state.best_epoch + 1
        return Ending("early-stop", f"epoch {done} is {state.patience} epochs after the best, epoch {best}")
    if planned is None:
        return Ending("unknown", "the log does not say how many epochs were planned")
    return Ending("truncated", f"the log ends at epoch {done} of {planned}")


def _told(run: Run) -> Ending | None:
    """Return the ending that a foreign log tells by itself: a status, an exit code, a last entry."""
    ended = _data({"data": run.meta.get("ended")})
    kind = ended.get("kind")
    return Ending(kind, str(ended.get("reason") or kind)) if kind in TOLD else None


def _hours(value: object) -> float | None:
    return float(value) * 3600 if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _last_step_s(run: Run) -> float:
    if "last_step" not in run.cache:
        steps = run.step_series("time_s")
        finite = steps.values[steps.finite]
        run.cache["last_step"] = float(finite.max()) if len(finite) else 0.0
    last: float = run.cache["last_step"]
    return last


def _survived(event: dict[str, Any], events: list[dict[str, Any]], last_step_s: float) -> bool:
    """An OOM that the trainer retried, or an exception caught by the user, is followed by further training."""
    if _data(event).get("handled"):
        return True
    at = event.get("time_s")
    if isinstance(at, int | float) and last_step_s > at:
        return True
    later = events[events.index(event) + 1 :]
    return any(e.get("kind") == "end" and _data(e).get("reason") in ("completed", "early-stop") for e in later)


def _outlived(signal: Mapping[str, Any], run: Run, last_step_s: float) -> bool:
    """Whether the training went on for long after a signal: it, or its own handler, had taken it for something else."""
    at, beat = signal.get("time_s"), signs_of(run, int(signal.get("rank") or 0)).get("time_s")
    last = max(last_step_s, float(beat) if isinstance(beat, int | float) else 0.0)
    return isinstance(at, int | float) and last > at + max(SURVIVED_S, 10 * _median_step_s(run))


def _process_alive(run: Run) -> bool | None:
    """Whether the recording process lives; None if it ran on another machine or cannot be told."""
    return _alive(run.meta.get("process") or {})


def _alive(process: Mapping[str, Any]) -> bool | None:
    """Whether a process lives that left its ``host``, ``pid``, ``started_s`` and ``boot_id``."""
    if process.get("host") != platform.node() or not isinstance(process.get("pid"), int):
        return None
    if process["pid"] == os.getpid():  # read by the training itself
        return None
    if process.get("boot_id") and _boot_id() and process["boot_id"] != _boot_id():
        return False
    import psutil

    try:
        found = psutil.Process(process["pid"])
        started = found.create_time()
        if found.status() == psutil.STATUS_ZOMBIE:  # dead, and its parent has not looked yet
            return False
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return None
    # A number that was given to another process since has another start time (clock ticks and rounding: 2 s).
    return abs(started - float(process.get("started_s") or started)) < 2.0


def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _median_step_s(run: Run) -> float:
    values = run.step_series("step_s")
    finite = values.values[values.finite]
    return float(np.median(finite)) if len(finite) else 0.0

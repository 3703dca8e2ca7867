"""Why a process vanished whose record has no end: from its last signs of life, a witness, and the machine now.

A *witness* is ``trainwatch run``, which saw the wait status. Without one the signs decide: the fault log, the boot id,
and the kernel's counters of processes killed for memory. Where they do not decide, the answer is that it cannot be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from trainwatch.runs.clock import duration

Cause = Literal["native-crash", "oom-killer", "sigkill", "machine-down", "signal", "exit", "unknown"]

FAULTS: Final = {
    "SIGSEGV": "segmentation fault", "SIGBUS": "bus error", "SIGABRT": "abort", "SIGFPE": "arithmetic fault",
    "SIGILL": "illegal instruction", "SIGTRAP": "trap", "SIGSYS": "bad system call",
}  # fmt: skip

FAULT_MARK: Final = "Fatal Python error: "
"""First words of what Python's faulthandler writes."""

PRESSURE_SHARE: Final = 0.85
"""Share of the available memory from which a kill for memory is no surprise."""

FRESH_S: Final = 120.0
"""A counter that is read so soon after the last sign of life tells of this death, and not of a later one (seconds)."""

BOOT_S: Final = 300.0
"""A machine that loses power at once comes up again within this time (seconds)."""

SHELL: Final = 128
"""A shell reports a child's signal as this plus its number."""


@dataclass(frozen=True)
class Death:
    """How a process vanished.

    Attributes:
        cause: ``unknown`` means that it cannot be told.
        confidence: 0 to 1.
        reason: One sentence with what it is told by.
        rank: Whose process.
    """

    cause: Cause
    confidence: float
    reason: str
    rank: int = 0


def cause_of_death(signs: Mapping[str, Any], witness: Mapping[str, Any] | None, *, rank: int = 0) -> Death:
    """Decide how a process vanished.

    Args:
        signs: Its last heartbeat, with the fault log and the state of the machine at reading; may be empty.
        witness: The line of ``trainwatch run`` about the process that it started; None without one.
        rank: Whose process.
    """
    for answer in (_seen(signs, witness), _fault(signs), _machine(signs), _memory(signs)):
        if answer is not None:
            return Death(answer.cause, answer.confidence, answer.reason, rank)
    return Death("unknown", 0.0, "it left no sign by which the cause could be told", rank)


def witness_of(signs: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the witness' line about the process that left ``signs``, or about the one that had started it."""
    pid, since = signs.get("pid"), signs.get("started_s")
    line: Mapping[str, Any]
    for line in reversed(lines):
        at, recorders = line.get("time_s"), line.get("recorders")
        if isinstance(since, int | float) and isinstance(at, int | float) and at < since:
            continue
        if line.get("pid") == pid or (isinstance(recorders, list) and pid in recorders):
            return line
    return None


def _seen(signs: Mapping[str, Any], witness: Mapping[str, Any] | None) -> Death | None:
    """Decide from the wait status."""
    if witness is None:
        return None
    code = witness.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    own = witness.get("pid") == signs.get("pid")
    if not own and code <= SHELL:
        return None  # a launcher's exit code says nothing of its children
    name = _signal_name(-code if code < 0 else code - SHELL) if code < 0 or not own else None
    sure = 0.99 if own else 0.8
    if name in FAULTS:
        return Death(
            "native-crash", sure, f"the process died of a {FAULTS[name]} ({name}), as trainwatch run saw{_at(signs)}"
        )
    if name == "SIGKILL":
        return _killed(signs, witness, sure)
    if name is not None:
        return Death("signal", sure, f"the process died of {name}, as trainwatch run saw")
    if not own:
        return None
    return Death(
        "exit",
        0.95,
        f"the process ended itself with exit code {code} without closing its record, as trainwatch run saw",
    )


def _killed(signs: Mapping[str, Any], witness: Mapping[str, Any], sure: float) -> Death:
    """Tell the kernel's out-of-memory killer from any other sender of SIGKILL that a witness saw."""
    rises = {
        where: _rise(signs.get(key, witness.get(f"{key}_before")), witness.get(key))
        for where, key in (("group", "oom_kills"), ("machine", "machine_oom_kills"))
    }
    if rises["group"]:
        return Death(
            "oom-killer", min(sure, 0.95),
            f"SIGKILL, and the kernel counted a process of its control group killed for memory{_held(signs)}",
        )  # fmt: skip
    if rises["group"] is None and rises["machine"]:
        likely = _pressed(signs) is True
        return Death(
            "oom-killer" if likely else "unknown", 0.8 if likely else 0.0,
            f"SIGKILL, and the kernel counted a process of the machine killed for memory{_held(signs)}; "
            f"{'it was short of memory itself' if likely else 'which one cannot be told'}",
        )  # fmt: skip
    if rises["group"] is None and rises["machine"] is None:
        return Death("unknown", 0.0, f"SIGKILL, as trainwatch run saw; who sent it cannot be told{_held(signs)}")
    return Death(
        "sigkill", min(sure, 0.95),
        f"SIGKILL from outside, by hand or by a scheduler: the kernel counted no kill for memory{_held(signs)}",
    )  # fmt: skip


def _fault(signs: Mapping[str, Any]) -> Death | None:
    """Decide from the log that Python's faulthandler wrote."""
    fault = str(signs.get("fault") or "")
    line = next((x for x in fault.splitlines() if x.startswith(FAULT_MARK)), None)
    if line is None:
        return None
    return Death("native-crash", 0.95, f"{line.removeprefix(FAULT_MARK).lower()} in native code{_at(signs)}")


def _machine(signs: Mapping[str, Any]) -> Death | None:
    """Decide from the boot id."""
    now = _now(signs)
    if now is None or not signs.get("boot_id") or not now.get("boot_id") or now["boot_id"] == signs["boot_id"]:
        return None
    booted, last = now.get("booted_s"), signs.get("time_s")
    if not isinstance(booted, int | float) or not isinstance(last, int | float):
        return Death("unknown", 0.0, "the machine has been restarted since; whether that ended it cannot be told")
    gap = booted - last
    if 0 <= gap <= BOOT_S:
        return Death(
            "machine-down", 0.85,
            f"the machine went down without a word to its processes (power, panic, reset): it came up again {duration(gap)} "
            "after the last sign of life",
        )  # fmt: skip
    return Death(
        "unknown", 0.0,
        f"the machine has been restarted since{f', {duration(gap)} after the last sign of life' if gap > 0 else ''}; whether "
        "that ended it cannot be told",
    )  # fmt: skip


def _memory(signs: Mapping[str, Any]) -> Death | None:
    """Decide from the counters of processes killed for memory, read later on the same machine and boot."""
    now = _now(signs)
    if now is None:
        return None
    group = _rise(signs.get("oom_kills"), now.get("oom_kills"))
    machine = _rise(signs.get("machine_oom_kills"), now.get("machine_oom_kills"))
    at, last = now.get("time_s"), signs.get("time_s")
    fresh = isinstance(at, int | float) and isinstance(last, int | float) and 0 <= at - last <= FRESH_S
    pressed = _pressed(signs)
    if group and (fresh or pressed):
        return Death(
            "oom-killer", 0.9 if pressed else 0.75,
            f"since its last sign of life the kernel has counted a process of its control group killed for memory{_held(signs)}",
        )  # fmt: skip
    if group or (machine and group is None):
        likely = bool(machine) and group is None and pressed is True
        return Death(
            "oom-killer" if likely else "unknown", 0.7 if likely else 0.0,
            "since its last sign of life the kernel has counted a process killed for memory"
            f"{_held(signs)}; {'it was short of memory itself' if likely else 'whether it was this one cannot be told'}",
        )  # fmt: skip
    if group is None and machine is None:
        return None
    return Death(
        "sigkill", 0.7,
        "no fault, no signal that can be heard, and the kernel counted no kill for memory: SIGKILL by hand or by a "
        f"scheduler, or an exit past Python's own{_held(signs)}",
    )  # fmt: skip


def _now(signs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the state of the machine at reading, None if that is another machine."""
    found = signs.get("now")
    now: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    return now if now.get("host") and now.get("host") == signs.get("host") else None


def _rise(before: Any, after: Any) -> int | None:
    if not isinstance(before, int) or not isinstance(after, int) or after < before:
        return None
    return after - before


def _pressed(signs: Mapping[str, Any]) -> bool | None:
    """Whether memory was short at the last sign of life; None if that is not on record."""
    free, held = signs.get("free_bytes"), signs.get("rss_bytes")
    if not isinstance(free, int) or not isinstance(held, int) or free + held <= 0:
        return None
    return held / (free + held) >= PRESSURE_SHARE


def _held(signs: Mapping[str, Any]) -> str:
    held, free = signs.get("rss_bytes"), signs.get("free_bytes")
    if not isinstance(held, int) or not isinstance(free, int):
        return ""
    return f" (it held {held / 2**30:.3g} GiB, and {free / 2**30:.3g} GiB were to be had)"


def _at(signs: Mapping[str, Any]) -> str:
    """Return the innermost Python frame of the thread at fault, as the fault log tells it."""
    lines = iter(str(signs.get("fault") or "").splitlines())
    for line in lines:
        if line.startswith("Current thread"):
            frame = next(lines, "").strip()
            return f", {frame.removeprefix('File ')}" if frame.startswith("File") else ""
    return ""


def _signal_name(number: int) -> str | None:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return None

"""``trainwatch run``: starts a training and sees from outside how it ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

TAIL_BYTES = 1 << 16
TAIL_LINES = 200

FORWARDED = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENT]...")
def command(words: tuple[str, ...]) -> int:
    """Start a training and see from outside how it ends.

    Nothing of the training changes; its exit code is passed on (128 + n for signal n, as a shell does). What was seen
    goes into the record of every training that was recorded meanwhile, so that `trainwatch analyze` can tell a crash of
    native code, the kernel's out-of-memory killer and a kill by hand apart.

    \b
    trainwatch run -- python train.py --epochs 600
    trainwatch run -- torchrun --nproc-per-node 8 train.py
    """  # noqa: D301 (click wants the control character)
    if not words:
        raise click.UsageError("a command is missing: trainwatch run -- python train.py")
    return witness(list(words))


def witness(words: list[str]) -> int:
    """Run a command to its end; write what was seen into the records that were made meanwhile.

    Raises:
        TrainwatchError: If the command cannot be started.
    """
    from trainwatch.errors import TrainwatchError
    from trainwatch_hooks.crash import WITNESS
    from trainwatch_hooks.redact import redact

    before = _kills("_before")
    from_byte = _stderr_size()
    with tempfile.TemporaryDirectory(prefix="trainwatch-run-") as folder:
        announcements = Path(folder) / "recorders.jsonl"
        try:
            child = subprocess.Popen(words, env={**os.environ, WITNESS: str(announcements)})
        except OSError as error:
            raise TrainwatchError(f"{words[0]}: cannot be started ({error.strerror or error})") from None
        _pass_signals_to(child)
        code = child.wait()
        seen: dict[str, Any] = {
            "time_s": time.time(),
            "pid": child.pid,
            "code": code,
            **before,
            **_kills(),
            "command": redact(words),
            "stderr": redact(_stderr_since(from_byte)),
        }
        records = _announced(announcements)
    for record, pids in records.items():
        _write(record, {**seen, "recorders": pids})
    if records:
        runs = ", ".join(str(record.parent) for record in records)
        what = f"{words[0]} {_how(code)}; why" if code else f"{words[0]} ended; how it went"
        print(f"trainwatch: {what}: trainwatch analyze {runs}", file=sys.stderr)
    return code if code >= 0 else 128 - code


def _kills(suffix: str = "") -> dict[str, int | None]:
    from trainwatch_hooks import environment

    return {
        f"oom_kills{suffix}": environment.oom_kills(environment.memory_cgroup()),
        f"machine_oom_kills{suffix}": environment.machine_oom_kills(),
    }


def _pass_signals_to(child: subprocess.Popen[bytes]) -> None:
    """Hand on what is sent to us; Ctrl-C reaches the child by itself where both sit at one terminal."""

    def hand_on(number: int, frame: Any) -> None:
        if number != signal.SIGINT or not _at_terminal():
            child.send_signal(number)

    for name in (*FORWARDED, "SIGINT"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:
            signal.signal(getattr(signal, name), hand_on)


def _at_terminal() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _stderr_size() -> int | None:
    """Return the size of the file that stderr goes to, None if it goes elsewhere."""
    try:
        found = os.fstat(2)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _stderr_since(start: int | None) -> str:
    """Return the last lines of that file: C code writes there, too, past Python's ``sys.stderr``."""
    end = _stderr_size()
    if start is None or end is None or end <= start:
        return ""
    try:
        with open("/proc/self/fd/2", "rb") as file:
            file.seek(max(start, end - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(line.rsplit("\r", 1)[-1] for line in text.splitlines()[-TAIL_LINES:])


def _announced(path: Path) -> dict[Path, list[int]]:
    """Return the records that were opened meanwhile, with the pids of their recorders."""
    found: dict[Path, list[int]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            said = json.loads(line)
            found.setdefault(Path(said["folder"]), []).append(int(said["pid"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _write(record: Path, seen: dict[str, Any]) -> None:
    from trainwatch_hooks.store import append_line

    try:
        if record.is_dir():
            append_line(record / "witness.jsonl", seen)
    except OSError as error:
        print(f"trainwatch: {record}: what was seen could not be written ({error})", file=sys.stderr)


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"

"""Feeds damaged logs to every importer for some minutes; reports tracebacks, hangs and errors of more than one line.

``python tests/bench/fuzz_importers.py [--minutes 1] [--only ID] [--seed 0]``. Exit code 1 if there was any.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "helpers"), str(ROOT / "tests" / "property"), str(ROOT), str(ROOT / "hooks")]

from test_hostile_logs import VALID

from trainwatch.errors import TrainwatchError
from trainwatch.registry import modules

HANG_S = 10
PIECES = (
    b"nan",
    b"inf",
    b"1e999",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"{",
    b"[" * 2000,
    b"-1",
    b"9" * 400,
    b"\xff\xfe",
    b"\xef\xbb\xbf",
)
LONG = 10 << 20


class Hang(Exception):
    """An importer took longer than ``HANG_S``."""


def alarm(_number: int, _frame: FrameType | None) -> None:
    raise Hang


def damage(valid: bytes, chance: random.Random) -> bytes:
    """Change a valid file at one to eight places; rarely make it a line of 10 MB or repeat it a thousand times."""
    data = bytearray(valid)
    kind = chance.random()
    if kind < 0.002:
        return bytes(data[: len(data) // 2]) + chance.choice((b"x", b"1,", b"{", b"\0")) * (LONG // 2)
    if kind < 0.01:
        data *= 1000
    for _ in range(chance.randint(1, 8)):
        at, to = chance.randint(0, len(data)), chance.randint(0, len(data))
        piece = chance.choice((*PIECES, chance.randbytes(chance.randint(1, 20))))
        how = chance.randint(0, 4)
        if how == 0:
            del data[at:]
        elif how == 1:
            data[at : at + len(piece)] = piece
        elif how == 2:
            data[at:at] = piece
        elif how == 3:
            data[at:at] = data[at : at + 200] * 3
        else:
            del data[min(at, to) : max(at, to)]
    return bytes(data)


def fuzz(id: str, seconds: float, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """Fuzz one importer; return counts and what went wrong."""
    importer = modules("trainwatch.importers")[id]
    name, valid = VALID[id]
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        while time.monotonic() < until:
            data = damage(valid, chance)
            (path / name).write_bytes(data)
            signal.alarm(HANG_S)
            try:
                importer.sniff(path)
                run = importer.load(path)
                _ = (run.epochs_done, run.column_names())
                counts["read"] += 1
            except TrainwatchError as error:
                counts["refused"] += 1
                if "\n" in str(error):
                    wrong.append(f"more than one line: {error}")
            except Hang:
                counts["hang"] += 1
                wrong.append(f"hang: {len(data)} bytes, {data[:80]!r}")
            except Exception:
                counts["traceback"] += 1
                wrong.append(traceback.format_exc(limit=-3) + f"{data[:300]!r}")
            finally:
                signal.alarm(0)
    return counts, wrong


def main() -> int:
    """Fuzz and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=1.0, help="for each importer")
    options.add_argument("--only", choices=sorted(VALID))
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    signal.signal(signal.SIGALRM, alarm)
    failed = 0
    for id in [chosen.only] if chosen.only else sorted(VALID):
        counts, wrong = fuzz(id, 60 * chosen.minutes, random.Random(f"{id}{chosen.seed}"))
        print(f"{id}: {dict(counts)}", flush=True)
        for text in wrong[:3]:
            print(text, flush=True)
        failed += len(wrong)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

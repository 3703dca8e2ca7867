"""Writes .wandb files, as little as tests need."""

from __future__ import annotations

import json
import struct
from typing import Any

from tfevents import field, varint

HEADER = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
BLOCK = 32768


def items(values: dict[str, Any]) -> bytes:
    """Encode items with a JSON value each."""
    return b"".join(field(1, field(1, k.encode()) + field(16, json.dumps(v).encode())) for k, v in values.items())


def history(step: int, **values: Any) -> bytes:
    """A record of one call of ``wandb.log``."""
    return field(2, items(values) + field(2, b"\x08" + varint(step)))


def config(**values: Any) -> bytes:
    """A record of the configuration, as the run's start writes it."""
    return field(17, field(4, items(values)))


def exited(code: int) -> bytes:
    """The record of the end."""
    return field(18, b"\x08" + varint(code))


def log(*records: bytes) -> bytes:
    """Frame records in blocks (checksums are zero: the reader does not verify them)."""
    out = HEADER
    for record in records:
        kind, rest = 1, record
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += b"\0" * left
                continue
            piece, rest = rest[: left - 7], rest[left - 7 :]
            if rest:
                kind = 2 if kind == 1 else 3
            elif kind != 1:
                kind = 4
            out += struct.pack("<IHB", 0, len(piece), kind) + piece
            if not rest:
                break
    return out

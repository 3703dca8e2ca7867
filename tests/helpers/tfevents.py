"""Writes TensorBoard event files, as little as tests need."""

from __future__ import annotations

import struct


def varint(value: int) -> bytes:
    """Encode an unsigned number."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, data: bytes) -> bytes:
    """Encode a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def record(data: bytes) -> bytes:
    """Frame a record (checksums are zero: the reader does not verify them)."""
    return struct.pack("<Q", len(data)) + b"\0" * 4 + data + b"\0" * 4


def version() -> bytes:
    """The record that opens a file."""
    return record(b"\x09" + struct.pack("<d", 1.7e9) + field(3, b"brain.Event:2"))


def scalar(step: int, tag: str, value: float, *, tensor: bool = False, at: float = 1.7e9) -> bytes:
    """A scalar summary, simple or as a tensor of one float, logged at a Unix time."""
    number = struct.pack("<f", value)
    body = field(8, b"\x08\x01" + field(4, number)) if tensor else b"\x15" + number
    summary = field(1, field(1, tag.encode()) + body)
    return record(b"\x09" + struct.pack("<d", at) + b"\x10" + varint(step) + field(5, summary))

"""Text logs and YAML files of strangers: read whole, limited in size, never executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from trainwatch.errors import UnreadableRun

MAX_LOG_BYTES: Final = 64 * 2**20
"""A results.csv of 600 epochs is about 0.1 MB; 64 MiB are some 400 000 epochs."""
MAX_YAML_BYTES: Final = 64 * 2**10
"""An args.yaml is about 2 kB."""
MAX_YAML_VALUES: Final = 10_000
"""Values taken from a YAML file at most, aliases expanded: 64 kB of nested aliases can mean 10^9 values."""
HEAD_BYTES: Final = 8192
"""What sniffing reads."""


def read(file: Path, what: str = "results.csv of a single run") -> str:
    """Read a text log whole.

    Args:
        file: The log.
        what: What should have been given instead.

    Raises:
        UnreadableRun: If it is unreadable, too large, empty or binary.
    """
    try:
        size = file.stat().st_size
        if size > MAX_LOG_BYTES:
            raise UnreadableRun(
                f"{file}: {size / 2**20:.4g} MiB is too large for a log with one row per epoch "
                f"(limit {MAX_LOG_BYTES / 2**20:.4g} MiB); give the {what}"
            )
        data = file.read_bytes()
    except OSError as error:
        raise UnreadableRun(f"{file}: {error.strerror or error}; make it readable or copy it") from error
    if not data.strip():
        raise UnreadableRun(f"{file}: the file is empty: no epoch was finished, or the copy failed; copy it again")
    text = decode(data)
    if "\0" in text or text.count("�") > len(text) // 20:
        raise UnreadableRun(f"{file}: binary data, no text log; give the {what}")
    return text


def decode(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 with a mark; line ends become newlines, what cannot be decoded a replacement sign."""
    # PowerShell's redirection and old editors write UTF-16 with a mark.
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def fields(line: str) -> list[str]:
    """Split a header line at commas; padding and quotes are taken off."""
    return [f.strip().strip('"').strip() for f in line.split(",")]


def first_line(file: Path) -> str:
    """Return the first line of a file, of its first 8 KiB at most.

    Raises:
        OSError: If it cannot be read.
    """
    with file.open("rb") as stream:
        return decode(stream.read(HEAD_BYTES)).split("\n", 1)[0]


def number(text: str) -> float | None:
    """Return the number that a field holds (``nan`` and ``inf`` are numbers), None if it holds none."""
    try:
        return float(text)
    except ValueError:
        return None


def parse_json(text: str | bytes) -> Any:
    r"""Return a JSON value whose strings can all be written: half a surrogate pair (``\ud800``) becomes ``?``.

    Raises:
        ValueError: If it is no JSON.
        RecursionError: If it is nested too deeply.
    """
    if isinstance(text, bytes):  # json itself would let halves of pairs pass that stand there as bytes
        text = text.decode(json.detect_encoding(text))
    value = json.loads(text)
    return legible(value) if "\\u" in text else value


def legible(value: Any) -> Any:
    """Return a value, or a structure of them, with only such signs in its strings as UTF-8 can write."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")
    if isinstance(value, dict):
        return {legible(k): legible(v) for k, v in value.items()}
    return [legible(v) for v in value] if isinstance(value, list) else value


def read_yaml(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments and notes; whatever is wrong with the file becomes a note, never an error."""
    unknown = "what it says (planned epochs, patience and the like) is not known."
    try:
        if not file.is_file():
            return {}, [f"There is no {file.name} beside the log; {unknown}"]
        if file.stat().st_size > MAX_YAML_BYTES:
            return {}, [f"{file.name} is larger than {MAX_YAML_BYTES // 1024} KiB and was not read; {unknown}"]
        document = yaml.safe_load(decode(file.read_bytes()))
    except (OSError, yaml.YAMLError, RecursionError, ValueError, OverflowError, TypeError, AttributeError) as error:
        first = str(error).strip().splitlines()
        return {}, [f"{file.name} could not be read ({first[0] if first else type(error).__name__}); {unknown}"]
    if not isinstance(document, dict):
        return {}, [f"{file.name} holds no arguments; {unknown}"]
    budget = [MAX_YAML_VALUES]
    try:
        return {legible(str(k)[:200]): plain(v, budget) for k, v in document.items()}, []
    except (ValueError, RecursionError):
        return {}, [f"{file.name} holds more than {MAX_YAML_VALUES} values and was not used; {unknown}"]


def plain(value: Any, budget: list[int]) -> Any:
    """Return plain types only.

    Args:
        value: Whatever a file held.
        budget: One number: values that may still be taken; counted down.

    Raises:
        ValueError: If the budget is spent.
    """
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError("too many values")
    if isinstance(value, dict):
        return {legible(str(k)[:200]): plain(v, budget) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v, budget) for v in value]
    return value if value is None or isinstance(value, bool | int | float) else legible(str(value))

"""Large tables by pyarrow: a million rows in a second."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import pyarrow as pa

from trainwatch.importers._scalars import Column
from trainwatch.importers._text import HEAD_BYTES, decode
from trainwatch.runs.arrays import floats_in, measured_in

MAX_COLUMNS: Final = 2000
LARGE_BYTES: Final = 8 << 20
"""Below, row by row in Python, which can tell what is damaged where."""


def separator_of(line: str) -> str | None:
    """Return the sign between the fields of a line, None for blanks."""
    return next((s for s in (",", "\t", ";") if s in line), None)


def split(line: str, separator: str | None) -> list[str]:
    """Split a line into fields; quotes are obeyed."""
    return line.split() if separator is None else next(csv.reader([line], delimiter=separator), [])


def read_clean(file: Path) -> dict[str, Column] | None:
    """Read a large, undamaged CSV; None if it is another thing."""
    from pyarrow import csv as arrow

    with file.open("rb") as stream:
        head = decode(stream.read(HEAD_BYTES)).split("\n", 1)[0]
    separator = separator_of(head)
    names = [n.strip() for n in split(head, separator)] if separator else []
    if not names or len(names) != len(set(names)) or len(names) > MAX_COLUMNS:
        return None
    try:
        table = arrow.read_csv(
            file,
            read_options=arrow.ReadOptions(column_names=names, skip_rows=1),
            parse_options=arrow.ParseOptions(delimiter=separator, invalid_row_handler=lambda _: "skip"),
            convert_options=arrow.ConvertOptions(null_values=["", "NA", "None", "null"], strings_can_be_null=True),
        )
    except pa.ArrowException:
        return None
    return of_table(table)


def of_table(table: pa.Table) -> dict[str, Column]:
    """Return the columns of numbers.

    Raises:
        ValueError: If there are too many columns.
    """
    if table.num_columns > MAX_COLUMNS:
        raise ValueError(f"more than {MAX_COLUMNS} columns")
    columns: dict[str, Column] = {}
    for name in dict.fromkeys(table.column_names):
        array = table.column(table.column_names.index(name))
        if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
            continue
        columns[str(name)] = (floats_in(array), measured_in(array))
    return columns

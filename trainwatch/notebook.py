"""Small HTML for notebooks: everything escaped, colours of the notebook's own theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LEFT = "text-align:left"


def block(
    title: str, facts: Iterable[tuple[str, str]], header: Sequence[str] = (), rows: Iterable[Sequence[str]] = ()
) -> str:
    """Return a title, label and value pairs, and a table.

    Args:
        title: First line, bold.
        facts: Label and value; pairs without a value are left out.
        header: Names of the table's columns.
        rows: Its rows.
    """
    from html import escape  # a hundredth of a second, which no start of the command line needs

    parts = [f"<div><p><strong>{escape(title)}</strong></p>"]
    lines = [f"<tr><th style='{LEFT}'>{escape(a)}</th><td style='{LEFT}'>{escape(b)}</td></tr>" for a, b in facts if b]
    if lines:
        parts.append(f"<table>{''.join(lines)}</table>")
    body = ["".join(f"<td style='{LEFT}'>{escape(c)}</td>" for c in row) for row in rows]
    if body:
        names = "".join(f"<th style='{LEFT}'>{escape(n)}</th>" for n in header)
        table = "".join(f"<tr>{row}</tr>" for row in body)
        parts.append(f"<table><thead><tr>{names}</tr></thead><tbody>{table}</tbody></table>")
    return "".join(parts) + "</div>"

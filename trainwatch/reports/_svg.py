"""The elements of a chart as SVG: small, themed by CSS variables, the same bytes for the same numbers."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape

Point = tuple[float, float]

HEAD = 'stroke-linejoin="round" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'

HATCH = 2.0
"""Distance of the lines of a hatched area."""


def chart(elements: Sequence[str], label: str, width: float, height: float) -> str:
    """Return the ``<svg>`` element.

    Args:
        elements: What is in it, from the ground up.
        label: What a screen reader says.
        width: Width in units of a seventy-second of an inch.
        height: Height in the same units.
    """
    opening = (
        f'<svg role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {place(width)} {place(height)}" {HEAD}>'
    )
    return f"{opening}{''.join(elements)}</svg>"


def own_id(prefix: str, id: str) -> str:
    """Return the id of an element: two charts of a page must not share one."""
    return prefix + re.sub(r"[^A-Za-z0-9]", "-", id) + "-box"


def box(id: str, left: float, top: float, width: float, height: float) -> str:
    """Return the definition of a rectangle outside which nothing is drawn."""
    sides = f'x="{place(left)}" y="{place(top)}" width="{place(width)}" height="{place(height)}"'
    return f'<defs><clipPath id="{id}"><rect {sides}/></clipPath></defs>'


def inside(id: str, elements: Sequence[str]) -> str:
    """Return a group of which only what lies inside a :func:`box` is drawn."""
    return f'<g clip-path="url(#{id})">{"".join(elements)}</g>'


def line(
    parts: Iterable[Sequence[Point]], colour: str, width: float, *, dash: Sequence[float] = (), butt: bool = False
) -> str:
    """Return lines as one path.

    Args:
        parts: Each a line through its points.
        colour: CSS colour.
        width: Width of the line.
        dash: Lengths of strokes and gaps, times the width.
        butt: Whether a line ends exactly at its last point; one of dashes always does.
    """
    style = f"fill: none; stroke: {colour}; stroke-width: {width:g}"
    if dash:
        style += f"; stroke-dasharray: {','.join(f'{d * width:.3g}' for d in dash)}"
    elif not butt:
        style += "; stroke-linecap: square"
    return f'<path d="{path(parts)}" style="{style}"/>'


def area(
    parts: Iterable[Sequence[Point]], colour: str, opacity: float, *, edge: float = 0.0, width: float = 0.0
) -> str:
    """Return filled areas as one path.

    Args:
        parts: Each the points around one area.
        colour: CSS colour of the area and its edge.
        opacity: Of the area.
        edge: Opacity of its edge.
        width: Width of its edge; 0: it has none.
    """
    style = f"fill: {colour}" + (f"; fill-opacity: {opacity:g}" if opacity < 1 else "")
    style += f"; stroke: {colour}; stroke-opacity: {edge:g}; stroke-width: {width:g}" if width else ""
    return f'<path d="{path(parts, closed=True)}" style="{style}"/>'


def dot(x: float, y: float, radius: float, colour: str) -> str:
    """Return a filled circle."""
    return f'<circle cx="{place(x)}" cy="{place(y)}" r="{radius:g}" style="fill: {colour}"/>'


def text(x: float, y: float, words: str, size: float, colour: str, anchor: str = "start") -> str:
    """Return words; ``y`` is the line they stand on, ``anchor`` what of them stands at ``x``."""
    style = f"font-size: {size:g}px; " + (f"text-anchor: {anchor}; " if anchor != "start" else "") + f"fill: {colour}"
    return f'<text style="{style}" x="{place(x)}" y="{place(y)}">{escape(words, quote=False)}</text>'


def picture(png: bytes, left: float, top: float, width: float, height: float) -> str:
    """Return an image, stretched, its pixels sharp."""
    sides = f'x="{place(left)}" y="{place(top)}" width="{place(width)}" height="{place(height)}"'
    return (
        f'<image xlink:href="data:image/png;base64,{b64encode(png).decode()}" {sides} preserveAspectRatio="none" '
        'style="image-rendering: crisp-edges; image-rendering: pixelated"/>'
    )


def hatched(id: str, left: float, top: float, width: float, height: float, colour: str) -> str:
    """Return a rectangle full of slanted lines: nobody takes them for a colour, on paper neither; ``id`` is its pattern's."""
    sides = f'x="{place(left)}" y="{place(top)}" width="{place(width)}" height="{place(height)}"'
    tile = f'id="{id}" width="{HATCH:g}" height="{HATCH:g}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"'
    stroke = line([[(HATCH / 2, 0.0), (HATCH / 2, HATCH)]], colour, 0.5, butt=True)
    return f'<defs><pattern {tile}>{stroke}</pattern></defs><rect {sides} style="fill: url(#{id})"/>'


def png(rows: Sequence[bytes], colours: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a picture of a palette as PNG (W3C, Portable Network Graphics, third edition); its first colour is clear.

    Args:
        rows: Each one byte a pixel: its place in ``colours``.
        colours: Red, green and blue, 256 at most.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    palette = bytes(c for colour in colours for c in colour)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"tRNS", b"\0"), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*p) for p in parts)


def path(parts: Iterable[Sequence[Point]], *, closed: bool = False) -> str:
    """Return the commands of a path, relative and in tenths: half the length of absolute ones.

    Every point is rounded by itself, so that errors do not add up. A point on the straight way between its neighbours is
    left out.

    Args:
        parts: Each a line through its points.
        closed: Whether each part ends where it began.
    """
    made: list[str] = []
    at_x = at_y = 0
    for points in parts:
        start: tuple[int, int] | None = None
        way_x = way_y = 0
        for x, y in points:
            to_x, to_y = round(10 * x), round(10 * y)
            new_x, new_y = to_x - at_x, to_y - at_y
            if start is None:
                made.append(f"{'m' if made else 'M'}{_tenths(new_x)} {_tenths(new_y)}")
                start = (to_x, to_y)
            elif new_x or new_y:
                if way_x * new_y == way_y * new_x and way_x * new_x + way_y * new_y > 0:
                    way_x, way_y = way_x + new_x, way_y + new_y  # straight on
                    made.pop()
                else:
                    way_x, way_y = new_x, new_y
                made.append(f"{' ' if made[-1][0] in 'l ' else 'l'}{_tenths(way_x)} {_tenths(way_y)}")
            at_x, at_y = to_x, to_y
        if start is not None and not (way_x or way_y):
            made.append("l0 0")  # a point is drawn as a line of no length with round or square ends
        if start is not None and closed:
            made.append("z")
            at_x, at_y = start
    return "".join(made).replace(" -", "-")


def place(value: float) -> str:
    """Write a coordinate: to a tenth, without a zero that says nothing."""
    return _tenths(round(10 * value))


@cache
def _tenths(value: int) -> str:
    whole, rest = divmod(abs(value), 10)
    text = f"{whole or ''}.{rest}" if rest else f"{whole}"
    return f"-{text}" if value < 0 else text

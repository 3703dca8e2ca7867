"""From matplotlib's SVG file to an element of a page: small, themed, described, its ids its own. Text is left as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

_TAG = re.compile(r"<[^>]+>")
_COMMAND = re.compile(r"([MLCQZz])([^A-Za-z]*)")


def finish(svg: str, id: str, label: str, prefix: str, colours: Mapping[str, str]) -> str:
    """Make matplotlib's file an element.

    Args:
        svg: What matplotlib wrote.
        id: Id of the chart; part of every id inside, since two charts of a page must not share one.
        label: What a screen reader says.
        prefix: Tells charts of one panel apart.
        colours: Sentinel colour to CSS variable.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|<defs>\s*</defs>", "", svg, flags=re.DOTALL)
    prefix += re.sub(r"[^A-Za-z0-9]", "-", id) + "-"
    svg = _TAG.sub(lambda match: _tag(match[0], prefix, colours), svg)
    svg = re.sub(r">\s+<", "><", svg)
    svg = re.sub(r"<g/>|<defs></defs>", "", svg)
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    width, height = found.groups() if found else ("662.4", "147.6")
    opening = f'<svg role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {width} {height}" '
    opening += 'stroke-linejoin="round" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return opening + svg[svg.index(">") + 1 :].strip()


def _tag(tag: str, prefix: str, colours: Mapping[str, str]) -> str:
    """Rewrite the attributes of one tag: coordinates to 0.1, paths relative, colours to variables, ids with a prefix."""
    if tag.startswith("</"):
        return tag
    if "base64," in tag:  # a picture's data are no coordinates
        head, data, rest = re.split(r'((?:xlink:)?href="data:[^"]*")', tag, maxsplit=1)
        return _tag(head.rstrip() + ">", prefix, colours)[:-1] + f" {data}" + _tag(f"<{rest}", prefix, colours)[1:]
    if ' d="' in tag:
        tag = re.sub(r' d="([^"]+)"', lambda match: f' d="{relative_path(match[1])}"', tag)
    if "." in tag:
        tag = re.sub(r"(\d+\.\d)\d+", r"\1", tag)
        tag = re.sub(r"\.0(?=[ \"])", "", tag)
    if 'id="' in tag:
        if not re.search(r'\sid="[a-z]+[0-9a-f]{10}"', tag):
            tag = re.sub(r'\sid="[^"]+"', "", tag)  # only definitions are referred to
        tag = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', tag)
    if "#" in tag:
        tag = re.sub(r'((?:xlink:)?href)="#([^"]+)"', rf'\1="#{prefix}\2"', tag)
        tag = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", tag)
        for sentinel, variable in colours.items():
            tag = tag.replace(sentinel, variable)
    if "font-family" in tag or "text-anchor" in tag:
        tag = re.sub(r" ?font-family: [^;\"]+;?| ?text-anchor: start;?", "", tag)
    if "rotate(-0" in tag:
        tag = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", tag)
    return re.sub(r"\s+", " ", tag)


def relative_path(path: str) -> str:
    """Write a path of absolute M, L, C, Q and Z commands with relative ones, in tenths: half the length.

    Every point is rounded by itself, so that errors do not add up. A path with other commands is left as it is.
    """
    made: list[str] = []
    at, start = (0, 0), (0, 0)
    last = ""
    end = 0
    for match in _COMMAND.finditer(path):
        if path[end : match.start()].strip():
            return path
        end = match.end()
        command = match[1].upper()
        if command == "Z":
            made.append("z")
            at, last = start, "z"
            continue
        numbers = [round(10 * float(v)) for v in match[2].split()]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        first = not made
        for i in range(0, len(points), {"C": 3, "Q": 2}.get(command, 1)):
            group = points[i : i + {"C": 3, "Q": 2}.get(command, 1)]
            name = ("M" if first else command.lower()) if i == 0 or command in "CQ" else "l"
            text = " ".join(_tenths(v) for x, y in group for v in (x - at[0], y - at[1]))
            made.append((text if text.startswith("-") else f" {text}") if name == last == "l" else f"{name}{text}")
            at, last, first = group[-1], name, False
        if command == "M" and points:
            start = points[0]
    return path if path[end:].strip() else "".join(made).replace(" -", "-")


def _tenths(value: int) -> str:
    whole, rest = divmod(abs(value), 10)
    text = f"{whole or ''}.{rest}" if rest else f"{whole}"
    return f"-{text}" if value < 0 else text

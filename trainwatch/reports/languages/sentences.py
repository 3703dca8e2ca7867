"""Sentences in another language, as gettext does it: the English template is the key, its holes are filled again.

Detectors and advice write plain English sentences, and those stand in the JSON document. A catalogue maps the templates
of such sentences to another language. Four kinds of holes stand in a template:

* ``{where}``: a phrase that has a translation of its own ("epoch 12"), a list of such, or a value (a number, a name);
* ``{count:n}``: a number;
* ``{file!r}``: a name (a file, a column, a module), which is left as it is, whatever it says;
* ``{message!s}``: words of the user or of another program (an exception's message), left as they are, however many.

A sentence that no template fits, or of which one hole holds English that has no translation, stays English as a whole.

Text comes from strangers' records. A template is fitted by searching its fixed parts from left to right, without ever
going back, and all work on one text has a budget: however long or odd a text is, the time it takes is limited.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import reduce
from string import Formatter
from typing import Final, NamedTuple

PHRASE, NUMBER, NAME, WORDS = "phrase", "number", "name", "words"

BUDGET: Final = 300_000
"""Characters that are looked through for one text, over all attempts."""

LEAST_COST: Final = 50
"""What an attempt costs at least, in characters."""

MAX_DEPTH: Final = 6
"""Phrases within phrases."""

MAX_PARTS: Final = 40
"""Sentences of a text, or items of a list, that are looked at one by one."""

CLAUSES: Final = (("; then ", "；随后"), ("; ", "；"))
LISTS: Final = ((", ", "，"), (" and ", "和"))
"""What joins clauses and lists in English, and in Chinese."""
ITEMS: Final = "、"
"""What joins a list of single words in Chinese."""

_KINDS: Final = {None: PHRASE, "r": NAME, "s": WORDS}
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d+)*(?:e[-+]?\d+)?|inf|nan)")
_ENDS = re.compile(r"(?<=[.!?])\s+")
_WORDS = re.compile(r"\s*\S+(?: and \S+)?\s*")
"""An item of a list of names, and the last two."""
_PROSE = re.compile(r"(?:^|[\s(])[A-Za-z]['A-Za-z-]+,?\s+[A-Za-z]['A-Za-z-]+(?=$|[\s,.;:)])")
"""Two plain words in a row: a sentence, not a value."""


class Hole(NamedTuple):
    """A place of a template that is filled: its name, and what may stand there."""

    name: str
    kind: str


class Template(NamedTuple):
    """A key of the catalogue: its fixed parts, one more than its holes, and the translation with the same names."""

    fixed: tuple[str, ...]
    holes: tuple[Hole, ...]
    translation: str

    def fit(self, text: str) -> tuple[str, ...] | None:
        """Return what stands in the holes; None if the text is of another template."""
        first, last = self.fixed[0], self.fixed[-1]
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return None
        found = []
        for part in self.fixed[1:-1]:
            place = text.find(part, at, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(part)
        return (*found, text[at:end])


class _Work:
    """What is left of the budget, and what has been tried before."""

    def __init__(self) -> None:
        self.left = BUDGET
        self.known: dict[str, str | None] = {}


class Sentences:
    """A catalogue, ready for use.

    Args:
        catalogue: English template -> translation.
    """

    def __init__(self, catalogue: Mapping[str, str]) -> None:
        self._whole = {key: text for key, text in catalogue.items() if "{" not in key}
        templates = [parse(key, text) for key, text in catalogue.items() if "{" in key]
        # The most fixed text first: what fits it, fits it best.
        templates.sort(key=lambda t: -sum(map(len, t.fixed)))
        self._templates = [(max(t.fixed, key=len), t) for t in templates]

    def say(self, text: str) -> str:
        """Translate a text of one or more sentences; a sentence without a translation is returned as it is."""
        return self.translate(text)[0]

    def known(self, text: str) -> bool:
        """Whether all of a text has a translation."""
        return self.translate(text)[1]

    def translate(self, text: str) -> tuple[str, bool]:
        """Translate a text, and say whether all of it was."""
        work = _Work()
        stripped = text.strip()
        if not stripped:
            return text, True
        pieces = _ENDS.split(stripped, MAX_PARTS)
        return self._pieces(pieces if len(pieces) <= MAX_PARTS else [stripped], work)

    def _pieces(self, pieces: list[str], work: _Work) -> tuple[str, bool]:
        """Translate sentence by sentence; what looks like an end of one may be none ("e.g. x"), so more are tried."""
        said, whole, at = "", True, 0
        english = False
        while at < len(pieces):
            for until in range(at + 1, len(pieces) + 1):
                found = self._one(" ".join(pieces[at:until]), work, 0)
                if found is not None:
                    said = f"{said} {found}" if english else said + found
                    at, english = until, False
                    break
            else:
                said = f"{said} {pieces[at]}" if said else pieces[at]
                whole = whole and not is_prose(pieces[at])
                at, english = at + 1, True
        return said, whole

    def _one(self, text: str, work: _Work, depth: int) -> str | None:
        """Translate one sentence or phrase; None if that cannot be done, or would cost too much."""
        if text in work.known:
            return work.known[text]
        if work.left <= 0 or depth > MAX_DEPTH:
            return None
        work.known[text] = None
        work.left -= max(len(text), LEAST_COST)
        found = self._fitted(text, work, depth)
        if found is None and text[0].islower():
            found = self._fitted(text[0].upper() + text[1:], work, depth)  # a title within a sentence
        if found is None and depth == 0 and text.endswith(".") and len(text) > 1:
            found = self._fitted(text[:-1], work, depth)  # a title that ends a sentence
            if found is None and text[0].isupper():
                found = self._fitted(text[0].lower() + text[1:-1], work, depth)  # a clause that is a sentence
            found = None if found is None else f"{found}。"
        work.known[text] = found
        return found

    def _fitted(self, text: str, work: _Work, depth: int) -> str | None:
        if text in self._whole:
            return self._whole[text]
        for anchor, template in self._templates:
            if anchor not in text:
                continue
            holes = template.fit(text)
            if holes is None:
                continue
            filled = {}
            for hole, content in zip(template.holes, holes, strict=True):
                said = self._filled(hole.kind, content, work, depth)
                if said is None:
                    break
                filled[hole.name] = said
            else:
                return fill(template.translation, filled)
        return None

    def _filled(self, kind: str, content: str, work: _Work, depth: int) -> str | None:
        if kind == WORDS:
            return content.strip()
        if kind == NAME:
            return None if is_prose(content) else content.strip()
        if kind == NUMBER:
            return content if _NUMBER.fullmatch(content) else None
        return self._phrase(content.strip(), work, depth + 1)

    def _phrase(self, text: str, work: _Work, depth: int) -> str | None:
        """Translate what stands in a hole: a phrase, a list of phrases, or a value, which stays as it is."""
        if not text:
            return ""
        # Clauses first: the last hole of a template would take the clauses behind it as well.
        found = (
            self._list(text, CLAUSES, work, depth)
            or self._one(text, work, depth)
            or self._list(text, LISTS, work, depth)
        )
        if found is not None:
            return found
        ends = text.endswith(".") and not text.endswith(" ...")
        return None if is_prose(text) or ends else text

    def _list(self, text: str, separators: tuple[tuple[str, str], ...], work: _Work, depth: int) -> str | None:
        """Translate a list of which every part is a phrase or a value; None if there is none, or nothing to translate."""
        for separator, joint in separators:
            parts = text.split(separator, MAX_PARTS)
            if depth >= MAX_DEPTH or not 1 < len(parts) <= MAX_PARTS:
                continue
            said = [self._phrase(p.strip(), work, depth + 1) for p in parts]
            if None not in said and (said != parts or separator == " and "):
                joint = ITEMS if separator == ", " and all(map(_WORDS.fullmatch, parts)) else joint
                return (
                    reduce(_joined, (word for s in said for word in (joint, s or "")), "").removeprefix(joint).lstrip()
                )
        return None


def parse(key: str, translation: str) -> Template:
    """Make a template of an entry of the catalogue.

    Raises:
        ValueError: If two holes touch, or one has no name or is of no kind.
    """
    fixed, holes = [""], list[Hole]()
    for literal, name, spec, conversion in Formatter().parse(key):
        fixed[-1] += literal
        if name is None:
            continue
        if not name.isidentifier() or spec not in ("", "n") or conversion not in _KINDS:
            raise ValueError(f"hole {{{name}}} of {key!r}: write {{name}}, {{name:n}}, {{name!r}} or {{name!s}}")
        if holes and not fixed[-1]:
            raise ValueError(f"two holes of {key!r} touch: nothing tells where one ends")
        holes.append(Hole(name, NUMBER if spec else _KINDS[conversion]))
        fixed.append("")
    return Template(tuple(fixed), tuple(holes), translation)


def fill(translation: str, values: Mapping[str, str]) -> str:
    """Fill the holes of a translation: a space between Chinese and Latin letters, none beside Chinese or before its stops."""
    made = ""
    for literal, name, _, _ in Formatter().parse(translation):
        made = _joined(made, literal)
        if name is not None:
            made = _joined(made, values[name])
    return made


def is_prose(text: str) -> bool:
    """Whether a text holds English, other than names and numbers."""
    return bool(_PROSE.search(text))


def _joined(left: str, right: str) -> str:
    a, b = left.rstrip(" "), right.lstrip(" ")
    if not a or not b:
        return left + right
    if _wide(b[0]) and (_wide(a[-1]) or not b[0].isalpha()):
        return a + b
    if a is left and b is right and ((_han(a[-1]) and _latin(b[0])) or (_latin(a[-1]) and _han(b[0]))):
        return f"{a} {b}"
    return left + right


def _wide(character: str) -> bool:
    """Whether a character is as wide as a Chinese one: letters, and the punctuation of Chinese."""
    return unicodedata.east_asian_width(character) in "WF"


def _han(character: str) -> bool:
    return _wide(character) and character.isalpha()


def _latin(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "-+`")

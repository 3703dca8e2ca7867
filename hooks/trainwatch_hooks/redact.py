"""Removes secrets from whatever is written: credentials in URLs, values of secret-looking names, known token shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np

HIDDEN: Final = "[redacted]"

_WORDS = r"passw(?:or)?d|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization"
_NAME = rf"(?<![\w.-])(?=[\w.-]*?(?:{_WORDS}))[\w.-]++"
"""A name that holds a secret-looking word. It is looked at from its first character only and never given back: a long row of
such words would otherwise take its length squared, in which no other thread runs."""
_SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
_TOKEN_SHAPES: Final = (  # GitHub, GitLab, Hugging Face, OpenAI-like, Slack, AWS
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{16,}|sk-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16})\b"
)
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # scheme://user:password@host, scheme://token@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,40}://)[^\s/@:]*:[^\s/@]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,40}://)[^\s/@:]{16,}@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Bearer <token>
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    # name=value, name: value, ?name=value, --name value
    (re.compile(rf"({_NAME}[\"']?+\s*+[=:]\s*+[\"']?+)[^\s\"'&,;]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"((?<![\w.-])(?=--\w){_NAME}\s++)(?!-)\S+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(_TOKEN_SHAPES), HIDDEN),
)


def redact_text(text: str) -> str:
    """Return the text with secrets replaced by ``[redacted]``."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any) -> Any:
    """Redact all strings of a JSON-like value; the value of a secret-looking key is hidden whole."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {
            k: _hidden(v) if isinstance(k, str) and _SECRET_NAME.fullmatch(k) else redact(v) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return redact_command([redact(v) for v in value])
    if isinstance(value, set | frozenset):
        return [redact(v) for v in value]
    if value is None or isinstance(value, bool | int | float | np.generic):
        return value
    return redact_text(str(value))  # as it would be written


def _hidden(value: Any) -> Any:
    """Hide a secret's value, also where several are given; numbers (``max_tokens``) and what is empty stay."""
    if isinstance(value, str | bytes):
        return HIDDEN if value else value
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(v) for v in value]
    return redact(value)


def redact_command(words: list[Any]) -> list[Any]:
    """Hide the word after an option such as ``--api-key`` in a list of command line words."""
    hidden = list(words)
    for i, (word, follows) in enumerate(pairwise(words)):
        if not isinstance(word, str) or not isinstance(follows, str) or follows.startswith("--"):
            continue
        if word.startswith("--") and _SECRET_NAME.fullmatch(word[2:]):
            hidden[i + 1] = HIDDEN
    return hidden

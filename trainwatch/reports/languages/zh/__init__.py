"""Simplified Chinese: words of the page, names of checks and advice, and sentences, one file per part of the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trainwatch.reports.languages.zh.advice import ADVICE
from trainwatch.reports.languages.zh.charts import CHARTS
from trainwatch.reports.languages.zh.checks import CHECKS
from trainwatch.reports.languages.zh.compare import COMPARE
from trainwatch.reports.languages.zh.detectors import DETECTORS
from trainwatch.reports.languages.zh.documented import DOCUMENTED
from trainwatch.reports.languages.zh.events import EVENTS
from trainwatch.reports.languages.zh.page import NAMES, WORDS
from trainwatch.reports.languages.zh.records import RECORDS
from trainwatch.reports.languages.zh.to_do import TO_DO
from trainwatch.reports.languages.zh.verdict import VERDICT

SENTENCES: Final[Mapping[str, str]] = {
    **COMPARE, **CHARTS, **EVENTS, **RECORDS, **VERDICT, **ADVICE, **DOCUMENTED, **TO_DO, **DETECTORS,
}  # fmt: skip
"""Templates of sentences, see :mod:`trainwatch.reports.languages.sentences`."""

__all__ = ["CHECKS", "NAMES", "SENTENCES", "WORDS"]

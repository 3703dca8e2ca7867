"""The conductor: run, detectors, advice, evidence, verdict -> Analysis. It alone sees them all."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from trainwatch import __version__, timeline
from trainwatch.advice.base import Advice
from trainwatch.context import build_context
from trainwatch.cost import cost_of, worked_s
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector
from trainwatch.errors import TrainwatchError
from trainwatch.evidence import build_panels
from trainwatch.prescription import overrides_yaml, without_contradiction
from trainwatch.registry import members, modules
from trainwatch.result import (
    NUMERIC,
    SEVERITIES,
    Analysis,
    Checks,
    Context,
    Finding,
    NotDone,
    Page,
    Recommendation,
    RunSummary,
    Verdict,
)
from trainwatch.runs import Ending, Run, how_it_ended
from trainwatch.runs.clock import duration
from trainwatch.score import score_in_words
from trainwatch.to_do import to_do
from trainwatch.verdict import judge, with_dates, with_root, with_score
from trainwatch.what_next import what_next
from trainwatch_hooks.guard import own_errors

T = TypeVar("T")

LONG = 100_000
"""Steps from which checks run two at a time; below, starting threads takes longer than they save."""
WORKERS = 2
"""More would hold more columns at a time: what a record of a million steps may take is 500 MB."""

LAST_EVENTS = 50
OLD_OWN_ERRORS = "the recorder had errors of its own"
"""What records up to version 0.1 say where the recorder failed at something; which and how often stands in their data."""
MAX_ACTIONS = 60
"""Actions of stabilisers that the page shows."""


@dataclass(frozen=True)
class Config:
    """How to analyse.

    Attributes:
        strict: A check that could not run is an error.
        now_s: Unix time that tells a running training from a dead one; None: the clock.
        skip: Ids of checks that are not run.
    """

    strict: bool = False
    now_s: float | None = None
    skip: tuple[str, ...] = ()


def load() -> None:
    """Import all checks and advice, some 0.2 s; what is wrong with one is told when it is asked for."""
    for package in ("trainwatch.detectors", "trainwatch.advice"):
        with contextlib.suppress(Exception):
            modules(package)


@np.errstate(all="ignore")  # a recording may hold any float; what overflows is infinite, and judged as such
def analyse(run: Run, config: Config | None = None) -> Analysis:
    """Judge a run.

    Args:
        run: Any run.
        config: How to analyse.

    Raises:
        TrainwatchError: With ``config.strict``, if a check could not run.
    """
    config = config or Config()
    ending = how_it_ended(run, now_s=config.now_s)
    detectors = {i: d for i, d in members("trainwatch.detectors", Detector).items() if i not in config.skip}
    findings, checks = _check(run, detectors, config.strict)
    context = build_context(run, findings)
    recommendations, broken = _advise(findings, context, config.strict)
    checks = Checks(checks.passed, checks.not_applicable, (*checks.could_not_run, *broken))
    summary = RunSummary(
        path=str(run.path),
        source=run.source,
        steps=run.step_rows,
        epochs=run.epochs_done,
        planned_epochs=run.planned_epochs,
        ended_by=ending.kind,
    )
    judgement = with_score(judge(summary, findings, context, ending.reason), _best_score(run, context))
    judgement = with_dates(judgement, findings, _best_in(run, findings, context))
    verdict, reason = with_root(judgement, recommendations)
    findings = tuple(sorted(findings, key=lambda f: f.id != verdict.cause))  # the cause first, the rest as ranked
    page = _page(run, ending, verdict, reason, findings, recommendations, context, detectors)
    return Analysis(summary, verdict, findings, recommendations, checks, page)


def _check(run: Run, detectors: Mapping[str, Detector], strict: bool) -> tuple[tuple[Finding, ...], Checks]:
    findings: list[Finding] = []
    passed: list[str] = []
    not_applicable: list[NotDone] = []
    could_not_run: list[NotDone] = []
    outcomes = zip(detectors, _in_threads(run, [partial(_judge, run, d) for d in detectors.values()]), strict=True)
    for public, outcome in outcomes:
        if isinstance(outcome, Exception):
            told = f"{type(outcome).__name__}: {outcome}"
            if strict:
                raise TrainwatchError(f"check {public} could not run ({told})") from outcome
            could_not_run.append(NotDone(public, told))
        elif isinstance(outcome, str):
            not_applicable.append(NotDone(public, outcome))
        else:
            findings.extend(outcome)
            passed.extend([] if outcome else [public])
    findings = _without_echoes(findings)
    return tuple(sorted(findings, key=_rank)), Checks(tuple(passed), tuple(not_applicable), tuple(could_not_run))


def _judge(run: Run, detector: Detector) -> list[Finding] | str | Exception:
    """Return what was found, why the check does not apply, or what stopped it."""
    try:
        with np.errstate(all="ignore"):  # each thread has a setting of its own
            missing = detector.missing(run)
            return detector.detect(run) if missing is None else missing
    except Exception as error:
        return error


def _in_threads(run: Run, tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Return what tasks return, in their order; on a long record two run at a time: numpy works without Python's lock."""
    if run.step_columns.num_rows < LONG:
        return [task() for task in tasks]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="checks") as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def _without_echoes(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out the remark that nothing was learnt yet where the numbers blew up: then that is why.

    It stays where it says so itself: numbers that were lost from the start are the cause, and nothing learnt what followed.
    """
    blew_up = any(f.id in NUMERIC and f.severity == "critical" for f in findings)

    def echo(f: Finding) -> bool:
        return f.id == "no-learning" and f.severity == "info" and not f.detail.get("numbers_lost")

    return [f for f in findings if not (blew_up and echo(f))]


def _rank(finding: Finding) -> tuple[int, int, int, float, str]:
    onset = finding.onset
    epoch = onset.epoch if onset is not None and onset.epoch is not None else sys.maxsize
    step = onset.step if onset is not None and onset.step is not None else 0
    return (SEVERITIES.index(finding.severity), epoch, step, -finding.confidence, finding.id)


def _advise(
    findings: Sequence[Finding], context: Context, strict: bool
) -> tuple[tuple[Recommendation, ...], list[NotDone]]:
    given: list[Recommendation] = []
    broken: list[NotDone] = []
    for public, advice in members("trainwatch.advice", Advice).items():
        try:
            recommendation = advice.advise(findings, context)
        except Exception as error:
            if strict:
                raise TrainwatchError(f"advice {public} could not be made ({type(error).__name__}: {error})") from error
            broken.append(NotDone(public, f"{type(error).__name__}: {error}"))
            continue
        if recommendation is not None:
            given.append(recommendation)
    return without_contradiction(given), broken


def _page(
    run: Run,
    ending: Ending,
    verdict: Verdict,
    reason: str,
    findings: tuple[Finding, ...],
    recommendations: tuple[Recommendation, ...],
    context: Context,
    detectors: Mapping[str, Detector],
) -> Page:
    cause = next((f for f in findings if f.id == verdict.cause), None)
    trace = (ending.event or {}).get("data", {}).get("traceback", "") if ending.kind in ("exception", "oom") else ""
    named = {f.id for f in findings} | {r.id for r in recommendations}
    documentation, score = _documentation(named), score_in_words(run)
    answered = {i for r in recommendations for i in r.answers}
    undone = {f.id: to_do(f.id, documentation.get(f.id, ""), context.trainer) for f in findings
              if f.id not in answered and f.severity != "info"}  # fmt: skip
    return Page(
        cause_reason=reason,
        cost=cost_of(run, cause),
        **what_next(run, ending.kind, verdict, findings, recommendations, context, undone).for_page(),
        to_do={i: text for i, text in undone.items() if text},
        overrides_yaml=overrides_yaml(recommendations),
        facts=_facts(run, ending, context, score),
        score=score,
        panels=build_panels(run, findings),
        timeline=timeline.build(run, findings, ending),
        actions=_actions(run.events),
        events=_last_events(run.events),
        traceback=str(trace or ""),
        configuration=_configuration(run),
        thresholds={i: d.thresholds() for i, d in detectors.items()},
        notes=tuple(run.notes),
        explanations=documentation,
        version=__version__,
        first_epoch=1 if context.trainer == "ultralytics" else 0,
    )


def _actions(events: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return what stabilisers did, oldest first; of more than fit the first half and the last."""
    told = [dict(e) for e in events if str(e.get("source")).startswith("stabiliser/") and e.get("kind") != "checkpoint"]
    if len(told) <= MAX_ACTIONS:
        return tuple(told)
    half = MAX_ACTIONS // 2
    between = {"kind": "…", "message": f"{len(told) - 2 * half} more actions between these are not shown"}
    return (*told[:half], between, *told[-half:])


def _last_events(events: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the last events, newest first; of consecutive checkpoints only the newest, with the number of the others."""
    told: list[dict[str, Any]] = []
    for event in reversed(events):
        if event.get("kind") == "checkpoint" and told and told[-1].get("kind") == "checkpoint":
            told[-1]["others"] = told[-1].get("others", 0) + 1
            continue
        told.append(dict(event))
    for event in told:
        errors = (event.get("data") or {}).get("errors")
        if event.get("source") == "recorder" and event.get("message") == OLD_OWN_ERRORS and isinstance(errors, Mapping):
            event["message"] = own_errors({str(k): v for k, v in errors.items()})
        others = event.pop("others", 0)
        if others:
            event["message"] = f"{event.get('message')} (and {others} earlier)"
    return tuple(told[:LAST_EVENTS])


def _documentation(ids: Container[str]) -> dict[str, str]:
    every = {**modules("trainwatch.detectors"), **modules("trainwatch.advice")}
    return {i: inspect.getdoc(module) or "" for i, module in every.items() if i in ids}


def _facts(run: Run, ending: Ending, context: Context, score: str) -> tuple[tuple[str, str], ...]:
    planned = f" of {context.planned_epochs}" if context.planned_epochs else ""
    seconds = worked_s(run)
    hardware, git = run.meta.get("hardware") or {}, run.meta.get("git") or {}
    gpus = [str(g.get("name")) for g in hardware.get("gpus") or []]
    device = ", ".join(gpus) or (f"CPU, {hardware.get('cpu_count')} cores" if hardware else "")
    commit = (
        f"{git['commit'][:10]}{' with uncommitted changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    )
    ranks = f" on each of {len(run.ranks)} ranks" if len(run.ranks) > 1 else ""
    steps = f", {run.step_rows} steps{ranks}" if run.step_rows else ""
    best = _best_score(run, context) or _score_of_all(run)
    told = (
        ("Done", f"{run.epochs_done}{planned} epochs{steps}"),
        ("Ended", ending.words()),
        ("Best score" if context.best_epoch is not None else "Score", f"{best} ({score})" if score else best),
        ("Last good checkpoint", _checkpoint(context)),
        ("Wall time", duration(seconds) if seconds is not None else ""),
        ("Device", device),
        ("Commit", commit),
    )
    return tuple((label, value) for label, value in told if value)


def _best_in(run: Run, findings: Sequence[Finding], context: Context) -> str:
    """Say why the best single score may lie behind the epoch since which there is no progress; empty where it does not."""
    flat = next((f.onset.epoch for f in findings if f.id == "plateau" and f.onset is not None), None)
    if flat is None or context.best_epoch is None or context.best_epoch <= flat:
        return ""
    where = epoch_name(run, context.best_epoch)
    return f"The best single score came later, in {where}, but lies too little above that to count as progress."


def _best_score(run: Run, context: Context) -> str:
    """Return the best fitness and its epoch, as the user's tool counts; empty where it never moved."""
    if context.best_epoch is None:
        return ""
    score = run.epoch_series("fitness")
    return f"{score.values[score.finite].max():.3g} in {epoch_name(run, context.best_epoch)}"


def _score_of_all(run: Run) -> str:
    """Return the score of a run in which it never moved, ``0 in every epoch``; empty where none was measured."""
    score = run.epoch_series("fitness")
    if not score.finite.any():
        return ""
    return f"{score.values[score.finite].max():.3g} in every epoch"


def _checkpoint(context: Context) -> str:
    if context.resume_from is None:
        return "none known"
    here = "" if context.holds(context.resume_from) else " (not in the folder that was read)"
    best = ""
    if (
        "last" in context.resume_from
        and context.best_epoch is not None
        and context.best_epoch + 1 < context.epochs_done
    ):
        best = f"; best.pt, of epoch {context.best_epoch + 1}, scored better"
    return f"{context.resume_from}{here}{best}"


def _configuration(run: Run) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    meta = run.meta
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("Arguments as requested", run.requested),
        ("Arguments in force", run.args),
        ("Stabilisers", meta.get("stabilisers") or {}),
        ("Data set", meta.get("dataset") or {}),
        ("Model", meta.get("model") or {}),
        ("Loop", meta.get("loop") or {}),
        ("Versions", meta.get("versions") or {}),
        ("Hardware", meta.get("hardware") or {}),
        ("Git", meta.get("git") or {}),
    ]
    command_line = meta.get("command")
    if isinstance(command_line, list):
        tables.append(("Command line", {"command": " ".join(map(str, command_line)), "folder": meta.get("cwd")}))
    return tuple((title, tuple((str(k), _text(v)) for k, v in rows.items())) for title, rows in tables if rows)


def _text(value: Any) -> str:
    return "" if value is None else str(value)

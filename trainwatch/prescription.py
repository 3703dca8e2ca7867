"""Recommendations become one set of arguments, one command line and one ``overrides.yaml``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import yaml

from trainwatch.result import Change, Context, Recommendation

NOT_REPEATED = frozenset({"name", "exist_ok", "resume", "save_dir", "mode", "task", "cfg", "tracker", "pretrained"})
"""Requested arguments that a new run does not take over: they name the old run, or are set by the trainer."""

OPPOSED = (
    ("keep-schedule", "lower-lr"),
    ("lower-lr", "raise-lr"),
    ("lower-lr", "set-optimizer"),
    ("guard-precision", "raise-lr"),
    ("raise-lr", "warm-restart"),
    ("stop-sooner", "train-longer"),
    ("stop-sooner", "warm-restart"),
    ("raise-accumulate", "larger-model-or-images"),
    ("reduce-memory", "larger-model-or-images"),
    ("allocator-setting", "larger-model-or-images"),
    ("resume-run", "train-longer"),
)
"""Pairs that pull in opposite directions, though not always by the same argument: with the first, the second is not given.
The first is the safer one, or nearer to the cause (a rate that is too low costs time, one that is too high costs the run)."""


def without_contradiction(recommendations: Sequence[Recommendation]) -> tuple[Recommendation, ...]:
    """Make one prescription: no two values for one argument, and nothing that pulls the other way (:data:`OPPOSED`).

    Ranked by confidence, then by fewest changes; each argument is changed by the first that names it only. A
    recommendation that loses all its changes to a better one, and has no further steps, is dropped.
    """
    given = {r.id for r in recommendations}
    opposed = {second for first, second in OPPOSED if first in given}
    ranked = sorted(
        (r for r in recommendations if r.id not in opposed), key=lambda r: (-r.confidence, len(r.changes), r.id)
    )
    taken: set[str] = set()
    kept = []
    for recommendation in ranked:
        changes = tuple(c for c in recommendation.changes if c.arg not in taken)
        if recommendation.changes and not changes and not recommendation.steps:
            continue
        taken.update(c.arg for c in changes)
        kept.append(replace(recommendation, changes=changes))
    return tuple(kept)


def merged(recommendations: Sequence[Recommendation]) -> tuple[Change, ...]:
    """Return all changes of recommendations without contradiction."""
    return tuple(c for r in recommendations for c in r.changes)


def command(recommendations: Sequence[Recommendation], context: Context) -> str:
    """Return the line to type next; empty if there is nothing to change, or the trainer is not Ultralytics.

    A resume is a command of its own, because Ultralytics' resume ignores most other arguments. Ours takes them all.
    """
    if context.trainer != "ultralytics":
        return ""
    changes = {c.arg: c.new for c in merged(recommendations)}
    if context.own_checkpoint and any(r.id == "resume-run" for r in recommendations):
        words = ["resume", context.run_dir, *(_word(k, v) for k, v in changes.items())]
        return "trainwatch " + " ".join(shlex.quote(w) for w in words)
    if not changes:
        return ""
    if "resume" in changes:
        allowed = {k: v for k, v in changes.items() if k in ("batch", "workers", "cache")}
        words = ["resume", f"model={changes.get('model')}", *(_word(k, v) for k, v in allowed.items())]
    else:
        kept = {k: v for k, v in context.requested.items() if k not in NOT_REPEATED and v is not None}
        words = [_word(k, v) for k, v in {**kept, **changes}.items()]
    return "yolo train " + " ".join(shlex.quote(w) for w in words)


def overrides_yaml(recommendations: Sequence[Recommendation]) -> str:
    """Return the changes as YAML with a comment of what each was; empty if there are none."""
    lines = []
    for recommendation in recommendations:
        if recommendation.changes:
            lines.append(f"# {recommendation.id}")
        for change in recommendation.changes:
            text = yaml.safe_dump({change.arg: change.new}, sort_keys=False, allow_unicode=True).strip()
            lines.append(text if change.old is None or "\n" in text else f"{text}  # was {_plain(change.old)}")
    return "\n".join(lines) + "\n" if lines else ""


def _word(name: str, value: Any) -> str:
    return f"{name}={value}"


def _plain(value: Any) -> str:
    return " ".join(str(value).split())[:200]

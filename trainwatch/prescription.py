"""Recommendations become one set of arguments, one command line and one ``overrides.yaml``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import yaml

from trainwatch.result import MARK, Change, Context, Recommendation

NOT_REPEATED = frozenset({"name", "exist_ok", "resume", "save_dir", "mode", "task", "cfg", "tracker", "pretrained"})
"""Requested arguments that a new run does not take over: they name the old run, or are set by the trainer."""

OPPOSED = (
    ("keep-schedule", "lower-lr"),
    ("lower-lr", "raise-lr"),
    ("lower-lr", "set-optimizer"),
    ("guard-precision", "raise-lr"),
    ("raise-lr", "warm-restart"),
    ("augment-more", "stop-sooner"),
    ("stop-sooner", "train-longer"),
    ("stop-sooner", "warm-restart"),
    ("raise-accumulate", "larger-model-or-images"),
    ("reduce-memory", "larger-model-or-images"),
    ("allocator-setting", "larger-model-or-images"),
    ("resume-run", "train-longer"),
    ("fix-labels", "augment-more"),
    ("regularise-less", "augment-more"),
    ("fix-labels", "stop-sooner"),
)
"""Pairs that pull in opposite directions, though not always by the same argument: with the first, the second is not given.
The first is the safer one, or nearer to the cause (a rate that is too low costs time, one that is too high costs the run).
With more augmentation the best epoch comes later than it did, so that a plan cut to the old best epoch would end too soon, and
nobody could tell which of the two helped."""


STABILISE, RESCUE = "--stabilise", "rescue"
"""What makes ``trainwatch train`` leave out the steps that are not finite, and change nothing else."""

RESUME_TAKES = ("batch", "workers", "cache")
"""Arguments that may be changed beside Ultralytics' own resume, and that a recommendation changes."""


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

    A resume is a command of its own, because Ultralytics' resume ignores most other arguments. Ours takes them all. Steps are
    left out by our own training, and by nothing of Ultralytics'.
    """
    if context.trainer != "ultralytics":
        return ""
    changes = {c.arg: c.new for c in merged(recommendations)}
    if _by_own_resume(recommendations, context):
        words = ["resume", context.run_dir, *(_word(k, v) for k, v in changes.items())]
        return "trainwatch " + " ".join(shlex.quote(w) for w in words)
    stabilised = _stabilised(recommendations) and "resume" not in changes
    if not changes and not stabilised:
        return ""
    if "resume" in changes:
        allowed = {k: v for k, v in changes.items() if k in RESUME_TAKES}
        words = ["resume", f"model={changes.get('model')}", *(_word(k, v) for k, v in allowed.items())]
    else:
        needed = {
            k: context.args[k] for k in ("model", "data") if stabilised and context.args.get(k)
        }  # ours asks for both
        kept = {k: v for k, v in context.requested.items() if k not in NOT_REPEATED and v is not None}
        words = [_word(k, v) for k, v in {**needed, **kept, **changes}.items()]
    ours = f"trainwatch train {_word(STABILISE, RESCUE)} " if stabilised else "yolo train "
    return ours + " ".join(shlex.quote(w) for w in words)


def changes_typed(recommendations: Sequence[Recommendation], context: Context) -> tuple[Change, ...]:
    """Return what the command changes, as against the run that was read; empty without a command."""
    if not command(recommendations, context):
        return ()
    changes = merged(recommendations)
    resumes = not _by_own_resume(recommendations, context) and any(c.arg == "resume" for c in changes)
    typed = [c for c in changes if not resumes or c.arg in RESUME_TAKES]
    typed = [replace(c, old=context.args.get(c.arg)) if c.old is None else c for c in typed]
    if _stabilised(recommendations) and not resumes:
        typed.insert(0, Change(STABILISE, None, RESCUE))
    return tuple(typed)


def going_on(context: Context) -> tuple[Recommendation, ...]:
    """Return what resumes a training that was stopped before its plan was done; empty where none is known to be possible.

    No cure, so no confidence: a process that goes on starts with an empty memory, and with whatever was changed in the code.
    """
    unfinished = context.planned_epochs is not None and 0 < context.epochs_done < context.planned_epochs
    if not unfinished or context.trainer != "ultralytics":
        return ()
    if context.own_checkpoint is None and context.resume_from is None:
        return ()
    path = context.path_of(context.resume_from or "weights/last.pt")
    changes = (Change("model", context.args.get("model"), path), Change("resume", False, True))
    return (Recommendation("resume-run", (), () if context.own_checkpoint else changes, "", "", 1.0, ()),)


def drawing(context: Context) -> tuple[Recommendation, ...]:
    """Return what draws the labels that a person is to look at: one epoch, where the run drew none; empty where it did."""
    if context.trainer != "ultralytics" or context.args.get("plots") is not False:
        return ()
    changes = (Change("epochs", context.planned_epochs, 1), Change("plots", False, True))
    return (Recommendation("fix-labels", (), changes, "", "", 1.0, ()),)


def needs(recommendations: Sequence[Recommendation], context: Context) -> str:
    """Say what must be put in place of a mark in the command, and why; empty if the command can be run as it stands."""
    marks = [str(c.new) for c in merged(recommendations) if c.arg == "model" and str(c.new).startswith(MARK)]
    if not command(recommendations, context):
        return ""
    folder = context.written_to()
    for name in (str(c.new).removeprefix(f"{folder}/") for c in merged(recommendations) if c.arg == "model" and folder):
        if name.startswith("weights/") and not context.holds(name):
            return (
                f"{name} is not in {context.run_dir}: the command names where the training wrote it. If it lies elsewhere now, "
                "put that path."
            )
    if not marks:
        return ""
    name = marks[0].removeprefix(MARK).removesuffix(">")
    saved = context.args.get("save_dir")
    written = f" The training wrote it to {saved}/{name}." if isinstance(saved, str) and saved else ""
    return f"{name} is not in {context.run_dir}: put the path where you have it in place of {marks[0]}.{written}"


def leading(recommendations: Sequence[Recommendation], context: Context, cause: str | None) -> Recommendation | None:
    """Return the recommendation that a person is told first: of those in the command the surest that answers the cause."""
    typed = [r for r in recommendations if is_typed(r, context)]
    among = typed if command(recommendations, context) else list(recommendations)
    answering = [r for r in among if cause in r.answers]
    return max(answering or among, key=lambda r: r.confidence, default=None)


def is_typed(recommendation: Recommendation, context: Context) -> bool:
    """Tell whether a recommendation has a part in the command."""
    return bool(recommendation.changes) or _stabilised([recommendation]) or _by_own_resume([recommendation], context)


def _stabilised(recommendations: Sequence[Recommendation]) -> bool:
    return any(r.id == "skip-steps" for r in recommendations)


def _by_own_resume(recommendations: Sequence[Recommendation], context: Context) -> bool:
    return context.own_checkpoint is not None and any(r.id == "resume-run" for r in recommendations)


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

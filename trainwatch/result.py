"""The result of an analysis: everything that any renderer shows, and nothing else.

``Analysis.to_json()`` is the public document other programs rely on (schema 1). ``to_json(full=True)`` adds the block
``page``: charts, events, configuration, cost. Both are plain data; ``Analysis.from_json`` takes either back.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

from trainwatch.notebook import block

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: int = 1

Severity = Literal["critical", "warning", "info"]
Status = Literal["crashed", "diverged", "stalled", "degraded", "incomplete", "healthy", "unknown"]
EndedBy = Literal[
    "completed", "early-stop", "exception", "signal", "oom", "killed", "native-crash", "machine-down", "truncated", "running",
    "stopped", "unknown",
]  # fmt: skip
ENDED: Mapping[EndedBy, str] = {
    "completed": "completed", "early-stop": "stopped early by patience", "exception": "ended by an exception",
    "signal": "ended by a signal", "oom": "ran out of memory", "killed": "was killed",
    "native-crash": "crashed in native code", "machine-down": "ended with its machine", "truncated": "breaks off",
    "running": "still runs", "stopped": "was stopped", "unknown": "ended, nobody knows how",
}  # fmt: skip
"""What the run did in the end; follows "the run"."""

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")

FRAME_COLUMNS = (
    "id", "severity", "confidence", "epoch", "step", "measured", "threshold", "unit", "title", "summary",
)  # fmt: skip
"""Columns of ``Analysis.to_pandas()``."""

MARK = "<path of your "
"""How the mark begins that stands in a command for a file that was not found; no shell takes it for a path unquoted."""

NUMERIC = ("gradient-explosion", "loss-explosion", "nonfinite-loss", "nonfinite-validation")
"""Faults that spoil the weights, in causal order: gradients throw them away, the loss shows it, then numbers end, in
training first and in the averaged weights that are validated."""


@dataclass(frozen=True)
class Where:
    """A place in the run, 0-based. None: not known at that resolution (a CSV of epochs has no steps)."""

    step: int | None = None
    epoch: int | None = None


@dataclass(frozen=True)
class Quantity:
    """A number that carries its unit."""

    value: float
    unit: str


@dataclass(frozen=True)
class Finding:
    """One problem, measured and judged.

    Attributes:
        id: The detector's public id (its file name with hyphens).
        severity: ``critical``: the run died, is lost or will die. ``warning``: it costs time or quality. ``info``.
        confidence: 0 to 1; how sure the detector is that this is the named fault and no look-alike.
        title: The fault in a few words ("Gradient explosion at epoch 3").
        summary: One or two sentences with the measured value, the threshold and the range.
        onset: Where it began, None if it has no onset (a configuration fault).
        end: Where it ended; None if it lasted to the end of the record.
        series: Column that shows it (``grad_norm``, ``val/box_loss`` ...).
        measured: The deciding number.
        threshold: What it was compared with.
        detail: More numbers for advice and pages (forecasts, intervals), JSON types only; keys carry their unit.
    """

    id: str
    severity: Severity
    confidence: float
    title: str
    summary: str
    onset: Where | None = None
    end: Where | None = None
    series: str | None = None
    measured: Quantity | None = None
    threshold: Quantity | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One argument to change. ``old`` None: it was not set or is not known."""

    arg: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Recommendation:
    """What to change, why, and what to expect of it.

    Attributes:
        id: The advice's public id (its file name with hyphens).
        answers: Ids of the findings that it answers.
        changes: Arguments to change, all accepted by the installed trainer; may be empty when the cure is no argument.
        why: The reason, from the numbers of this run.
        expected: What should be seen if it is right, and what would refute it.
        confidence: 0 to 1.
        sources: Where the mechanism or the number comes from.
        steps: Further things to do that are no trainer argument (environment variables, code), in order.
        root: The argument that made the fault, with its value and the usual one ("lr0=1 is 400 times the usual 0.0025");
            empty where no argument did.
    """

    id: str
    answers: tuple[str, ...]
    changes: tuple[Change, ...]
    why: str
    expected: str
    confidence: float
    sources: tuple[str, ...]
    steps: tuple[str, ...] = ()
    root: str = ""


@dataclass(frozen=True)
class Verdict:
    """The one sentence. ``cause`` is a finding id, or None for "could not tell" or "nothing wrong"."""

    status: Status
    headline: str
    cause: str | None
    confidence: float


@dataclass(frozen=True)
class RunSummary:
    """What was read. ``steps`` and ``epochs`` count what is in the record; 0 steps for epoch logs."""

    path: str
    source: str
    steps: int
    epochs: int
    planned_epochs: int | None
    ended_by: EndedBy


@dataclass(frozen=True)
class NotDone:
    """A check that gave no answer, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Checks:
    """Which checks passed, which did not apply, which failed to run. The last two are never counted as passed."""

    passed: tuple[str, ...] = ()
    not_applicable: tuple[NotDone, ...] = ()
    could_not_run: tuple[NotDone, ...] = ()


@dataclass(frozen=True)
class Context:
    """What advice may know of the training beyond the findings. None always means "not known".

    Attributes:
        trainer: ``ultralytics``, or ``loop`` for any other training loop.
        args: The trainer's arguments in force after set-up (Ultralytics' own names).
        requested: The arguments as the user gave them, before the trainer rewrote some.
        planned_epochs: Epochs asked for.
        epochs_done: Epochs finished.
        accumulate: Micro-batches per optimizer step in force at the end.
        model_scale: ``n``, ``s``, ``m``, ``l``, ``x``.
        labels_have_polygons: Whether the training labels carry segments.
        memory_limit_bytes: Smallest limit that holds for the process (host) or device.
        resume_from: Last checkpoint that a healthy part of the run wrote, as a path relative to the run.
        weights_here: Checkpoints of the trainer in the folder that was read, relative to it; a record may have been copied
            without weights.
        own_checkpoint: The same among the checkpoints that ``trainwatch resume`` reads.
        best_epoch: Epoch (0-based) of the best fitness.
        run_dir: The run's folder as the user named it.
        steps_per_epoch: Micro-batches per epoch.
        versions: Versions of the packages that it ran with.
        cpu_count: Cores of the machine.
        world_size: Ranks that took part.
        train_images: Images of the training set.
    """

    trainer: str = "ultralytics"
    args: Mapping[str, Any] = field(default_factory=dict)
    requested: Mapping[str, Any] = field(default_factory=dict)
    planned_epochs: int | None = None
    epochs_done: int = 0
    accumulate: int | None = None
    model_scale: str | None = None
    labels_have_polygons: bool | None = None
    memory_limit_bytes: int | None = None
    resume_from: str | None = None
    weights_here: tuple[str, ...] | None = None
    own_checkpoint: str | None = None
    best_epoch: int | None = None
    run_dir: str = "."
    steps_per_epoch: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    cpu_count: int | None = None
    world_size: int = 1
    train_images: int | None = None

    def holds(self, checkpoint: str) -> bool:
        """Tell whether a checkpoint lies in the folder that was read; taken for granted where nobody looked."""
        return self.weights_here is None or checkpoint in self.weights_here

    def path_of(self, checkpoint: str) -> str:
        """Return a checkpoint's path as the user would type it: here, where the training wrote it, or a mark to be replaced."""
        if self.holds(checkpoint):
            return f"{self.run_dir.rstrip('/')}/{checkpoint}"
        folder = self.written_to()
        return f"{folder}/{checkpoint}" if folder else f"{MARK}{checkpoint}>"

    def written_to(self) -> str:
        """Return the absolute folder that the trainer wrote to; empty if it is not known, or relative to who knows what."""
        folder = str(self.args.get("save_dir") or "").rstrip("/\\")
        return folder if PurePosixPath(folder).is_absolute() or PureWindowsPath(folder).is_absolute() else ""


@dataclass(frozen=True)
class Curve:
    """One reduced series: per bucket the true minimum, median and maximum, so that no spike is lost.

    ``x`` is the first step (or epoch) of each bucket. Values are None in buckets without a finite value;
    ``nonfinite`` lists the x of every measured NaN or infinity (at most 1000, evenly thinned).
    """

    name: str
    x: tuple[float, ...]
    low: tuple[float | None, ...]
    mid: tuple[float | None, ...]
    high: tuple[float | None, ...]
    points_per_bucket: float
    nonfinite: tuple[float, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A vertical line or band on every panel: onset, checkpoint, lr restart, attempt, warm-up ..."""

    kind: str
    label: str
    x: float
    x_end: float | None = None


@dataclass(frozen=True)
class Forecast:
    """Where a curve goes if nothing changes: from (``x``, ``y``) to ``x_end``, where it lies between ``low`` and ``high``."""

    x: float
    y: float
    x_end: float
    low: float
    mid: float
    high: float


@dataclass(frozen=True)
class Panel:
    """One chart as data; ``x_unit`` is ``step`` or ``epoch``. ``limit`` is drawn as a line (a memory limit).

    ``heat``: many like curves, drawn as rows of a heat map.
    """

    id: str
    title: str
    unit: str
    x_unit: str
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...] = ()
    log: bool = False
    limit: float | None = None
    evidence: bool = False
    caption: str = ""
    heat: bool = False
    forecast: Forecast | None = None


@dataclass(frozen=True)
class Moment:
    """One line of the run's story: ``precursor``, ``onset``, ``event`` or ``end``, where, and what, with the finding's id."""

    kind: str
    where: Where
    text: str
    finding: str = ""


@dataclass(frozen=True)
class Page:
    """Whatever a person reads beyond the public document. All text is raw; renderers escape it.

    Attributes:
        cause_reason: Why this cause, in a sentence.
        cost: What was lost ("6.2 h of 48.0 h after the onset"), or what could not be told.
        next_command: The line to type next.
        next_step: What to do next where no command says it.
        next_changes: What is other in ``next_command`` than in the run, in its order.
        next_needs: What must be put in place before the command can run; empty if it runs as it stands.
        next_confidence: How sure it is that ``next_command``, or else ``next_step``, helps.
        next_expected: What should be seen then, and what would refute it.
        to_do: Finding id and what to do about it, for findings that no recommendation answers.
        overrides_yaml: The recommended arguments as a YAML file.
        facts: Label and value of the facts strip, at most eight.
        score: What the score is made of, and what would be perfect; empty where that is not known.
        panels: All charts, evidence first, ordered by the verdict.
        timeline: The story of a run with a fault, oldest first.
        actions: What stabilisers did to the training, in time order, as written (checkpoints left out).
        events: The last events, newest first, as written (time_s, step, epoch, kind, message ...).
        traceback: The crash's text, or empty.
        configuration: Title and (name, value) rows of each closed table (arguments, environment, git ...).
        thresholds: Detector id and its fields in force.
        notes: What may mislead: torn rows, gaps, dropped rows, replayed epochs.
        explanations: Detector or advice id and its documentation.
        version: Version of trainwatch.
        first_epoch: What the user's tool calls the first epoch: 1 for Ultralytics, else 0.
    """

    cause_reason: str = ""
    cost: str = ""
    next_command: str = ""
    next_step: str = ""
    next_changes: tuple[Change, ...] = ()
    next_needs: str = ""
    next_confidence: float | None = None
    next_expected: str = ""
    to_do: Mapping[str, str] = field(default_factory=dict)
    overrides_yaml: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    score: str = ""
    panels: tuple[Panel, ...] = ()
    timeline: tuple[Moment, ...] = ()
    actions: tuple[Mapping[str, Any], ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    traceback: str = ""
    configuration: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    thresholds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    explanations: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    first_epoch: int = 0


@dataclass(frozen=True)
class Analysis:
    """The whole result."""

    run: RunSummary
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    checks: Checks = field(default_factory=Checks)
    page: Page = field(default_factory=Page)

    def to_pandas(self) -> pd.DataFrame:
        """Return the findings as a pandas frame, one row each, worst first; epochs and steps from 0, missing ones NA."""
        import pandas as pd

        rows = [
            {
                "id": f.id,
                "severity": f.severity,
                "confidence": f.confidence,
                "epoch": f.onset.epoch if f.onset else None,
                "step": f.onset.step if f.onset else None,
                "measured": f.measured.value if f.measured else None,
                "threshold": f.threshold.value if f.threshold else None,
                "unit": f.measured.unit if f.measured else None,
                "title": f.title,
                "summary": f.summary,
            }
            for f in self.findings
        ]
        return pd.DataFrame(rows, columns=FRAME_COLUMNS).astype({"epoch": "Int64", "step": "Int64"})

    def _repr_html_(self) -> str:
        """Show the verdict in a notebook: cause, cost, next command, findings."""
        verdict, page = self.verdict, self.page
        sure = "" if page.next_confidence is None else f"{100 * page.next_confidence:.0f} % sure that it helps."
        cause = f"{verdict.cause} ({100 * verdict.confidence:.0f} %)" if verdict.cause else ""
        facts = [
            ("run", self.run.path),
            ("cause", cause),
            ("why", page.cause_reason),
            ("cost", page.cost),
            ("next", page.next_command),
            ("do", page.next_step),
            ("first", page.next_needs),
            ("expect", f"{sure} {page.next_expected}".strip()),
        ]
        rows = [(f.severity, f.id, f.title, f"{100 * f.confidence:.0f} %") for f in self.findings]
        return block(verdict.headline, facts, ("severity", "finding", "what", "sure"), rows)

    def to_json(self, *, full: bool = False) -> dict[str, Any]:
        """Return JSON types only; non-finite numbers become the strings ``nan``, ``inf``, ``-inf``.

        Args:
            full: Add ``page`` and each finding's ``detail`` and each recommendation's ``steps``.
        """
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "run": plain(self.run),
            "verdict": plain(self.verdict),
            "findings": [_without(plain(f), () if full else ("detail",)) for f in self.findings],
            "recommendations": [
                _without(
                    {
                        **plain(r),
                        "changes": _plain_changes(r.changes),
                    },
                    () if full else ("steps", "root"),
                )
                for r in self.recommendations
            ],
            "checks": plain(self.checks),
        }
        if full:
            document["page"] = {**plain(self.page), "next_changes": _plain_changes(self.page.next_changes)}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Analysis:
        """Take a document of ``to_json`` back (either form).

        Raises:
            ValueError: If the document's schema is not the one of this version.
        """
        if document.get("schema") != SCHEMA:
            raise ValueError(
                f"schema {document.get('schema')!r} is not {SCHEMA}: written by another version of trainwatch"
            )
        return cls(
            run=RunSummary(**document["run"]),
            verdict=Verdict(**document["verdict"]),
            findings=tuple(_finding(f) for f in document["findings"]),
            recommendations=tuple(_recommendation(r) for r in document["recommendations"]),
            checks=Checks(
                passed=tuple(document["checks"]["passed"]),
                not_applicable=tuple(NotDone(**n) for n in document["checks"]["not_applicable"]),
                could_not_run=tuple(NotDone(**n) for n in document["checks"]["could_not_run"]),
            ),
            page=_page(document["page"]) if "page" in document else Page(),
        )


def plain(value: Any) -> Any:
    """Return a value as JSON types only; non-finite numbers become the strings ``nan``, ``inf``, ``-inf``."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Sequence):
        return [plain(v) for v in value]
    if hasattr(value, "item"):  # numpy scalar
        return plain(value.item())
    return str(value)


def _without(mapping: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k not in keys}


def _quantity(value: Mapping[str, Any] | None) -> Quantity | None:
    return None if value is None else Quantity(float(value["value"]), value["unit"])


def _where(value: Mapping[str, Any] | None) -> Where | None:
    return None if value is None else Where(**value)


def _finding(f: Mapping[str, Any]) -> Finding:
    return Finding(
        **{
            **f,
            "onset": _where(f["onset"]),
            "end": _where(f["end"]),
            "measured": _quantity(f["measured"]),
            "threshold": _quantity(f["threshold"]),
        }
    )


def _plain_changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [{"arg": c.arg, "from": plain(c.old), "to": plain(c.new)} for c in changes]


def _changes(changes: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    return tuple(Change(c["arg"], c["from"], c["to"]) for c in changes)


def _recommendation(r: Mapping[str, Any]) -> Recommendation:
    return Recommendation(
        **{
            **r,
            "answers": tuple(r["answers"]),
            "changes": _changes(r["changes"]),
            "sources": tuple(r["sources"]),
            "steps": tuple(r.get("steps", ())),
        }
    )


def _curve(c: Mapping[str, Any]) -> Curve:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in c.items()}
    return Curve(**fields)


def _panel(p: Mapping[str, Any]) -> Panel:
    curves = tuple(_curve(c) for c in p["curves"])
    forecast = None if p.get("forecast") is None else Forecast(**p["forecast"])
    return Panel(**{**p, "curves": curves, "marks": tuple(Mark(**m) for m in p["marks"]), "forecast": forecast})


def _page(p: Mapping[str, Any]) -> Page:
    return Page(
        **{
            **p,
            "next_changes": _changes(p.get("next_changes", ())),
            "facts": tuple((a, b) for a, b in p["facts"]),
            "panels": tuple(_panel(x) for x in p["panels"]),
            "timeline": tuple(Moment(**{**m, "where": _where(m["where"]) or Where()}) for m in p["timeline"]),
            "actions": tuple(p["actions"]),
            "events": tuple(p["events"]),
            "configuration": tuple((t, tuple((a, b) for a, b in rows)) for t, rows in p["configuration"]),
            "notes": tuple(p["notes"]),
        }
    )

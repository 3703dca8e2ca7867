"""What advice may know of a run beyond the findings: arguments, schedule, labels, limits, the checkpoint to go on from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from trainwatch.result import NUMERIC, Context, Finding
from trainwatch.runs import Run

OWN = "stabiliser/checkpoints"
"""Source of the events of checkpoints that ``trainwatch resume`` reads; the others are Ultralytics' own."""

_SCALE = re.compile(r"^(?:yolov?\d+|rtdetr|yoloe?)[-_]?\d*([nsmblx])(?:$|[-_.])", re.IGNORECASE)


def build_context(run: Run, findings: Sequence[Finding]) -> Context:
    """Gather the context of a run.

    Args:
        run: Any run.
        findings: Its findings; decide which checkpoints are still good.
    """
    meta = run.meta
    loop = _mapping(meta.get("loop"))
    accumulate = run.step_series("accumulate").values
    fitness = run.epoch_series("fitness")
    finite = fitness.take(fitness.finite)
    here = weights_here(Path(run.path))
    checkpoint = good_checkpoint(run, findings, here)
    return Context(
        trainer=str(meta.get("trainer") or ("ultralytics" if run.source.startswith("ultralytics") else "loop")),
        args=run.args,
        requested=run.requested or ({} if run.source == "trainwatch" else run.args),
        planned_epochs=run.planned_epochs,
        epochs_done=run.epochs_done,
        accumulate=int(accumulate[-1]) if len(accumulate) else loop.get("accumulate"),
        model_scale=_mapping(meta.get("model")).get("scale") or model_scale(str(run.args.get("model") or "")),
        labels_have_polygons=_mapping(meta.get("dataset")).get("has_polygons"),
        memory_limit_bytes=_mapping(meta.get("hardware")).get("memory_limit_bytes"),
        resume_from=checkpoint,
        weights_here=here,
        own_checkpoint=own_checkpoint(run, findings),
        # a score that never moved has no best
        best_epoch=int(finite.epoch[int(np.argmax(finite.values))])
        if len(finite) and np.ptp(finite.values) > 0
        else None,
        run_dir=str(run.path),
        steps_per_epoch=loop.get("steps_per_epoch"),
        versions={str(k): str(v) for k, v in _mapping(meta.get("versions")).items()},
        cpu_count=_count(_mapping(meta.get("hardware")).get("cpu_count")),
        world_size=max(_count(loop.get("world_size")) or 1, len(run.ranks)),
        train_images=_count(_mapping(meta.get("dataset")).get("train_images")),
    )


def model_scale(model: str) -> str | None:
    """Return ``n``, ``s``, ``m``, ``b``, ``l`` or ``x`` out of a model's file name, None if it does not say."""
    name = PureWindowsPath(model).name if "\\" in model else PurePosixPath(model).name
    match = _SCALE.match(name)
    return match[1].lower() if match else None


def weights_here(folder: Path) -> tuple[str, ...]:
    """Return the checkpoints of the trainer that lie in a run's folder, relative to it."""
    return tuple(sorted(f"weights/{p.name}" for p in (folder / "weights").glob("*.pt") if p.is_file()))


def good_checkpoint(run: Run, findings: Sequence[Finding], here: Sequence[str] = ()) -> str | None:
    """Return the newest checkpoint that a healthy part of the run wrote and that still holds it, relative to the run.

    Of several those that still lie in the folder (``here``) come first.

    ``last.pt`` is overwritten each epoch and ``best.pt`` at each best one, so a file counts only if its last write lies
    before the first onset of a fault that spoils weights. ``epoch<N>.pt`` files (``save_period``) stay.
    """
    until = _spoiled_from(findings)
    written: dict[str, int] = {}
    for event in run.events_of("checkpoint"):
        epoch = event.get("epoch")
        if not isinstance(epoch, int) or event.get("source") == OWN:
            continue
        written["weights/last.pt"] = epoch
        if _mapping(event.get("data")).get("best"):
            written["weights/best.pt"] = epoch
        period = run.args.get("save_period")
        if isinstance(period, int) and period > 0 and epoch % period == 0:
            written[f"weights/epoch{epoch}.pt"] = epoch
    good = {path: epoch for path, epoch in written.items() if until is None or epoch < until}
    present = {path: epoch for path, epoch in good.items() if path in here} or good
    return max(present, key=lambda path: (present[path], path == "weights/last.pt")) if present else None


def own_checkpoint(run: Run, findings: Sequence[Finding]) -> str | None:
    """Return the newest checkpoint with full state that trainwatch wrote before weights were spoiled, relative to the run."""
    until = _spoiled_from(findings)
    found = None
    for event in run.events_of("checkpoint"):
        epoch, data = event.get("epoch"), _mapping(event.get("data"))
        whole = event.get("source") == OWN and data.get("next_epoch") is not None
        if whole and isinstance(data.get("path"), str) and isinstance(epoch, int) and (until is None or epoch < until):
            found = str(data["path"])
    return found


def _spoiled_from(findings: Sequence[Finding]) -> int | None:
    """Return the first epoch (from 0) with a fault that spoils weights, None without one."""
    onsets = [
        f.onset.epoch
        for f in findings
        if f.id in NUMERIC and f.severity == "critical" and f.onset and f.onset.epoch is not None
    ]
    return min(onsets, default=None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

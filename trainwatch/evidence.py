"""From a run to charts as data: which panels there are, what is marked on them, and which are the evidence.

Renderers draw these panels and know nothing of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from trainwatch.result import Curve, Finding, Mark, Panel
from trainwatch.runs import Run, Series
from trainwatch.signals.envelope import reduce

DEFAULT_EVIDENCE = ("score", "loss", "grad_norm", "lr")
EVIDENCE = {
    "gradient-explosion": ("grad_norm", "loss", "lr", "score"),
    "loss-explosion": ("loss", "grad_norm", "lr", "score"),
    "nonfinite-loss": ("loss", "grad_norm", "lr", "score"),
    "plateau": ("score", "train_loss", "val_loss", "lr"),
    "memory-creep": ("vram", "throughput", "loss"),
    "host-memory-creep": ("host_memory", "throughput", "loss"),
    "out-of-memory": ("vram", "host_memory", "image_size", "loss"),
    "killed": ("host_memory", "loss", "throughput"),
}
"""Panels that show each finding, most telling first. A panel that the run lacks is passed over."""

MAX_EVIDENCE = 5
MAX_CHECKPOINT_MARKS = 12
MAX_LAYERS = 40


def build_panels(run: Run, findings: Sequence[Finding], buckets: int = 500) -> tuple[Panel, ...]:
    """Build all panels of a run, evidence first.

    Args:
        run: Any run.
        findings: Its findings, worst first; they decide order and marks.
        buckets: Buckets per curve.
    """
    panels = {p.id: p for p in _all(run, buckets)}
    wanted: list[str] = []
    for finding in findings:
        wanted += [i for i in EVIDENCE.get(finding.id, ()) if i in panels and i not in wanted]
    wanted += [i for i in DEFAULT_EVIDENCE if i in panels and i not in wanted]
    first = wanted[:MAX_EVIDENCE] if findings else wanted[: len(DEFAULT_EVIDENCE)]
    marks = {unit: _marks(run, findings, unit) for unit in ("step", "epoch")}
    ordered = [*first, *(i for i in panels if i not in first)]
    return tuple(replace(panels[i], marks=marks[panels[i].x_unit], evidence=i in first) for i in ordered)


def _all(run: Run, buckets: int) -> Iterable[Panel]:
    names = run.column_names()

    def steps(prefix: str) -> list[str]:
        return [n.removeprefix("steps.") for n in names if n.startswith(f"steps.{prefix}")]

    def epochs(prefix: str) -> list[str]:
        return [n.removeprefix("epochs.") for n in names if n.startswith(f"epochs.{prefix}")]

    def panel(
        id: str, title: str, unit: str, columns: list[str], *, per_step: bool = True, **more: object
    ) -> Panel | None:
        series = [(c, run.step_series(c) if per_step else run.epoch_series(c)) for c in columns]
        return _panel(id, title, unit, [(c.split("/", 1)[-1], s) for c, s in series], per_step, buckets, **more)

    made = [
        panel("loss", "Training loss", "", [c for c in steps("loss") if c == "loss"], log=True),
        panel("loss_components", "Loss components (gain included)", "", steps("loss/"), log=True),
        _grad_norm(run, buckets),
        panel("lr", "Learning rate", "", steps("lr/") or epochs("lr/"), per_step=bool(steps("lr/"))),
        panel("score", "Validation score", "", epochs("fitness") or epochs("metrics/mAP50-95"), per_step=False),
        panel("metrics", "Validation metrics", "", epochs("metrics/"), per_step=False),
        panel("train_loss", "Training loss per epoch", "", epochs("train/"), per_step=False, log=True),
        panel("val_loss", "Validation loss", "", epochs("val/"), per_step=False, log=True),
        panel("vram", "Device memory", "bytes", [c for c in steps("vram_") if "free" not in c], limit=_vram_limit(run)),
        panel("host_memory", "Memory of the process", "bytes", steps("rss_bytes"), limit=_host_limit(run)),
        panel("throughput", "Time per step", "s", [*steps("step_s"), *steps("data_s")], log=True),
        panel("image_size", "Image width", "pixels", steps("image_size")),
        panel("instances", "Objects per micro-batch", "", steps("instances")),
        panel("amp_scale", "Gradient scale", "", steps("amp_scale"), log=True),
        panel("layers", "Gradient norm per layer", "", steps("grad_norm/")[:MAX_LAYERS], log=True),
    ]
    return [p for p in made if p is not None]


def _panel(
    id: str, title: str, unit: str, series: Sequence[tuple[str, Series]], per_step: bool, buckets: int, **more: object
) -> Panel | None:
    curves = [
        reduce(name, s.step if per_step else s.epoch, s.values, buckets)
        for name, s in series
        if len(s) and not _never(s)
    ]
    if not curves:
        return None
    x_unit = "step" if per_step else "epoch"
    return Panel(id=id, title=title, unit=unit, x_unit=x_unit, curves=tuple(curves), caption=_caption(curves), **more)  # type: ignore[arg-type]


def _never(series: Series) -> bool:
    """Whether a component is zero throughout (legal, and nothing to draw)."""
    return bool((series.values == 0).all()) and "/" in series.name


def _caption(curves: Sequence[Curve]) -> str:
    per = max(c.points_per_bucket for c in curves)
    return "" if per <= 1 else f"Each point stands for {per:.0f} values; the band is their true minimum and maximum."


def _grad_norm(run: Run, buckets: int) -> Panel | None:
    norm = run.step_series("grad_norm")
    if not len(norm):
        return None
    batch, accumulate = run.step_series("batch_size"), run.step_series("accumulate")
    title, values = "Gradient norm before clipping", norm.values
    if len(batch) and len(accumulate):
        samples = _at(batch, norm) * _at(accumulate, norm)
        title, values = "Gradient norm per sample, before clipping", norm.values / np.maximum(samples, 1.0)
    return _panel(
        "grad_norm", title, "", [("gradient norm", replace(norm, values=values))], True, buckets, log=True
    )  # fmt: skip


def _at(series: Series, other: Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    index = np.clip(np.searchsorted(series.step, other.step), 0, len(series) - 1)
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = series.values[index]
    return values


def _vram_limit(run: Run) -> float | None:
    gpus = (run.meta.get("hardware") or {}).get("gpus") or []
    return float(gpus[0]["total_bytes"]) if gpus and gpus[0].get("total_bytes") else None


def _host_limit(run: Run) -> float | None:
    limit = (run.meta.get("hardware") or {}).get("memory_limit_bytes")
    return float(limit) if isinstance(limit, int | float) else None


def _marks(run: Run, findings: Sequence[Finding], unit: str) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for finding in findings:
        if finding.onset is None or finding.severity == "info":
            continue
        x = _x(run, finding.onset.step, finding.onset.epoch, unit)
        if x is not None:
            marks.append(Mark("onset", f"onset: {finding.id}", x))
    for event in run.events:
        kind = event.get("kind")
        if kind in ("nan_recovery", "mosaic_closed", "oom", "intervention", "stage", "lr_restart", "exception"):
            x = _x(run, event.get("step"), event.get("epoch"), unit)
            if x is not None:
                marks.append(Mark(str(kind), str(kind).replace("_", " "), x))
    best = [e for e in run.events_of("checkpoint") if (e.get("data") or {}).get("best")]
    for event in best[:: max(1, -(-len(best) // MAX_CHECKPOINT_MARKS))]:
        x = _x(run, event.get("step"), event.get("epoch"), unit)
        if x is not None:
            marks.append(Mark("checkpoint", "checkpoint (best)", x))
    return tuple(sorted(marks, key=lambda m: (m.x, m.kind, m.label)))


def _x(run: Run, step: object, epoch: object, unit: str) -> float | None:
    if unit == "step" and isinstance(step, int):
        return float(step)
    if unit == "epoch" and isinstance(epoch, int):
        return float(epoch)
    if unit == "step" and isinstance(epoch, int):
        keys = run.step_series("epoch")
        if len(keys) and epoch <= keys.values.max():
            return float(keys.step[int(np.searchsorted(keys.values, epoch))])
    return None

"""From a run to charts as data: which panels there are, what is marked on them, and which are the evidence.

Renderers draw these panels and know nothing of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from trainwatch.result import Curve, Finding, Forecast, Mark, Panel
from trainwatch.runs import Run, Series
from trainwatch.signals.envelope import reduce
from trainwatch.signals.limits import drawn_host_limit

DEFAULT_EVIDENCE = ("score", "loss", "grad_norm", "lr")
EVIDENCE = {
    "gradient-explosion": ("grad_norm", "loss", "lr", "score", "update_ratio"),
    "loss-explosion": ("loss", "grad_norm", "lr", "score", "update_ratio"),
    "nonfinite-loss": ("loss", "grad_norm", "lr", "score", "update_ratio"),
    "nonfinite-validation": ("val_loss", "score", "train_loss", "grad_norm", "average"),
    "dead-output": ("loss", "score", "lr", "grad_norm"),
    "unshuffled-data": ("loss", "score", "val_loss"),
    "tiny-validation": ("score", "val_loss", "metrics"),
    "few-updates": ("train_loss", "loss", "score"),
    "momentum-too-high": ("val_loss", "score", "loss"),
    "validation-is-training": ("score", "val_loss", "train_loss"),
    "transient-nonfinite": ("val_loss", "score", "lr"),
    "plateau": ("score", "train_loss", "val_loss", "lr"),
    "over-regularised": ("train_loss", "val_loss", "score", "layers"),
    "unusual-arguments": ("score", "train_loss", "val_loss", "lr"),
    "overfitting": ("val_loss", "train_loss", "score"),
    "degraded-after-best": ("score", "val_loss", "train_loss", "lr"),
    "unstable-training": ("score", "val_loss", "lr", "grad_norm"),
    "transient-collapse": ("score", "val_loss", "train_loss", "grad_norm"),
    "no-learning": ("score", "train_loss", "val_loss", "lr"),
    "metric-frozen": ("metrics", "val_loss", "train_loss", "lr"),
    "missing-labels": ("train_loss", "val_loss", "score"),
    "metrics-not-measured": ("train_loss", "lr", "metrics"),
    "underfitting": ("score", "train_loss", "val_loss", "lr"),
    "restarted-log": ("train_loss", "score", "lr"),
    "close-mosaic-jump": ("score", "val_loss", "train_loss"),
    "early-stopped": ("score", "lr", "val_loss"),
    "premature-early-stop": ("score", "lr", "val_loss"),
    "truncated-run": ("score", "train_loss", "lr"),
    "amp-scale-collapse": ("amp_scale", "grad_norm", "loss"),
    "gradient-vanishing": ("grad_norm", "layers", "loss"),
    "lr-too-small": ("lr", "loss", "score"),
    "lr-overridden": ("lr", "loss", "score"),
    "loss-imbalance": ("loss_components", "train_loss", "score"),
    "memory-fragmentation": ("vram", "image_size", "instances"),
    "throughput-drop": ("throughput", "instances", "image_size"),
    "dataloader-bound": ("throughput",),
    "rank-straggler": ("throughput",),
    "bad-batch": ("loss", "instances", "grad_norm"),
    "memory-creep": ("vram", "throughput", "loss"),
    "host-memory-creep": ("host_memory", "throughput", "loss"),
    "out-of-memory": ("vram", "host_memory", "image_size", "loss"),
    "killed": ("host_memory", "loss", "throughput"),
    "native-crash": ("throughput", "loss", "host_memory"),
    "machine-down": ("throughput", "loss", "host_memory"),
    "hang": ("throughput", "host_memory", "loss"),
}
"""Panels that show each finding, most telling first. A panel that the run lacks is passed over."""

SHOWN_BY = {
    "loss": "loss", "grad_norm": "grad_norm", "lr": "lr", "fitness": "score", "best_fitness": "score",
    "metrics": "metrics", "train": "train_loss", "val": "val_loss", "gain": "loss_components",
    "rss_bytes": "host_memory", "step_s": "throughput", "data_s": "throughput", "image_size": "image_size",
    "augment": "augmentation", "instances": "instances", "amp_scale": "amp_scale", "amp_skipped": "amp_scale",
    "update_ratio": "update_ratio", "ema": "average",
}  # fmt: skip
"""Panel that shows a finding's series, for findings without a row above; by the column's name or family."""

CREEP = ("memory-creep", "host-memory-creep")

MIN_EVIDENCE, MAX_EVIDENCE = 3, 5
MAX_CHECKPOINT_MARKS = 12
LONG = 100_000
"""Values of a series from which two are reduced at a time."""

MAX_MARKS_PER_KIND = 24
MAX_LAYERS = 40
APART = 8.0
"""Largest rates of two parameter groups further apart than this share a logarithmic axis only."""
BUCKETS = 900
"""Points per curve that a page carries, so that zooming in shows more than the drawing does."""
DRAWN = 300
"""Points per curve that a chart of 530 units draws; a caption's number of values per point is about these."""
CLOSE_UP_STEPS = 300
"""Steps around an onset that are shown value by value: as many as a chart draws points."""


def build_panels(run: Run, findings: Sequence[Finding], buckets: int = BUCKETS) -> tuple[Panel, ...]:
    """Build all panels of a run, evidence first.

    Args:
        run: Any run.
        findings: Its findings, worst first; they decide order and marks.
        buckets: Buckets per curve.
    """
    panels = {p.id: p for p in _all(run, buckets)}
    wanted: list[str] = []
    for finding in findings:
        wanted += [i for i in _shown_by(finding) if i in panels and i not in wanted]
    spare = [i for i in DEFAULT_EVIDENCE if i in panels and i not in wanted]
    first = wanted[:MAX_EVIDENCE] if wanted else spare
    first += spare[: max(0, MIN_EVIDENCE - len(first))] if wanted else []
    marks = {unit: _marks(run, findings, unit) for unit in ("step", "epoch")}
    ordered = [*first, *(i for i in panels if i not in first)]
    made = [
        replace(panels[i], marks=marks[panels[i].x_unit], evidence=i in first, forecast=_forecast(run, findings, i))
        for i in ordered
    ]
    close = _close_up(run, findings, made[0]) if made else None
    if close is not None:
        made.insert(1, close)
    return tuple(made)


def _shown_by(finding: Finding) -> tuple[str, ...]:
    if finding.id in EVIDENCE:
        return EVIDENCE[finding.id]
    series = finding.series or ""
    if series.startswith("vram_"):
        return ("vram",)
    panel = SHOWN_BY.get(series) or SHOWN_BY.get(series.split("/", 1)[0])
    return (panel,) if panel else ()


def _close_up(run: Run, findings: Sequence[Finding], panel: Panel) -> Panel | None:
    """Show the first evidence value by value around the first onset, where the whole run is too long to see it."""
    onset = next((f.onset for f in findings if f.onset is not None and f.severity != "info"), None)
    coarse = max((_drawn(c) for c in panel.curves), default=1.0)
    if onset is None or panel.x_unit != "step" or coarse < 4:
        return None
    x = _x(run, onset.step, onset.epoch, "step")
    if x is None:
        return None
    low, high = x - CLOSE_UP_STEPS / 2, x + CLOSE_UP_STEPS / 2 - 1
    close = next((p for p in _all(run, CLOSE_UP_STEPS, (low, high)) if p.id == panel.id), None)
    if close is None:
        return None
    marks = tuple(m for m in panel.marks if low <= m.x <= high)
    return replace(close, id=f"{panel.id}_close", title=f"{panel.title}, around the onset", marks=marks, evidence=True)


def _all(run: Run, buckets: int, window: tuple[float, float] = (-np.inf, np.inf)) -> Iterable[Panel]:
    """Build every panel that the run has columns for, of the steps inside the window only."""
    names = run.column_names()

    def steps(prefix: str) -> list[str]:
        return [n.removeprefix("steps.") for n in names if n.startswith(f"steps.{prefix}")]

    def epochs(prefix: str) -> list[str]:
        return [n.removeprefix("epochs.") for n in names if n.startswith(f"epochs.{prefix}")]

    def panel(
        id: str, title: str, unit: str, columns: list[str], *, per_step: bool = True, **more: object
    ) -> Panel | None:
        series = [(c, _within(run.step_series(c), window) if per_step else run.epoch_series(c)) for c in columns]
        return _panel(id, title, unit, [(c.split("/", 1)[-1], s) for c, s in series], per_step, buckets, **more)

    rates = steps("lr/") or epochs("lr/")
    made = [
        panel("loss", "Training loss", "", [c for c in steps("loss") if c == "loss"], log=True),
        _components(run, steps("loss/"), window, buckets),
        _raw_components(run, steps("loss/"), window, buckets),
        _grad_norm(run, window, buckets),
        panel("lr", "Learning rate", "", rates, per_step=bool(steps("lr/")), log=_apart(run, rates)),
        panel("score", "Validation score", "", epochs("fitness") or epochs("metrics/mAP50-95"), per_step=False),
        panel("metrics", "Validation metrics", "", epochs("metrics/"), per_step=False),
        panel("train_loss", "Training loss per epoch", "", epochs("train/"), per_step=False, log=True),
        panel("val_loss", "Validation loss", "", epochs("val/"), per_step=False, log=True),
        panel("vram", "Device memory", "bytes", [c for c in steps("vram_") if "free" not in c], limit=_vram_limit(run)),
        panel("host_memory", "Memory of the process", "bytes", steps("rss_bytes"), limit=drawn_host_limit(run)),
        panel("throughput", "Time per step and wait for data", "s", [*steps("step_s"), *steps("data_s")], log=True),
        panel("image_size", "Image width in pixels", "pixels", steps("image_size")),
        panel("instances", "Objects per micro-batch", "", steps("instances")),
        panel("augmentation", "Augmentation", "", _changing(run, epochs("augment/")), per_step=False),
        panel("amp_scale", "Gradient scale", "", steps("amp_scale"), log=True),
        panel("update_ratio", "Update of the weights, over their norm", "", steps("update_ratio"), log=True),
        panel("average", "Averaged weights against the model", "", _lag(epochs("ema/")), per_step=False, log=True),
        panel("layers", "Gradient norm per layer", "", steps("grad_norm/")[:MAX_LAYERS], log=True, heat=True),
    ]
    return [p for p in made if p is not None]


def _lag(columns: Sequence[str]) -> list[str]:
    """Return the columns that are distances; the others count tensors."""
    return [c for c in columns if "nonfinite" not in c]


def _changing(run: Run, columns: Sequence[str]) -> list[str]:
    """Return the columns that are not the same in every epoch."""
    return [c for c in columns if len(np.unique(run.epoch_series(c).values)) > 1]


def _panel(
    id: str, title: str, unit: str, series: Sequence[tuple[str, Series]], per_step: bool, buckets: int, **more: object
) -> Panel | None:
    shown = [(name, s) for name, s in series if len(s) and not _never(s)]
    if not shown:
        return None
    curves = _joined(_all_reduced(shown, per_step, buckets))
    x_unit = "step" if per_step else "epoch"
    return Panel(id=id, title=title, unit=unit, x_unit=x_unit, curves=tuple(curves), caption=_caption(curves), **more)  # type: ignore[arg-type]


def _all_reduced(series: Sequence[tuple[str, Series]], per_step: bool, buckets: int) -> list[Curve]:
    if len(series) < 2 or len(series[0][1]) < LONG:
        return [_reduced(name, s, per_step, buckets) for name, s in series]
    with ThreadPoolExecutor(2) as pool:  # numpy sorts without Python's lock
        return list(pool.map(lambda item: _reduced(item[0], item[1], per_step, buckets), series))


def _reduced(name: str, series: Series, per_step: bool, buckets: int) -> Curve:
    curve = reduce(name, series.step if per_step else series.epoch, series.values, buckets)
    if series.weight is None:
        return curve
    return replace(curve, points_per_bucket=curve.points_per_bucket * series.rows / len(series))


def _joined(curves: Sequence[Curve]) -> list[Curve]:
    """Make curves that are the same throughout (parameter groups with one learning rate) one curve with all names."""
    kept: list[Curve] = []
    for curve in curves:
        for i, other in enumerate(kept):
            if replace(curve, name=other.name) == other:
                kept[i] = replace(other, name=f"{other.name}, {curve.name}")
                break
        else:
            kept.append(curve)
    return kept


def _within(series: Series, window: tuple[float, float]) -> Series:
    if window == (-np.inf, np.inf):
        return series
    return series.take((series.step >= window[0]) & (series.step <= window[1]))


def _never(series: Series) -> bool:
    """Whether a component is zero throughout (legal, and nothing to draw)."""
    return "/" in series.name and series.values[0] == 0 and bool((series.values == 0).all())


def _caption(curves: Sequence[Curve]) -> str:
    per = max(_drawn(c) for c in curves)
    return "" if per <= 1 else f"Each point stands for {per:.0f} values; the band is their true minimum and maximum."


def _drawn(curve: Curve) -> float:
    """Return how many values a point of the drawing stands for."""
    return curve.points_per_bucket * max(1, -(-len(curve.x) // DRAWN))


def _components(run: Run, columns: Sequence[str], window: tuple[float, float], buckets: int) -> Panel | None:
    """Divide each component by the gain in force, so that a change of the gain is no change of the curve."""
    series: list[tuple[str, Series]] = []
    divided = False
    for column in columns:
        name = column.split("/", 1)[1]
        values, gain = _within(run.step_series(column), window), run.step_series(f"gain/{name}")
        if len(values) and len(gain):
            factor = gain.at_steps(values)
            usable = np.isfinite(factor) & (factor > 0)
            values = replace(values, values=values.values / np.where(usable, factor, 1.0))
            divided = divided or bool(usable.any())
        series.append((name, values))
    title = "Loss components, gain divided out" if divided else "Loss components"
    return _panel("loss_components", title, "", series, True, buckets, log=True)


def _raw_components(run: Run, columns: Sequence[str], window: tuple[float, float], buckets: int) -> Panel | None:
    """The components as the trainer logs them, where a gain is in force that the other panel divides out."""
    if not any(len(run.step_series(f"gain/{c.split('/', 1)[1]}")) for c in columns):
        return None
    series = [(c.split("/", 1)[1], _within(run.step_series(c), window)) for c in columns]
    return _panel("loss_raw", "Loss components as logged, gain included", "", series, True, buckets, log=True)


def _grad_norm(run: Run, window: tuple[float, float], buckets: int) -> Panel | None:
    norm = _within(run.step_series("grad_norm"), window)
    if not len(norm):
        return None
    batch, accumulate = run.step_series("batch_size"), run.step_series("accumulate")
    title, values = "Gradient norm before clipping", norm.values
    if len(batch) and len(accumulate):
        samples = batch.at_steps(norm) * accumulate.at_steps(norm)
        title, values = "Gradient norm per sample, before clipping", norm.values / np.maximum(samples, 1.0)
    series = [("gradient norm", replace(norm, values=values))]
    return _panel("grad_norm", title, "", series, True, buckets, log=True)


def _apart(run: Run, columns: Sequence[str]) -> bool:
    """Whether one parameter group's rate would flatten the others on a linear axis (the bias group starts at 0.1)."""
    series = [run.step_series(c) if len(run.step_series(c)) else run.epoch_series(c) for c in columns]
    tops = [float(np.nanmax(s.values)) for s in series if len(s) and np.isfinite(s.values).any()]
    return bool(tops) and max(tops) > APART * min(tops)


def _forecast(run: Run, findings: Sequence[Finding], panel: str) -> Forecast | None:
    """Continue a creeping memory to the planned end, or to where its forecast meets the limit if that comes first."""
    finding = next((f for f in findings if f.id in CREEP and panel in _shown_by(f)[:1]), None)
    steps = run.step_series("epoch")
    left = (run.planned_epochs or 0) - run.epochs_done
    if finding is None or finding.measured is None or not len(steps) or left <= 0 or run.epochs_done < 1:
        return None
    detail, per_epoch = finding.detail, float(steps.step[-1] + 1) / max(run.epochs_done, 1)
    low, high = detail.get("slope_low_bytes_per_epoch"), detail.get("slope_high_bytes_per_epoch")
    values = run.step_series(finding.series or "").values
    values = values[np.isfinite(values)]
    if not isinstance(low, int | float) or not isinstance(high, int | float) or not len(values):
        return None
    meets = detail.get("forecast_epoch")
    epochs = min(float(left), max(float(meets) - run.epochs_done, 1.0) if isinstance(meets, int | float) else left)
    y = float(values[-1])
    return Forecast(
        x=float(steps.step[-1]), y=y, x_end=float(steps.step[-1]) + epochs * per_epoch,
        low=y + low * epochs, mid=y + finding.measured.value * epochs, high=y + high * epochs,
    )  # fmt: skip


def _vram_limit(run: Run) -> float | None:
    gpus = (run.meta.get("hardware") or {}).get("gpus") or []
    return float(gpus[0]["total_bytes"]) if gpus and gpus[0].get("total_bytes") else None


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
                marks.append(Mark(str(kind), _label(event), x))
        elif kind == "end" and (event.get("data") or {}).get("reason") in ("early-stop", "signal", "stopped"):
            x = _x(run, event.get("step"), event.get("epoch"), unit)
            if x is not None:
                marks.append(Mark("end", str((event.get("data") or {})["reason"]).replace("-", " "), x))
    marks = _thinned(marks)
    marks += _replays(run, unit)
    score = run.epoch_series("fitness")
    nothing = set(score.epoch[score.values <= 0].tolist())
    best = [
        e for e in run.events_of("checkpoint") if (e.get("data") or {}).get("best") and e.get("epoch") not in nothing
    ]
    # From the end, because the last one is where a run would be taken up again.
    for event in best[:: -max(1, -(-len(best) // MAX_CHECKPOINT_MARKS))]:
        x = _x(run, event.get("step"), event.get("epoch"), unit)
        if x is not None:
            marks.append(Mark("checkpoint", "checkpoint (best)", x))
    return tuple(sorted(marks, key=lambda m: (m.x, m.kind, m.label)))


def _label(event: Mapping[str, Any]) -> str:
    """Say what an event is: its own label, which stabiliser intervened, or its kind."""
    label = (event.get("data") or {}).get("label")
    by = str(event.get("source") or "").removeprefix("stabiliser/")
    return str(label or (event.get("kind") == "intervention" and by) or event.get("kind")).replace("_", " ")


def _thinned(marks: Sequence[Mark]) -> list[Mark]:
    """Keep at most ``MAX_MARKS_PER_KIND`` of each kind, evenly: a line per epoch would bury the curve."""
    kept: list[Mark] = []
    for kind in dict.fromkeys(m.kind for m in marks):
        own = [m for m in marks if m.kind == kind]
        kept += own[:: -(-len(own) // MAX_MARKS_PER_KIND)]
    return kept


def _replays(run: Run, unit: str) -> list[Mark]:
    """Mark where an epoch was begun anew (a resume, a retry after running out of memory, a recovery from NaN)."""
    attempt = run.step_series("attempt")
    if not len(attempt):
        return []
    began = np.flatnonzero((np.diff(attempt.values) != 0) & (attempt.values[1:] > 0)) + 1
    x = attempt.step if unit == "step" else attempt.epoch
    return [
        Mark("attempt", f"attempt {attempt.values[i] + 1:.0f} of the epoch", float(x[i]))
        for i in began[:MAX_CHECKPOINT_MARKS]
    ]


def _x(run: Run, step: object, epoch: object, unit: str) -> float | None:
    if unit == "step" and isinstance(step, int):
        return float(step)
    if unit == "epoch" and isinstance(epoch, int):
        return float(epoch)
    if unit == "step" and isinstance(epoch, int):
        keys = run.step_series("epoch")
        reached = keys.values >= epoch  # not searched by halves: the epochs of a damaged log are in no order
        if reached.any():
            return float(keys.step[int(np.argmax(reached))])
    return None

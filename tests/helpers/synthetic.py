"""Synthetic runs for tests: tables from arrays, and an Analysis made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trainwatch.result import (
    Analysis,
    Change,
    Checks,
    Curve,
    Finding,
    Mark,
    NotDone,
    Page,
    Panel,
    Quantity,
    Recommendation,
    RunSummary,
    Verdict,
    Where,
)
from trainwatch.runs import Run

TRACEBACK = """Traceback
  File "/home/me/train.py", line 1
    {text}
  File "/x/site-packages/a.py", line 2
    b
Error: {text}"""


def make_run(
    steps: Mapping[str, Any] | None = None,
    epochs: Mapping[str, Any] | None = None,
    *,
    steps_per_epoch: int = 10,
    events: Sequence[Mapping[str, Any]] = (),
    source: str = "trainwatch",
    **meta: Any,
) -> Run:
    """Make a run; ``step``, ``epoch``, ``attempt`` and ``batch`` are filled in where missing."""
    step_table = None
    if steps is not None:
        n = len(next(iter(steps.values()))) if steps else 0
        index = np.arange(n)
        keys = {
            "step": index,
            "epoch": index // steps_per_epoch,
            "attempt": index * 0,
            "batch": index % steps_per_epoch,
        }
        step_table = pa.table({k: pa.array(v) for k, v in {**keys, **steps}.items()})
    epoch_table = None
    if epochs is not None:
        n = len(next(iter(epochs.values()))) if epochs else 0
        epoch_table = pa.table({k: pa.array(v) for k, v in {"epoch": np.arange(n), **epochs}.items()})
    return Run("exp", source, steps=step_table, epochs=epoch_table, events=events, meta=meta)


def lognormal(n: int, sigma: float = 0.5, level: float = 100.0, seed: int = 0, decay: float = 0.0) -> Any:
    """A noisy positive series; ``decay`` is how many times it falls over its length."""
    rng = np.random.default_rng(seed)
    return level * np.exp(rng.normal(0, sigma, n) - decay * np.arange(n) / max(n, 1))


def make_finding(
    id: str = "plateau", severity: Any = "warning", epoch: int | None = 3, step: int | None = 30, **more: Any
) -> Finding:
    """A finding with plausible fields."""
    fields: dict[str, Any] = {
        "confidence": 0.8,
        "title": f"Something about {id}",
        "summary": f"{id} was measured.",
        "onset": None if epoch is None else Where(step, epoch),
        "measured": Quantity(12.5, "epochs"),
        "threshold": Quantity(10.0, "epochs"),
        "series": "loss",
        **more,
    }
    return Finding(id=id, severity=severity, **fields)


def make_analysis(text: str = "plain", **page: Any) -> Analysis:
    """An Analysis by hand that fills every block of a page; ``text`` is put wherever text can stand."""
    curve = Curve("loss", (0.0, 1.0, 2.0), (1.0, 2.0, None), (1.0, 2.5, None), (1.0, 3.0, None), 2.0, (2.0,))
    fields: dict[str, Any] = {
        "cause_reason": f"because {text}",
        "cost": "1 h of 2 h ran after the onset.",
        "next_command": f"yolo train data={text}",
        "overrides_yaml": f"data: {text}\n",
        "facts": (("Done", f"3 of 10 epochs {text}"),),
        "panels": (
            Panel(
                "loss",
                f"Loss {text}",
                "",
                "step",
                (curve,),
                (Mark("onset", f"onset: {text}", 1.0),),
                log=True,
                evidence=True,
            ),
            Panel("host_memory", "Memory", "bytes", "step", (curve,), limit=4.0),
        ),
        "actions": ({"step": 3, "epoch": 1, "kind": "stage", "source": "stabiliser/loss_stages", "message": text},),
        "events": ({"time_s": 1.7e9, "step": 3, "epoch": 1, "kind": "warning", "message": text},),
        "traceback": TRACEBACK.format(text=text),
        "configuration": (("Arguments", (("data", text),)),),
        "thresholds": {"plateau": {"min_epochs": 20}},
        "notes": (f"note {text}",),
        "explanations": {"plateau": f"What it does: {text}"},
        "version": "0.1.0",
        "first_epoch": 1,
        **page,
    }
    return Analysis(
        run=RunSummary(f"runs/{text}", "trainwatch", 30, 3, 10, "exception"),
        verdict=Verdict("crashed", f"Crashed: {text}", "plateau", 0.8),
        findings=(make_finding(title=f"Title {text}", summary=f"Summary {text}"),),
        recommendations=(
            Recommendation(
                "lower-lr", ("plateau",), (Change("lr0", 0.1, 0.05), Change("data", None, text)), f"why {text}",
                f"expect {text}", 0.7, (f"source {text}",), (f"step {text}",),
            ),
        ),
        checks=Checks(("killed",), (NotDone("memory-creep", f"reason {text}"),), (NotDone("plateau", f"error {text}"),)),
        page=Page(**fields),
    )  # fmt: skip

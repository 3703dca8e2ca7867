"""loss-stages: what the jump of the gains looks like, whether it raises a false alarm, and the score with and without."""

from __future__ import annotations

from typing import Any

from _bench import best, findings, last, options, ranged, table, train, workspace, write_section

from trainwatch_hooks.stabilisers.base import boundary
from trainwatch_hooks.stabilisers.loss_stages import Settings


def jump(run: Any, epoch: int, divided: bool) -> float:
    """Return the ratio of the validation loss (sum of components) from the epoch before to the epoch of a boundary."""
    total = 0.0
    for name in ("box_loss", "cls_loss", "dfl_loss"):
        gain = run.epochs[f"gain/{name}"] if divided else 1.0
        total = total + run.epochs[f"val/{name}"] / gain
    return float(total[epoch] / total[epoch - 1])


def main() -> None:
    """Train, compare, write the table."""
    chosen = options(epochs=24)
    with workspace(chosen.keep) as folder:
        off, on = (
            [
                train(folder, f"loss_stages-{name}-{seed}", stabilise=stabilise, seed=seed, epochs=chosen.epochs)
                for seed in range(chosen.seeds)
            ]
            for name, stabilise in (("off", None), ("on", {"loss_stages": True}))
        )
        edges = [boundary(b, chosen.epochs) for b in Settings().boundaries]
        alarms = [sorted(i for i, s in findings(r).items() if s != "info") for r in (*off, *on)]
    rows = [
        ["best mAP50-95", ranged([best(r) for r in off]), ranged([best(r) for r in on])],
        ["mAP50-95, mean of the last 10 epochs", ranged([last(r) for r in off]), ranged([last(r) for r in on])],
        *(
            [f"val loss at epoch {e + 1} / epoch {e}, {'gain divided out' if d else 'as Ultralytics logs it'}",
             ranged([jump(r, e, d) for r in off]), ranged([jump(r, e, d) for r in on])]
            for e in edges for d in (False, True)
        ),
        ["warnings and critical findings of `analyze`", "; ".join(", ".join(a) or "none" for a in alarms[: len(off)]),
         "; ".join(", ".join(a) or "none" for a in alarms[len(off):])],
    ]  # fmt: skip
    head = ["", "without", "with"]
    write_section(
        "loss_stages",
        [
            f"## loss-stages: {chosen.seeds} seeds, {chosen.epochs} epochs, stages at epochs {edges[0]} and {edges[1]}",
            "",
            *table(head, rows),
        ],
    )


if __name__ == "__main__":
    main()

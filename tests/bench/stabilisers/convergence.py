"""convergence: does it let a training go on that still learns, and what does it save where nothing is left to gain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _bench import best, options, table, train, workspace, write_section

OFF = dict.fromkeys(("mosaic", "scale", "translate", "fliplr", "hsv_h", "hsv_s", "hsv_v", "erasing"), 0.0)
SPENT_LR = 1e-6
"""A rate at which weights that have been trained no longer change to speak of."""


def pair(folder: Path, name: str, seed: int, **args: Any) -> tuple[Any, Any]:
    """Train without and with; return both runs."""
    off = train(folder, f"{name}-off-{seed}", stabilise=None, seed=seed, images=48, **args)
    on = train(folder, f"{name}-on-{seed}", stabilise={"convergence": True}, seed=seed, images=48, **args)
    return off, on


def row(case: str, seed: int, off: Any, on: Any) -> list[Any]:
    """Return one row of the table."""
    done, planned = len(on.epochs), len(off.epochs)
    same = off.epochs["val/box_loss"][:done].tolist() == on.epochs["val/box_loss"].tolist()
    end = (on.events_of("end") or [{}])[-1].get("message", "") if done < planned else ""
    return [case, seed, f"{done} of {planned}", f"{best(on):.4f}", f"{best(off):.4f}", "yes" if same else "no", end]


def main() -> None:
    """Train, compare, write the table."""
    chosen = options(epochs=30, more=60)
    rows = []
    with workspace(chosen.keep) as folder:
        for seed in range(chosen.seeds):
            learning = pair(folder, "learning", seed, epochs=chosen.epochs, close_mosaic=0, **OFF)
            rows.append(row("from scratch", seed, *learning))
            weights = folder / f"learning-off-{seed}" / "weights" / "best.pt"
            spent = pair(
                folder, "spent", seed, epochs=chosen.more, model=str(weights), close_mosaic=0, lr0=SPENT_LR, **OFF
            )
            rows.append(row(f"trained weights, lr0={SPENT_LR:g}", seed, *spent))
    head = ["training", "seed", "epochs", "best mAP50-95 until it ended", "best of the whole training",
            "same losses until then", "what it said"]  # fmt: skip
    write_section(
        "convergence",
        [
            f"## convergence: {chosen.seeds} seeds; from scratch {chosen.epochs} epochs, trained weights {chosen.more}",
            "",
            "From scratch the score is 0 for the first epochs and rises until the end: nothing may end it. The second kind goes",
            "on with a rate that changes nothing, as the last hundred epochs of a long plan do.",
            "",
            *table(head, sorted(rows, key=lambda r: (r[0], r[1]))),
        ],
    )


if __name__ == "__main__":
    main()

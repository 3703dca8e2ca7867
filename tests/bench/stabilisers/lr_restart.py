"""lr-restart: the recorded rate over a training, and the score with and without the restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _bench import HERE, SCORE, best, last, options, ranged, table, train, workspace, write_section


def draw(run: Any, plain: Any) -> None:
    """Draw both recorded rates."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "trainwatch"}):
        figure = Figure(figsize=(7, 2.6), layout="constrained")
        axes = figure.subplots()
        for found, name in ((plain, "cosine"), (run, "lr-restart")):
            axes.plot(found.steps["step"], found.steps["lr/pg0"], label=name, linewidth=1)
        axes.set(xlabel="step", ylabel="learning rate (recorded)", yscale="log", ylim=(1e-5, 4e-3))
        axes.legend(frameon=False)
        figure.savefig(HERE / "lr_restart.svg", metadata={"Date": None})


def second_half_gain(run: Any) -> float:
    """Return how much the best score of the second half exceeds that of the first."""
    scores = run.epochs[SCORE]
    half = len(scores) // 2
    return float(scores[half:].max() - scores[:half].max())


def compare(folder: Path, seeds: int, epochs: int) -> tuple[list[list[str]], Any, Any]:
    """Train both sides; return the rows of the table, and the first run of either side."""
    off, on = (
        [
            train(folder, f"lr_restart-{name}-{epochs}-{seed}", stabilise=stabilise, seed=seed, epochs=epochs)
            for seed in range(seeds)
        ]
        for name, stabilise in (("off", None), ("on", {"lr_restart": {"warmup_epochs": 3}}))
    )
    rows = [
        [f"{epochs}", f"{what}", ranged([measure(r) for r in off]), ranged([measure(r) for r in on])]
        for what, measure in (
            ("best mAP50-95", best),
            ("mAP50-95, mean of the last 10 epochs", last),
            ("best of the second half minus best of the first", second_half_gain),
        )
    ]
    return rows, off[0], on[0]


def main() -> None:
    """Train, compare, draw, write the table."""
    chosen = options(epochs=28, longer=0)
    with workspace(chosen.keep) as folder:
        rows, off, on = compare(folder, chosen.seeds, chosen.epochs)
        draw(on, off)
        rates, half = on.epochs["lr/pg0"], chosen.epochs // 2
        if chosen.longer:
            rows += compare(folder, chosen.seeds, chosen.longer)[0]
    lines = [
        f"## lr-restart: {chosen.seeds} seeds, against Ultralytics' cosine to the same floor",
        "",
        *table(["epochs", "", "cosine", "lr-restart"], rows),
        "",
        f"Recorded rate: {rates[half - 1]:.2g} in the last epoch before the restart, {rates[half]:.2g} at it, "
        f"{rates.iloc[-1]:.2g} at the end. So short a training from scratch is far from any plateau at its half: what is asked "
        "here is what the restart costs where it is not needed, not whether it ends a plateau.",
        "",
        "![recorded learning rates](lr_restart.svg)",
    ]
    write_section("lr_restart", lines)


if __name__ == "__main__":
    main()

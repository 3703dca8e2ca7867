"""lr-restart: the recorded rate over a training, and the score with and without the restart."""

from __future__ import annotations

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


def main() -> None:
    """Train, compare, draw, write the table."""
    chosen = options(epochs=28)
    with workspace(chosen.keep) as folder:
        off, on = (
            [
                train(folder, f"lr_restart-{name}-{seed}", stabilise=stabilise, seed=seed, epochs=chosen.epochs)
                for seed in range(chosen.seeds)
            ]
            for name, stabilise in (("off", None), ("on", {"lr_restart": {"warmup_epochs": 3}}))
        )
        draw(on[0], off[0])
        rates = on[0].epochs["lr/pg0"]
        half = chosen.epochs // 2
        rows = [
            ["best mAP50-95", ranged([best(r) for r in off]), ranged([best(r) for r in on])],
            ["mAP50-95, mean of the last 10 epochs", ranged([last(r) for r in off]), ranged([last(r) for r in on])],
            ["best of the second half minus best of the first", ranged([second_half_gain(r) for r in off]), ranged([second_half_gain(r) for r in on])],
        ]  # fmt: skip
    lines = [
        f"## lr-restart: {chosen.seeds} seeds, {chosen.epochs} epochs, against Ultralytics' cosine to the same floor",
        "",
        *table(["", "cosine", "lr-restart"], rows),
        "",
        f"Recorded rate: {rates[half - 1]:.2g} in the last epoch before the restart, {rates[half]:.2g} at it, "
        f"{rates.iloc[-1]:.2g} at the end.",
        "",
        "![recorded learning rates](lr_restart.svg)",
    ]
    write_section("lr_restart", lines)


if __name__ == "__main__":
    main()

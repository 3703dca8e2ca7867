"""accumulate: peak memory of a step and the score, one batch of 32 against four of 8."""

from __future__ import annotations

from _bench import best, options, ranged, table, train, workspace, write_section

from trainwatch_hooks.stabilisers._fit_batch import trial


def main() -> None:
    """Measure, train, compare, write the table."""
    chosen = options(epochs=20, imgsz=320)
    task = {"model": "yolo12n.yaml", "imgsz": chosen.imgsz, "amp": False, "device": "cpu", "classes": 3}
    peaks = {b: trial({**task, "batch": b}) or float("nan") for b in (1, 8, 32)}
    with workspace(chosen.keep) as folder:
        big, small = (
            [
                train(folder, f"accumulate-{name}-{seed}", stabilise=stabilise, seed=seed, epochs=chosen.epochs, **more)
                for seed in range(chosen.seeds)
            ]
            for name, stabilise, more in (
                ("32", None, {"batch": 32, "nbs": 32}),
                ("4x8", {"accumulate": {"accumulate": 4, "bind_lr": False}}, {"batch": 8, "nbs": 32}),
            )
        )
    gib = 1 << 30
    rows = [
        [
            f"peak memory of a step at {chosen.imgsz} px, process in all",
            *(f"{peaks[b] / gib:.2f} GiB" for b in (32, 8)),
        ],
        ["the same above a step with one image", *(f"{(peaks[b] - peaks[1]) / gib:.2f} GiB" for b in (32, 8))],
        ["best mAP50-95", ranged([best(r) for r in big]), ranged([best(r) for r in small])],
        ["optimizer steps", *(f"{r[0].steps['optimizer_stepped'].sum():.0f}" for r in (big, small))],
    ]
    write_section(
        "accumulate",
        [
            f"## accumulate: {chosen.seeds} seeds, {chosen.epochs} epochs, 32 images per step",
            "",
            *table(["", "batch 32", "4 x batch 8"], rows),
        ],
    )


if __name__ == "__main__":
    main()

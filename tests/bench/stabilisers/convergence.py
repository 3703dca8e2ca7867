"""convergence: epochs saved and what they would have given, on a small data set that the net soon knows by heart."""

from __future__ import annotations

from _bench import best, options, table, train, workspace, write_section

OFF = dict.fromkeys(("mosaic", "scale", "translate", "fliplr", "hsv_h", "hsv_s", "hsv_v", "erasing"), 0.0)


def main() -> None:
    """Train, compare, write the table."""
    chosen = options(epochs=30)
    more = {"epochs": chosen.epochs, "images": 48, "close_mosaic": 0, **OFF}
    rows = []
    with workspace(chosen.keep) as folder:
        for seed in range(chosen.seeds):
            off = train(folder, f"convergence-off-{seed}", stabilise=None, seed=seed, **more)
            on = train(folder, f"convergence-on-{seed}", stabilise={"convergence": True}, seed=seed, **more)
            done = len(on.epochs)
            same = off.epochs["val/box_loss"][:done].tolist() == on.epochs["val/box_loss"].tolist()
            end = (on.events_of("end") or [{}])[0].get("message", "")
            rows.append(
                [
                    seed,
                    f"{done} of {chosen.epochs}",
                    f"{best(on):.4f}",
                    f"{best(off):.4f}",
                    "yes" if same else "no",
                    end,
                ]
            )
    head = [
        "seed",
        "epochs",
        "best mAP50-95 until it ended",
        "best of the whole training",
        "same losses until then",
        "what it said",
    ]
    write_section(
        "convergence", [f"## convergence: {chosen.epochs} epochs planned, augmentation off", "", *table(head, rows)]
    )


if __name__ == "__main__":
    main()

"""Columns, units, data types and event kinds: the contract that the training side writes and the reading side reads.

Units are in the names. Steps, epochs and batches count from 0. A *step* is one micro-batch (one forward and backward);
whether the optimizer moved on it is the column ``optimizer_stepped``. Rows are keyed by (epoch, attempt, batch),
because Ultralytics replays an epoch after an out-of-memory retry or a NaN recovery.

A value that was not measured is null; a value that was measured and is not a number is NaN. The two are never mixed.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

SCHEMA_VERSION: Final = 1

FOLDER: Final = "trainwatch"
"""Name of the record's folder inside the run directory."""

DType = Literal["int64", "float64", "float32", "bool"]


class Column(NamedTuple):
    """One step column.

    Attributes:
        name: Column name; a trailing ``/*`` makes it a family (``loss/*`` is one column per loss component).
        dtype: Type in the Parquet file.
        unit: Unit of the values; ``1`` for pure numbers.
        about: One sentence for people.
    """

    name: str
    dtype: DType
    unit: str
    about: str


STEP_COLUMNS: Final[tuple[Column, ...]] = (
    Column("step", "int64", "1", "Micro-batches finished before this one, over all attempts of the run."),
    Column("epoch", "int64", "1", "Epoch, from 0."),
    Column("attempt", "int64", "1", "How often this epoch had been started before."),
    Column("batch", "int64", "1", "Micro-batch within the epoch, from 0."),
    Column("rank", "int64", "1", "Process of a distributed training; 0 alone."),
    Column("time_s", "float64", "s", "Wall clock (Unix) when the step ended."),
    Column("data_s", "float32", "s", "Wait for the batch before this step began."),
    Column("step_s", "float32", "s", "Forward, backward and, if any, optimizer step."),
    Column("optimizer_stepped", "bool", "1", "The optimizer was called after this micro-batch."),
    Column("loss", "float32", "1", "Total loss as backpropagated (Ultralytics: summed over the batch)."),
    Column("loss/*", "float32", "1", "One loss component, as the trainer reports it (gain included)."),
    Column("gain/*", "float32", "1", "Gain in force on that component."),
    Column("lr/*", "float64", "1", "Learning rate of one parameter group."),
    Column("momentum", "float32", "1", "Momentum (or beta1) of the first parameter group."),
    Column("batch_size", "int64", "images", "Images in this micro-batch, over all ranks."),
    Column("accumulate", "int64", "steps", "Micro-batches gathered per optimizer step."),
    Column("grad_norm", "float32", "1", "Total L2 norm of the gradients, unscaled, before clipping."),
    Column("grad_norm/*", "float32", "1", "The same for one top-level layer of the model."),
    Column("amp_scale", "float32", "1", "Gradient scaler's factor after this step; null where there is no scaler."),
    Column("amp_skipped", "bool", "1", "The scaler skipped the optimizer step because of non-finite gradients."),
    Column("vram_allocated_bytes", "int64", "bytes", "Device memory held by live tensors."),
    Column("vram_reserved_bytes", "int64", "bytes", "Device memory held by the caching allocator."),
    Column("vram_peak_bytes", "int64", "bytes", "Largest allocated amount since the process began."),
    Column("vram_inactive_split_bytes", "int64", "bytes", "Free pieces inside split blocks (fragmentation)."),
    Column("vram_free_bytes", "int64", "bytes", "Free on the device, other processes counted."),
    Column("rss_bytes", "int64", "bytes", "Resident memory of the training process."),
    Column("instances", "int64", "objects", "Labelled objects in the micro-batch."),
    Column("image_size", "int64", "pixels", "Width of the images as the network saw them."),
    Column(
        "tree_rss_bytes",
        "int64",
        "bytes",
        "Resident memory of the process and its children, shared pages counted often.",
    ),
    Column("tree_pss_bytes", "int64", "bytes", "The same, shared pages counted once."),
    Column("host_free_bytes", "int64", "bytes", "What the process may still get; the page cache counts as free."),
    Column("shm_free_bytes", "int64", "bytes", "Free in /dev/shm, where loader workers hand batches over."),
    Column("disk_free_bytes", "int64", "bytes", "Free on the disk of the run folder."),
    Column("gpu_utilisation", "float32", "1", "Share of the last sampling period in which a kernel ran (NVML)."),
    Column("gpu_temperature_c", "float32", "degrees C", "Temperature of the device."),
    Column("gpu_power_w", "float32", "W", "Power that the device draws."),
    Column("gpu_throttle", "int64", "1", "NVML's bit mask of reasons why the clock is held down."),
    Column("update_ratio", "float32", "1", "Norm of what an optimizer step changed, over the norm of the weights."),
    Column("update_ratio/*", "float32", "1", "The same for one parameter group."),
)

EPOCH_COLUMNS: Final[tuple[Column, ...]] = (
    Column("epoch", "int64", "1", "Epoch, from 0."),
    Column("attempt", "int64", "1", "How often this epoch had been started before."),
    Column(
        "time_s", "float64", "s", "Wall clock (Unix) when the epoch ended; seconds since the start in foreign logs."
    ),
    Column("train/*", "float64", "1", "Mean of one loss component over the epoch."),
    Column("val/*", "float64", "1", "One validation loss component."),
    Column("metrics/*", "float64", "1", "One validation metric."),
    Column("lr/*", "float64", "1", "Learning rate of one parameter group at the end of the epoch."),
    Column("gain/*", "float64", "1", "Gain in force on one component."),
    Column(
        "augment/*", "float64", "1", "Augmentation in force, read from the transforms; degrees and shear in degrees."
    ),
    Column(
        "ema/*",
        "float64",
        "1",
        "Averaged weights and running statistics against the model: distance, shift, drift; tensors not finite.",
    ),
    Column("fitness", "float64", "1", "What the trainer ranks its checkpoints by."),
    Column("best_fitness", "float64", "1", "Best fitness so far."),
)

EventKind = Literal[
    "start", "end", "exception", "signal", "oom", "nan_recovery", "checkpoint", "intervention", "stage", "lr_restart",
    "mosaic_closed", "dropped", "hang", "dump", "nonfinite", "warning",
]  # fmt: skip


def column(name: str) -> Column | None:
    """Return the declaration of a step column, families resolved, or None for a column of the user's own."""
    family = name.split("/", 1)[0] + "/*" if "/" in name else name
    for declared in STEP_COLUMNS:
        if declared.name in (name, family):
            return declared
    return None

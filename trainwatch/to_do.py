"""What to do about a finding that no recommendation answers: for any trainer, so that no fault is told without a way out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

SECTION: Final = "What to do:"

LOOP: Final[Mapping[str, str]] = {
    "amp-scale-collapse": (
        "Use bfloat16 instead of float16 where the device has it, or train without autocast; lower the learning rate "
        "if the gradient norm rises at the same time."
    ),
    "close-mosaic-jump": "Let more epochs run with plain images at the end if the score gained; else keep the augmentation.",
    "copy-paste-inert": "Use an augmentation that works on what your labels hold (mixup for boxes).",
    "dataloader-bound": (
        "Give the loader more workers (num_workers up to the number of cores per device, persistent_workers=True), "
        "and keep the data on a local disk, at the size that is trained on."
    ),
    "dead-output": "Divide the learning rate by ten, warm up longer, and start anew: no checkpoint since then is of use.",
    "degraded-after-best": (
        "Use the checkpoint of the best epoch, not the last one. If the training goes on, go on from there with a "
        "lower learning rate; if your loop keeps the last weights only, save them at each best score."
    ),
    "early-stopped": "Nothing, if the curves are flat; else raise the patience of your early stopping.",
    "few-updates": "Step the optimizer more often: accumulate gradients over fewer batches, or none.",
    "gradient-explosion": "Halve the learning rate, clip the gradient norm, and go on from a checkpoint of before it began.",
    "gradient-vanishing": (
        "Look at what precedes it: after an explosion a dead model has no gradient; else look for saturated "
        "activations, a loss that is masked or multiplied by zero, or layers that were frozen by mistake."
    ),
    "killed": (
        "Go on from your last checkpoint, if the loop writes any; if it does not, write one per epoch (model, "
        "optimizer, scheduler, epoch). Who sent the signal is in the machine's own log: `dmesg -T | grep -i -E "
        "'killed process|oom'`, or the scheduler's report of the job."
    ),
    "loss-explosion": "Halve the learning rate, warm up longer, and go on from a checkpoint of before it began.",
    "loss-imbalance": "Halve the weight of the component that dominates, or scale each component to about the same size.",
    "lr-overridden": "Find what sets the learning rate after you did: a scheduler, a callback, a resumed optimizer state.",
    "lr-too-small": (
        "Raise the learning rate tenfold and watch the first epochs; look for a scheduler that is stepped once per "
        "batch where it counts epochs, and for a warm-up that takes most of the plan."
    ),
    "machine-down": (
        "Look into the log of the boot before (`journalctl -b -1 -e`). Check that your last checkpoint can be loaded, "
        "then go on from it."
    ),
    "memory-creep": (
        "Look for tensors kept per step or epoch: losses in a list without .item() or .detach(), outputs kept for "
        "later. For fragmentation set PYTORCH_ALLOC_CONF=expandable_segments:True before Python starts. A process "
        "that goes on from a checkpoint starts empty."
    ),
    "host-memory-creep": (
        "Look for what is kept per step or epoch: losses appended to a list without .item() or .detach(), predictions "
        "collected, figures never closed. If nothing is kept, use fewer loader workers. A process that goes on from a "
        "checkpoint starts empty."
    ),
    "memory-fragmentation": (
        "Set PYTORCH_ALLOC_CONF=expandable_segments:True before Python starts, and keep the size of the inputs the "
        "same from batch to batch."
    ),
    "metric-frozen": (
        "Look whether the validated model is the one that is trained, whether the learning rate is 0, and whether the "
        "layers are frozen."
    ),
    "metrics-not-measured": (
        "Validate once per epoch, on fewer samples if it takes too long, and record the score with "
        "epoch_end(metrics=..., fitness=...)."
    ),
    "missing-labels": "Look at one batch as the loader gives it: are targets in it, and do they belong to the inputs?",
    "momentum-too-high": "Set the optimizer's momentum to 0.9, and compare the first epochs.",
    "native-crash": (
        "Read `trainwatch/faulthandler-rank0.log` for the stacks of all threads. Try another pair of driver and "
        "torch, and num_workers=0; a bus error with loader workers mostly means that /dev/shm is full."
    ),
    "near-memory-limit": "Device: a smaller batch, with gradients accumulated over more of them. Host: fewer loader workers.",
    "no-learning": (
        "Train on ten samples without augmentation: a sound loop memorises them in some hundred steps. If it "
        "does not, check labels, loss, learning rate, and that optimizer.step() sees these parameters."
    ),
    "nonfinite-loss": (
        "Look at the batch of the onset for inputs and targets that are not finite; leave such a step out; go on from "
        "a checkpoint of before it."
    ),
    "nonfinite-validation": (
        "Validate in full precision. If it is NaN there, too, go on from the best checkpoint with a lower learning "
        "rate."
    ),
    "out-of-memory": (
        "Halve the batch and accumulate gradients over twice as many; then smaller inputs. On the host: fewer loader "
        "workers."
    ),
    "unusual-arguments": "Take the usual value of each, train once, and compare the score at the same epoch.",
    "over-regularised": "Take the brake that is named off, train once, and compare the score at the same epoch.",
    "overfitting": (
        "Keep the checkpoint of the best epoch. Then more data or stronger augmentation, a smaller model, more weight "
        "decay, fewer epochs."
    ),
    "plateau": (
        "If the training loss goes on falling, the model memorises its samples: more data or stronger "
        "augmentation, or stop and keep the best checkpoint. If both are flat: raise the learning rate once (a warm "
        "restart), or take a larger model."
    ),
    "premature-early-stop": "Go on from the last checkpoint with twice the patience.",
    "rank-divergence": (
        "Look at the first step named: a skipped step, a loss that is not finite on one rank, an epoch of another "
        "length."
    ),
    "rank-straggler": "Compare that rank's disk, cores and device clock with the others'; validate and write on another rank.",
    "tiny-validation": "Put 100 samples at least, better 500, into the validation set; with few data use cross-validation.",
    "transient-collapse": (
        "Nothing now. For the next run: a lower learning rate, clipping, a look at the samples of that epoch."
    ),
    "transient-nonfinite": "Nothing. If it recurs late in the training, validate in full precision.",
    "truncated-run": "Look at the end of the console output; then go on from the last checkpoint.",
    "underfitting": "Train longer: a new schedule with half as many epochs again, over which the learning rate falls anew.",
    "unstable-training": (
        "Halve the learning rate, or accumulate gradients over twice as many batches. Judge by a running mean of the "
        "score."
    ),
    "validation-is-training": (
        "Split the samples before anything else, by scene or subject, so that no validation sample is trained on; a few "
        "hundred will do."
    ),
}
"""Finding id -> what to do in a loop that is not Ultralytics', whose arguments the detectors' own documentation names."""


def to_do(id: str, documentation: str, trainer: str) -> str:
    """Return what to do about a finding, in a few sentences.

    Args:
        id: The finding's id.
        documentation: The detector's docstring; its section *What to do* is taken where nothing else is said.
        trainer: ``ultralytics``, or any other.
    """
    if trainer != "ultralytics" and id in LOOP:
        return " ".join(LOOP[id].split())
    _, _, rest = documentation.partition(f"\n{SECTION}\n")
    text = re.split(r"\n(?=\S)", rest, maxsplit=1)[0]
    return " ".join(text.split()).replace("``", "`")

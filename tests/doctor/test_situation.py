from __future__ import annotations

import math

import pytest
from situations import A100, T4, data, machine, situation, split

from trainwatch.doctor._situation import Fault, version_numbers


@pytest.mark.parametrize(
    ("device", "ranks", "gpus"),
    [(0, 1, 1), ("0,1", 2, 2), ([0, 1], 2, 2), ((0, 1), 2, 2), ("cuda:1", 1, 1), ("cpu", 1, 0), ("mps", 1, 0), (None, 1, 1), (-1, 1, 1)],
)  # fmt: skip
def test_devices(device: object, ranks: int, gpus: int) -> None:
    about = situation(on=machine(A100, T4), device=device)
    assert about.ranks == ranks
    assert len(about.gpus or ()) == gpus


def test_the_second_device_is_the_second() -> None:
    assert situation(on=machine(A100, T4), device=1).gpus == (T4,)


@pytest.mark.parametrize(
    ("batch", "nbs", "accumulate"), [(16, 64, 4), (64, 256, 4), (256, 64, 1), (24, 64, 3), (-1, 64, None)]
)
def test_accumulate_as_in_the_trainer(batch: int, nbs: int, accumulate: int | None) -> None:
    assert situation(batch=batch, nbs=nbs).accumulate == accumulate


def test_images_that_the_trainer_leaves_out_do_not_count() -> None:
    about = situation(of=data(split(faults=(Fault("x", 500, "a"),))))
    assert about.train_images == 4500
    assert about.batches_per_epoch == math.ceil(4500 / 16)
    assert situation(fraction=0.1).train_images == 500
    assert situation(fraction=100).train_images == 100
    assert situation(fraction=[0.5, 1.0]).train_images == 2500
    assert situation(of=None).train_images is None


def test_odd_values_fall_back_to_the_default() -> None:
    assert situation(epochs="many").epochs == 100
    assert situation(lr0=float("nan")).number("lr0") == 0.01
    assert situation(amp=True).number("amp") == 0.0, "a bool is no number"


def test_versions() -> None:
    assert version_numbers("2.14.1+cu130") == (2, 14, 1)
    assert version_numbers("2.7.4.post1") == (2, 7, 4)
    assert version_numbers("unknown") == ()

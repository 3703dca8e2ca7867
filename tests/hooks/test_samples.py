"""What two data sets have in common, without a sample being drawn."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainwatch.analysis import analyse
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder
from trainwatch_hooks.samples import compared

torch = pytest.importorskip("torch")
data = pytest.importorskip("torch.utils.data")


def both(train: Any, val: Any) -> tuple[Any, Any]:
    found = compared(train, val)
    return found["val_images_trained_on"], found["compared_by"]


class Drawing(data.Dataset):  # type: ignore[misc, name-defined]
    """Augments at random; fails where a sample is drawn."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Any:
        raise AssertionError("a sample was drawn")


def test_one_data_set_behind_both_is_compared_by_its_indices() -> None:
    whole = Drawing()
    assert both(whole, whole) == (40, "index")
    assert both(data.DataLoader(whole, batch_size=4, shuffle=True), data.DataLoader(whole, batch_size=8)) == (
        40,
        "index",
    )
    first, second = data.Subset(whole, range(30)), data.Subset(whole, range(25, 40))
    assert both(first, second) == (5, "index")
    assert both(data.DataLoader(first), data.Subset(second, [0, 1, 14])) == (2, "index"), "a subset of a subset"
    loaders = [data.DataLoader(whole, sampler=data.SubsetRandomSampler(i)) for i in (range(30), range(30, 40))]
    assert both(*loaders) == (0, "index")
    split = data.random_split(whole, [30, 10])
    assert both(*split) == (0, "index")
    assert compared(*split) | {"compared_by": 0} == {
        "train_images": 30, "val_images": 10, "val_images_trained_on": 0, "compared_by": 0,
    }  # fmt: skip
    joined = data.ConcatDataset([Drawing(), whole])
    assert both(joined, data.Subset(whole, range(10))) == (10, "index")
    assert both(data.Subset(joined, range(45)), whole) == (5, "index")


def test_what_is_in_memory_is_compared_row_by_row() -> None:
    x = torch.randn(100, 3, 4)
    y = torch.arange(100)
    own = torch.randn(50, 3, 4)
    assert both((x, y), (x, y)) == (100, "index")
    assert both((x, y), (x[:20].clone(), y[:20])) == (20, "row")
    assert both(data.TensorDataset(x, y), data.TensorDataset(torch.cat([own, x[::10]]), torch.zeros(60))) == (10, "row")
    assert both(x.numpy(), own.numpy()) == (0, "row")
    assert both(x.bfloat16(), x[:7].bfloat16()) == (7, "row")
    assert both(x, torch.randn(50, 2)) == (None, None), "of another shape"
    assert both(x.to("meta"), own.to("meta")) == (None, None), "not in memory"


def test_rows_that_repeat_by_nature_are_no_evidence() -> None:
    rng = np.random.default_rng(0)
    few = [rng.integers(0, 2, (200, 3)).astype(float) for _ in range(2)]
    assert both(*few) == (0, "row")


class Listed(data.Dataset):  # type: ignore[misc, name-defined]
    def __init__(self, files: list[Any]) -> None:
        self.names, self.entries = ["a"] * len(files), files

    def __len__(self) -> int:
        return len(self.entries)


def test_sets_that_list_their_files_are_compared_by_path(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.jpg" for i in range(10)]
    files[0].touch()
    assert both(Listed(files), Listed(files[:4])) == (4, "file")
    assert both(Listed([(str(f), 1) for f in files]), Listed([(str(f), 2) for f in files[:1]])) == (1, "file")
    parts = [[(str(f), half, half + 50) for f in files] for half in (0, 50)]
    assert both(Listed(parts[0]), Listed(parts[1])) == (0, "file"), "other parts of the same recordings"
    assert both(Listed(parts[0]), Listed(parts[0][:3])) == (3, "file")
    names = ["0.jpg", "1.jpg"]
    assert both(Listed(names), Listed(list(names))) == (None, None), "names of two folders may be the same"


def test_a_wrapper_that_chooses_in_its_own_way_is_not_looked_through() -> None:
    class Part(data.Dataset):  # type: ignore[misc, name-defined]
        def __init__(self, dataset: Any, half: int) -> None:
            self.dataset, self.half = dataset, half

        def __len__(self) -> int:
            return 20

    whole = Drawing()
    assert both(Part(whole, 0), Part(whole, 1)) == (None, None)
    assert both(object(), whole) == (None, None)


class Chosen(data.Sampler):  # type: ignore[misc, name-defined]
    """Takes samples that no attribute names."""

    def __init__(self, *taken: int) -> None:
        self.taken = taken

    def __len__(self) -> int:
        return len(self.taken)

    def __iter__(self) -> Any:
        return iter(self.taken)


def test_a_sampler_that_may_leave_samples_out_is_no_evidence() -> None:
    whole = Drawing()
    ours, theirs = data.DataLoader(whole, sampler=Chosen(0, 1)), data.DataLoader(whole, sampler=Chosen(2, 3))
    assert both(ours, theirs) == (None, None)
    batches = [
        data.DataLoader(whole, batch_sampler=data.BatchSampler(data.SubsetRandomSampler(part), 4, drop_last=False))
        for part in (range(30), range(28, 40))
    ]
    assert both(*batches) == (2, "index")
    by_hand = [data.DataLoader(whole, batch_sampler=[[0, 1], [2, 3]]), data.DataLoader(whole, batch_sampler=[[4, 5]])]
    assert both(*by_hand) == (None, None)
    weights = torch.ones(40)
    weights[30:] = 0
    weighted = data.DataLoader(whole, sampler=data.WeightedRandomSampler(weights, 40))
    assert both(weighted, data.Subset(whole, range(30, 40))) == (0, "index")


def test_batches_and_names_of_loaders_are_no_samples() -> None:
    class Prefetching:
        def __init__(self, loader: Any) -> None:
            self.dataset, self.sampler, self.loader = loader.dataset, loader.sampler, loader

        def __len__(self) -> int:
            return len(self.loader)

    whole = Drawing()
    loader = data.DataLoader(whole, batch_size=4)
    assert compared(loader, Prefetching(loader))["val_images"] == 0
    assert compared(loader, {"a": loader, "b": loader})["val_images"] == 80


def test_the_recorder_tells_and_draws_no_random_number(tmp_path: Path) -> None:
    x, y = torch.randn(60, 5), torch.zeros(60)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    with Recorder(tmp_path / "exp", meta={"dataset": {"classes": 3}}) as rec:
        rec.datasets(data.DataLoader(data.TensorDataset(x, y), batch_size=8, shuffle=True), (x[:10].clone(), y[:10]))
        rec.step(epoch=0, loss=1.0)
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    run = read_run(tmp_path / "exp")
    assert run.meta["dataset"] == {
        "classes": 3, "train_images": 60, "val_images": 10, "val_images_trained_on": 10, "compared_by": "row",
    }  # fmt: skip
    (finding,) = [f for f in analyse(run).findings if f.id == "validation-is-training"]
    assert finding.title == "All validation samples are training samples"


def test_data_sets_that_cannot_be_asked_end_no_training(tmp_path: Path) -> None:
    class Broken:
        @property
        def dataset(self) -> Any:
            raise RuntimeError("no")

    with Recorder(tmp_path / "exp") as rec:
        rec.datasets(Broken(), Broken())
        rec.step(epoch=0, loss=1.0)
    run = read_run(tmp_path / "exp")
    assert "dataset" not in run.meta
    assert any("comparing the data sets" in str(e["data"]) for e in run.events_of("warning"))

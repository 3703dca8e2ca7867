"""A new loader at the place of the old one."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from ultralytics.data.build import InfiniteDataLoader, seed_worker

from trainwatch_hooks.stabilisers import _loader


class Data(torch.utils.data.Dataset):
    """Items are their index and a random number, with a buffer as Ultralytics' data sets have it."""

    def __init__(self, size: int) -> None:
        self.size, self.buffer, self.loaded = size, [], []

    def __len__(self) -> int:
        return self.size

    def load_image(self, index: int) -> None:
        self.loaded.append(index)
        self.buffer.append(index)

    def __getitem__(self, index: int) -> Any:
        import random

        return torch.tensor([float(index), random.random()])


def make(size: int, batch: int, workers: int = 0) -> Any:
    generator = torch.Generator()
    generator.manual_seed(3)
    return InfiniteDataLoader(
        Data(size), batch_size=batch, shuffle=True, generator=generator, num_workers=workers, worker_init_fn=seed_worker
    )


def epoch(loader: Any) -> list[list[float]]:
    return [row for batch in loader for row in batch[:, :1].tolist()]


@pytest.mark.parametrize(("size", "batch"), [(12, 4), (13, 4), (3, 8), (8, 8)])
@pytest.mark.parametrize("done", [1, 3])
def test_the_order_goes_on_whether_or_not_the_last_batch_is_full(size: int, batch: int, done: int) -> None:
    loader = make(size, batch)
    for _ in range(done):
        epoch(loader)
    saved = _loader.capture(loader, fresh=False)
    expected = [epoch(loader) for _ in range(3)]
    again = make(size, batch)
    assert _loader.restore(again, saved) == []
    assert [epoch(again) for _ in range(3)] == expected
    assert expected[0] != expected[1]


def test_the_buffer_is_loaded_in_its_order() -> None:
    loader = make(8, 4)
    loader.dataset.buffer = [5, 1, 7]
    saved = _loader.capture(loader, fresh=False)
    again = make(8, 4)
    _loader.restore(again, saved)
    assert again.dataset.loaded == again.dataset.buffer == [5, 1, 7]


def test_begun_anew_it_is_exact_with_workers_too() -> None:
    orders = []
    for first in (0, 2):
        loader = make(16, 4, workers=2)
        for _ in range(first):
            epoch(loader)
        if first:
            _loader.begin_anew(loader, seed=0, epoch=5)
            saved = _loader.capture(loader, fresh=True)
            uninterrupted = [batch.tolist() for batch in loader]
            loader.close()
            again = make(16, 4, workers=2)
            assert _loader.restore(again, saved) == []
            orders = [uninterrupted, [batch.tolist() for batch in again]]
            again.close()
        else:
            loader.close()
    assert orders[0] == orders[1], "the order and the workers' random numbers"
    assert len(orders[0]) == 4


def test_with_workers_it_says_that_the_order_is_another() -> None:
    saved = _loader.capture(make(16, 4, workers=2), fresh=False)
    (note,) = _loader.restore(make(16, 4, workers=2), saved)
    assert "exact_loader" in note


def test_another_data_set_begins_anew() -> None:
    saved = _loader.capture(make(16, 4), fresh=False)
    again = make(12, 4)
    (note,) = _loader.restore(again, saved)
    assert "had 16 images and has 12" in note
    assert epoch(again) == epoch(make(12, 4))

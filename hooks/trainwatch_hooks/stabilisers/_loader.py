"""Where the train loader stands: its generator, the mosaic buffer, and how to put a new loader at the same place.

A loader without workers is brought back exactly. With workers each one has prefetched, and holds random numbers and a
buffer of its own; then only the generator comes back, unless the loader was begun anew when the checkpoint was written
(``exact_loader``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_STRIDE: Final = 1_000_003
"""Prime that keeps the seeds of different trainings and epochs apart."""


def capture(loader: Any, *, fresh: bool) -> dict[str, Any]:
    """Return the loader's state.

    Args:
        loader: The train loader, between two epochs.
        fresh: Whether it has just been begun anew.
    """
    dataset = loader.dataset
    generator = getattr(loader, "generator", None)
    buffer = getattr(dataset, "buffer", None)
    return {
        "generator": None if generator is None else generator.get_state(),
        "buffer": [int(i) for i in buffer] if isinstance(buffer, list) else [],
        "images": len(dataset),
        "batches": len(loader),
        "workers": int(loader.num_workers),
        "fresh": fresh,
    }


def begin_anew(loader: Any, seed: int, epoch: int) -> None:
    """Give the loader a seed of its own for what follows after an epoch; costs a restart of the workers."""
    loader.generator.manual_seed(seed * _STRIDE + epoch + 1)
    loader.reset()


def restore(loader: Any, saved: Mapping[str, Any]) -> list[str]:
    """Put a new loader where the saved one stood; return what could not be brought back, as sentences."""
    if saved["images"] != len(loader.dataset):
        return [f"the data set had {saved['images']} images and has {len(loader.dataset)}: its order begins anew"]
    generator = getattr(loader, "generator", None)
    if generator is None or saved["generator"] is None:
        return ["the loader has no generator of its own: the order of the images is another"]
    notes: list[str] = []
    if not loader.num_workers:
        _load_buffer(loader.dataset, saved["buffer"])
    if saved["fresh"]:
        loader.reset()
    elif loader.num_workers or saved["workers"]:
        notes.append("the loader has workers: the order of the images is another (see exact_loader)")
    else:
        loader.iterator = loader._get_iterator()
        # At the end of an epoch the sampler is not at its beginning: what it draws there depends on the batch size.
        for _ in range(len(loader)):
            next(loader.iterator._sampler_iter)
    generator.set_state(saved["generator"])
    return notes


def _load_buffer(dataset: Any, order: list[int]) -> None:
    if not order or not hasattr(dataset, "load_image") or getattr(dataset, "cache", None) == "ram":
        return
    dataset.buffer = []
    for index in order:
        dataset.load_image(index)


def without_next_reset(trainer: Any) -> None:
    """Let the trainer close mosaic once without beginning the loader anew: the saved loader had done both before."""
    close = trainer._close_dataloader_mosaic

    def close_mosaic() -> None:
        trainer._close_dataloader_mosaic = close
        close()
        loader = trainer.train_loader
        loader.reset = lambda: delattr(loader, "reset")

    trainer._close_dataloader_mosaic = close_mosaic

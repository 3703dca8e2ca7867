"""Which samples of a validation set are trained on, told from what two data sets hold, without drawing a sample from either.

Nothing is loaded, augmented or iterated: no random number is drawn, no worker is started. What can be compared:

* one data set behind both (loaders, ``Subset``, ``ConcatDataset`` and samplers with ``indices`` are looked through; behind a
  sampler that may leave samples out in another way nothing is told): the indices,
* sets that list their files (``ImageFolder``, Ultralytics' own, any list of existing paths as long as the set): the paths,
* sets in memory (tensors, arrays, ``TensorDataset``, any array with a row per sample): the rows, byte for byte.

A row or path that the training set holds twice is no evidence, because data with few values repeat by nature. Copies that
were resized, recoded or renamed are not seen.

Cost: once, before the training; a million paths or rows take about a second, and arrays above ``MOST_BYTES`` or on a
device are not read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

MOST_BYTES: Final = 512 << 20
"""Bytes of an array at most that are read."""
DEPTH: Final = 10
"""Wrappers at most that are looked through."""
WHOLE: Final = ("SequentialSampler", "RandomSampler", "DistributedSampler")
"""PyTorch's samplers that take every sample of a set, on one process or the other; any other may leave some out."""

PATH_AND_TARGET: Final = 2
"""Entries of a listed sample of which the first names it alone."""

Indices = npt.NDArray[np.int64]


class Part(NamedTuple):
    """Samples of one data set that holds them itself.

    Attributes:
        base: The data set, or the tensor or array.
        indices: Which of its samples, shape (n,).
    """

    base: Any
    indices: Indices


def compared(train: Any, val: Any) -> dict[str, Any]:
    """Describe two sets of samples, for the entry ``dataset`` of ``run.json``.

    Args:
        train: What is trained on: a loader, a data set, a tensor, an array, or a tuple of these with the inputs first.
        val: What is validated on, likewise.

    Returns:
        ``train_images`` and ``val_images`` (samples of any kind), ``val_images_trained_on`` (None if that cannot be told),
        and ``compared_by`` (``index``, ``file`` or ``row``), of those found or else of the last that was tried.
    """
    ours, theirs = list(_parts(train)), list(_parts(val))
    both, by, unknown = 0, None, not ours or not theirs
    for part in theirs:
        held = np.zeros(len(part.indices), bool)
        for other in ours:
            mask, how = _trained_on(other, part)
            unknown |= mask is None
            if mask is not None:
                held |= mask
                by = how if mask.any() or by is None else by
        both += int(held.sum())
    return {
        "train_images": _count(ours),
        "val_images": _count(theirs),
        "val_images_trained_on": None if unknown and not both else both,
        "compared_by": by,
    }


def _count(parts: Sequence[Part]) -> int:
    return sum(len(p.indices) for p in parts)


def _parts(data: Any, indices: Indices | None = None, depth: int = 0) -> Iterator[Part]:
    """Look through loaders, subsets and concatenations."""
    if depth > DEPTH:
        return
    if isinstance(data, Mapping):  # loaders by name
        data = list(data.values())
    listed = isinstance(data, tuple | list) and len(data) > 0
    several = data if listed and not _is_array(data[0]) else getattr(data, "datasets", None)
    if isinstance(several, list | tuple) and all(hasattr(d, "__len__") for d in several):
        yield from _each(several, indices, depth)
        return
    tensors = data if listed else getattr(data, "tensors", None)
    if isinstance(tensors, tuple | list) and tensors:
        yield from _parts(tensors[0], indices, depth + 1)  # the inputs; behind them the targets
        return
    inner, chosen = _behind(data)
    if inner is not None:
        every = chosen if indices is None or chosen is None else chosen[indices]
        yield from _parts(inner, indices if every is None else every, depth + 1)
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):  # the length of a loader counts batches
        yield Part(data, np.arange(len(data)) if indices is None else indices)


def _behind(data: Any) -> tuple[Any, Indices | None]:
    """Return the data set behind a loader or a subset, and which of its samples; nothing where it may choose in its own way."""
    inner = getattr(data, "dataset", None)
    if inner is None:
        return None, None
    loader = hasattr(data, "sampler") and hasattr(data, "batch_size")
    chooser = _sampler(data) if loader else data
    chosen = getattr(chooser, "indices", None)
    if chosen is None and getattr(chooser, "weights", None) is not None:
        chosen = np.flatnonzero(np.asarray(chooser.weights))
    if chosen is not None:
        return inner, np.asarray(chosen, np.int64)
    every = (loader and type(chooser).__name__ in WHOLE) or 0 <= _length(inner) == _length(chooser)
    return (inner, None) if every else (None, None)


def _sampler(loader: Any) -> Any:
    """Return what chooses a loader's samples, behind what makes batches of them or repeats them."""
    chooser = loader
    for _ in range(DEPTH):
        behind = (getattr(chooser, name, None) for name in ("batch_sampler", "sampler"))
        inner = next((b for b in behind if b is not None), None)
        if inner is None or (chooser is not loader and getattr(chooser, "indices", None) is not None):
            break
        chooser = inner
    return chooser


def _each(several: Sequence[Any], indices: Indices | None, depth: int) -> Iterator[Part]:
    """Look through the data sets of a concatenation, which number their samples one after another."""
    begin = 0
    for data in several:
        end = begin + len(data)
        own = None if indices is None else indices[(indices >= begin) & (indices < end)] - begin
        yield from _parts(data, own, depth + 1)
        begin = end


def _trained_on(train: Part, val: Part) -> tuple[npt.NDArray[np.bool_] | None, str | None]:
    """Mark the validation samples that are trained on, and say by what; None if it cannot be told."""
    if train.base is val.base:
        return np.isin(val.indices, train.indices), "index"
    ours, theirs = _files(train.base), _files(val.base)
    if ours is not None and theirs is not None:
        return _held([ours[i] for i in train.indices], [theirs[i] for i in val.indices]), "file"
    a, b = _array(train.base), _array(val.base)
    if a is None or b is None or a.shape[1:] != b.shape[1:] or a.dtype != b.dtype:
        return None, None
    return _held([hash(a[i].tobytes()) for i in train.indices], [hash(b[i].tobytes()) for i in val.indices]), "row"


def _held(train: Sequence[Hashable], val: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
    times = Counter(train)
    return np.array([times[v] == 1 for v in val], bool)


def _files(base: Any) -> list[str] | None:
    """Return the path of each sample, if a set lists them and the first exists.

    What stands behind a path and its target belongs to the name: a part of a recording, say.
    """
    own = [getattr(base, name, None) for name in ("im_files", "samples")]
    for listed in (*own, *getattr(base, "__dict__", {}).values()):
        if not isinstance(listed, list | tuple) or not len(listed) or len(listed) != _length(base):
            continue
        paths = [item[0] if isinstance(item, tuple | list) and item else item for item in listed]
        if all(isinstance(p, str | Path) for p in paths) and os.path.exists(paths[0]):
            more = [isinstance(item, tuple | list) and len(item) > PATH_AND_TARGET for item in listed]
            return [repr(item) if m else str(p) for item, p, m in zip(listed, paths, more, strict=True)]
    return None


def _array(base: Any) -> npt.NDArray[Any] | None:
    """Return the samples of a set as rows in the memory of the host; of several arrays the largest."""
    every = [base, *getattr(base, "__dict__", {}).values()] if not _is_array(base) else [base]
    held = [a for a in every if _is_array(a) and len(a.shape) > 1 and len(a) == _length(base)]
    found = [a for a in map(_on_host, held) if a is not None]
    return max(found, key=lambda a: a.nbytes) if found else None


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (hasattr(value, "detach") and hasattr(value, "shape"))


def _on_host(value: Any) -> npt.NDArray[Any] | None:
    if isinstance(value, np.ndarray):
        return value if value.nbytes <= MOST_BYTES and not value.dtype.hasobject else None
    import torch

    if (
        value.device.type != "cpu"
        or value.layout != torch.strided
        or value.element_size() * value.nelement() > MOST_BYTES
    ):
        return None
    plain = value.detach()
    rows: npt.NDArray[Any] = (plain.view(torch.int16) if plain.dtype == torch.bfloat16 else plain).numpy()
    return rows


def _length(base: Any) -> int:
    return len(base) if hasattr(base, "__len__") else -1

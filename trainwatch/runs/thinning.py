"""A record too long to be held: a sample of its steps, every step around what stands out, and each column's extremes.

Two passes over the segments, one in memory at a time. The first samples rows by a hash of the step, so that no period of
the data is caught or missed and all ranks keep the same steps; it keeps each column's smallest and largest value of some
hundred stretches of the record; and it gathers per block and column: extremes, median, the first value that is no number,
and the tightest group of three large values. From these follow the places that stand out against the column's own other
blocks. The second pass reads those places whole, with as much of their past as a detector looks at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainwatch.runs.columns import Columns, Piece, nothing

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Row = dict[str, Piece]
Segment = tuple[Row, int]

NOT_WATCHED: Final = ("step", "epoch", "attempt", "batch", "rank", "time_s")
"""Columns that grow or repeat by design: nothing in them stands out."""

FIRST: Final = ("loss", "grad_norm", "amp_scale", "amp_skipped")
"""Columns, and families, whose places are read before those of all others."""

MAX_EVERY: Final = 2**24
"""Bits of the hash that are used."""

HASH: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: neighbours are spread evenly


@dataclass(frozen=True)
class Resolution:
    """What of a long record is kept.

    Attributes:
        full_values: Rows times columns up to which a record is kept whole (1.2 million steps of 40 columns).
        sample_values: Rows times columns of the sample at most.
        least_columns: A row counts as at least so many values, for its keys and what is computed from it.
        block_rows: Rows per block.
        extremes: Stretches of which each column's extremes are kept, at least; twice as many at most.
        places: Places that are read whole at most.
        before: Steps read before a place: the past that a detector of bursts looks at (5000) and the window of its level.
        after: Steps read behind it.
        min_score: How far a block's value stands out at least, in units of what its column's blocks show typically.
        near_rows: Rows within which three large values are a group.
    """

    full_values: int = 48_000_000
    sample_values: int = 12_000_000
    least_columns: int = 32
    block_rows: int = 4096
    extremes: int = 200
    places: int = 16
    before: int = 5500
    after: int = 1500
    min_score: float = 1.5
    near_rows: int = 50

    def values(self, rows: int, columns: int) -> int:
        """Return what a table counts."""
        return rows * max(columns, self.least_columns)


@dataclass
class _Kept:
    """Rows that were kept of one rank: their columns, numbers in the record, steps, and hashes."""

    columns: Row
    row: Ints
    step: Ints
    hash: npt.NDArray[np.uint64]

    def take(self, rows: Any) -> _Kept:
        return _Kept(
            {n: p.take(rows) for n, p in self.columns.items()}, self.row[rows], self.step[rows], self.hash[rows]
        )


@dataclass
class _Extremes:
    """The rows of each column's extremes in one stretch."""

    kept: _Kept
    blocks: int = 1


@dataclass
class _Rank:
    rows: int = 0
    last_step: int = -1
    last_key: tuple[int, int] = (-1, -1)
    kept: list[_Kept] = field(default_factory=list)
    extremes: list[_Extremes] = field(default_factory=list)
    blocks: list[dict[str, tuple[float, ...]]] = field(default_factory=list)
    segments: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Index of the segment, its first row, smallest and largest step."""


def thin(
    read: Callable[[], Iterable[tuple[int, int, Segment]]],
    again: Callable[[int], Segment],
    order: Any,
    resolution: Resolution,
) -> tuple[Columns, int, int]:
    """Reduce a record.

    Args:
        read: Yields rank, index of the segment and its rows, ranks one after the other, each in order.
        again: Reads a segment once more, by its index.
        order: Sort key of a column's name.
        resolution: What is kept.

    Returns:
        Rows in the order of the record, one step in how many was sampled, and the number of places read whole.
    """
    ranks: dict[int, _Rank] = {}
    every = 1
    for number, index, (columns, n) in read():
        rank = ranks.setdefault(number, _Rank())
        step = _step(columns, n, rank.rows)
        if not n:
            continue
        rank.segments.append((index, rank.rows, int(step.min()), int(step.max())))
        hashes = _hashes(rank, columns, step, resolution)
        for start in range(0, n, resolution.block_rows):
            part = slice(start, min(start + resolution.block_rows, n))
            rows = np.arange(rank.rows + part.start, rank.rows + part.stop)
            block = _Kept({c: p.take(part) for c, p in columns.items()}, rows, step[part], hashes[part])
            rank.kept.append(block.take(np.flatnonzero(block.hash % np.uint64(every) == 0)))
            rank.blocks.append(_measure(rank, block, resolution))
        rank.rows += n
        rank.last_step = int(step[-1])
        while _values(ranks, resolution) > resolution.sample_values and every < MAX_EVERY:
            every *= 2
            for other in ranks.values():
                whole = _together(other.kept)
                other.kept = [whole.take(np.flatnonzero(whole.hash % np.uint64(every) == 0))]
        if len(rank.kept) > 256:
            rank.kept = [_together(rank.kept)]
    places = _places(ranks, resolution)
    for rank in ranks.values():
        rank.kept += _whole(rank, places, again)
    return _columns(ranks, order), every, len(places)


def _values(ranks: Mapping[int, _Rank], resolution: Resolution) -> int:
    return sum(resolution.values(len(k.row), len(k.columns)) for r in ranks.values() for k in r.kept)


def _step(columns: Row, n: int, first_row: int) -> Ints:
    rows = np.arange(first_row, first_row + n)
    return Columns(list(columns), [(columns, n)]).key("step") if "step" in columns else rows


def _hashes(rank: _Rank, columns: Row, step: Ints, resolution: Resolution) -> npt.NDArray[np.uint64]:
    """Hash the steps; 0, which stays in every sample, for the first steps of the record and the first of each epoch."""
    hashes = (step.astype(np.uint64) * HASH) >> np.uint64(40)
    keys = Columns(list(columns), [(columns, len(step))])
    epoch, attempt = keys.key("epoch"), keys.key("attempt")
    first = np.diff(epoch, prepend=rank.last_key[0]) != 0
    first |= np.diff(attempt, prepend=rank.last_key[1]) != 0
    rank.last_key = int(epoch[-1]), int(attempt[-1])
    if first.mean() < 0.01:  # epochs of a few steps need no such care
        hashes[first] = 0
    hashes[: max(resolution.before - rank.rows, 0)] = 0
    return hashes


def _measure(rank: _Rank, block: _Kept, resolution: Resolution) -> dict[str, tuple[float, ...]]:
    """Gather what a block shows, per column, and keep the rows of the extremes."""
    found: dict[str, tuple[float, ...]] = {}
    rows: set[int] = set()
    for name, piece in block.columns.items():
        if name in NOT_WATCHED:
            continue
        values = piece.floats()
        finite = np.isfinite(values)
        known = finite if piece.measured is None else finite | ~piece.measured
        bad = np.flatnonzero(~known)
        first, last = (float(block.step[bad[0]]), float(block.step[bad[-1]])) if len(bad) else (-1.0, -1.0)
        at = np.arange(len(values)) if finite.all() else np.flatnonzero(finite)
        if not len(at):
            found[name] = (np.nan, np.nan, np.nan, -1.0, -1.0, np.nan, -1.0, first, last)
            continue
        y = values[at]
        low, high = int(y.argmin()), int(y.argmax())
        rows |= {int(at[low]), int(at[high])}
        middle = float(y[low]) if y[low] == y[high] else float(np.partition(y, len(y) // 2)[len(y) // 2])
        group, where = (middle, high) if y[low] == y[high] else _group(y, resolution.near_rows)
        steps = block.step[at]
        found[name] = (
            float(y[low]), float(y[high]), middle, float(steps[low]), float(steps[high]), group, float(steps[where]), first, last,
        )  # fmt: skip
    _keep_extremes(rank, block.take(np.asarray(sorted(rows), np.int64)), resolution)
    return found


def _group(y: Floats, near: int, largest: int = 16) -> tuple[float, int]:
    """Return the largest value that three values within so many rows reach, and the first of the three."""
    if len(y) <= largest:
        return float(y.min()), 0
    top = np.sort(np.argpartition(y, -largest)[-largest:])
    best, where = float(y.min()), 0
    for a, b, c in zip(top, top[1:], top[2:], strict=False):
        if c - a < near and (least := float(min(y[a], y[b], y[c]))) > best:
            best, where = least, int(a)
    return best, where


def _keep_extremes(rank: _Rank, rows: _Kept, resolution: Resolution) -> None:
    span = rank.extremes[0].blocks if rank.extremes else 1
    if rank.extremes and rank.extremes[-1].blocks < span:
        rank.extremes[-1] = _merged(rank.extremes[-1], _Extremes(rows))
    else:
        rank.extremes.append(_Extremes(rows))
    if len(rank.extremes) > 2 * resolution.extremes:
        pairs = itertools.zip_longest(rank.extremes[::2], rank.extremes[1::2])
        rank.extremes = [a if b is None else _merged(a, b) for a, b in pairs]


def _merged(a: _Extremes, b: _Extremes) -> _Extremes:
    both = _together([a.kept, b.kept])
    rows: set[int] = set()
    for name, piece in both.columns.items():
        values = piece.floats()
        if name not in NOT_WATCHED and np.isfinite(values).any():
            finite = np.isfinite(values)
            rows |= {int(np.where(finite, values, np.inf).argmin()), int(np.where(finite, values, -np.inf).argmax())}
    return _Extremes(both.take(np.asarray(sorted(rows), np.int64)), a.blocks + b.blocks)


def _together(parts: Sequence[_Kept]) -> _Kept:
    names = dict.fromkeys(n for p in parts for n in p.columns)
    columns = {n: _joined([p.columns.get(n) or nothing(len(p.row)) for p in parts]) for n in names}
    return _Kept(columns, *(np.concatenate([getattr(p, a) for p in parts]) for a in ("row", "step", "hash")))


def _joined(parts: Sequence[Piece]) -> Piece:
    typed = [p for p in parts if p.measured is None or p.measured.any()] or parts[:1]
    dtype = np.result_type(*{p.values.dtype for p in typed})
    values = np.concatenate([p.values.astype(dtype, copy=False) for p in parts])
    if all(p.measured is None for p in parts):
        return Piece(values)
    masks = [np.ones(len(p.values), bool) if p.measured is None else p.measured for p in parts]
    return Piece(values, np.concatenate(masks))


def _places(ranks: Mapping[int, _Rank], resolution: Resolution) -> list[tuple[int, int]]:
    """Return the ranges of steps to be read whole: the ends, and what stands out most or first."""
    found: list[tuple[bool, float, int, int]] = []
    ends: list[tuple[int, int]] = []
    for rank in ranks.values():
        ends.append((rank.last_step - resolution.before, rank.last_step))
        names = dict.fromkeys(n for b in rank.blocks for n in b)
        for name in names:
            empty = (np.nan, np.nan, np.nan, -1.0, -1.0, np.nan, -1.0, -1.0, -1.0)
            stats = np.asarray([b.get(name, empty) for b in rank.blocks])
            second = not (name in FIRST or name.split("/", 1)[0] in FIRST[:2])
            found += [(second, -score, a, b) for score, a, b in _standing_out(stats, resolution)]
    chosen = [(low - resolution.before, high + resolution.after) for _, _, low, high in sorted(found)]
    places: list[tuple[int, int]] = []
    for low, high in chosen:
        if any(a <= low + resolution.before and high - resolution.after <= b for a, b in places):
            continue
        places.append((low, high))
        if len(places) == resolution.places:
            break
    return _disjoint([*places, *ends])


def _standing_out(stats: Floats, resolution: Resolution) -> list[tuple[float, int, int]]:
    """Return score, first and last step of the places of one column, from its blocks (shape (blocks, 9))."""
    low, high, middle, low_at, high_at, group, group_at, first_bad, last_bad = stats.T
    found: list[tuple[float, int, int]] = []
    bad = first_bad >= 0
    began = np.flatnonzero(bad & ~np.concatenate([[False], bad[:-1]]))
    ended = np.flatnonzero(bad & ~np.concatenate([bad[1:], [True]]))
    found += [(np.inf, int(first_bad[i]), int(first_bad[i])) for i in began[:2]]
    found += [(1e9, int(last_bad[i]), int(last_bad[i])) for i in ended[-1:]]
    if np.nanmin(low, initial=np.inf) > 0:
        low, high, middle, group = np.log(low), np.log(high), np.log(middle), np.log(group)
    with np.errstate(invalid="ignore"):
        shift = np.abs(np.diff(middle, prepend=middle[0]))
        block_from = np.concatenate([[low_at[0]], np.minimum(low_at, high_at)[:-1]])
        block_to = np.maximum(low_at, high_at)
        for distance, start, stop in (
            (high - middle, high_at, high_at),
            (middle - low, low_at, low_at),
            (group - middle, group_at, group_at),
            (shift, block_from, block_to),
        ):
            found += _farthest(distance, start, stop, resolution.min_score)
    return found


def _farthest(distance: Floats, start: Floats, stop: Floats, least: float) -> list[tuple[float, int, int]]:
    """Return the block that stands out most, the first that does half as much, and the first that does at all."""
    known = distance[np.isfinite(distance)]
    if not len(known) or not known.max() > 0:
        return []
    typical = float(np.median(known))
    score = np.nan_to_num(distance, nan=0.0) / (typical if typical > 0 else 1e-3 * float(known.max()))
    top = float(score.max())
    if top < least:
        return []
    at = {int(score.argmax()), int(np.argmax(score >= max(top / 2, least))), int(np.argmax(score >= least))}
    return [(float(score[i]), int(start[i]), int(stop[i])) for i in sorted(at)]


def _disjoint(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(places):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged


def _whole(rank: _Rank, places: Sequence[tuple[int, int]], again: Callable[[int], Segment]) -> list[_Kept]:
    kept = []
    for index, first_row, least, most in rank.segments:
        inside = [(a, b) for a, b in places if a <= most and b >= least]
        if not inside:
            continue
        columns, n = again(index)
        step = _step(columns, n, first_row)
        rows = np.flatnonzero(np.any([(step >= a) & (step <= b) for a, b in inside], axis=0))
        all_rows = np.arange(first_row, first_row + n)
        kept.append(_Kept(columns, all_rows, step, np.zeros(n, np.uint64)).take(rows))
    return kept


def _columns(ranks: Mapping[int, _Rank], order: Any) -> Columns:
    pieces: list[Segment] = []
    numbers: list[Ints] = []
    for rank in ranks.values():
        whole = _together([*rank.kept, *(e.kept for e in rank.extremes)])
        row, index = np.unique(whole.row, return_index=True)
        pieces.append((whole.take(index).columns, len(row)))
        numbers.append(row)
    names = dict.fromkeys(n for columns, _ in pieces for n in columns)
    return Columns(sorted(names, key=order), pieces, np.concatenate(numbers) if numbers else None)

from __future__ import annotations

import numpy as np
import pyarrow as pa

from trainwatch.runs.columns import JOINED, memory_of, of_table, of_tables


def tables() -> list[pa.Table]:
    first = {"step": [0, 1, 2], "loss": pa.array([1.0, None, 3.0], pa.float32()), "gain": [2.0] * 3, "name": ["a"] * 3}
    second = {"step": [3, 4], "loss": pa.array([4.0, float("nan")], pa.float64()), "extra": [True, False]}
    return [pa.table(first), pa.table(second)]


def test_pieces_with_other_columns_and_types_are_joined() -> None:
    columns = of_tables(tables(), order=str)
    assert columns.names == ["extra", "gain", "loss", "step"], "text is no column of numbers"
    assert columns.num_rows == 5
    loss, measured = columns.values("loss"), columns.measured("loss")
    assert np.array_equal(loss, [1.0, np.nan, 3.0, 4.0, np.nan], equal_nan=True)
    assert measured is not None
    assert measured.tolist() == [True, False, True, True, True], "a measured NaN is measured"
    assert columns.measured("step") is None
    assert columns.key("step").tolist() == [0, 1, 2, 3, 4]
    assert columns.key("attempt").tolist() == [0] * 5, "a key that was not recorded"


def test_a_constant_takes_the_memory_of_one_value() -> None:
    columns = of_tables([pa.table({"gain": np.full(4096, 7.5)})], order=str)
    values = columns.pieces[0][0]["gain"].values
    assert values.strides == (0,)
    assert columns.values("gain").tolist() == [7.5] * 4096


def test_segments_are_joined_and_a_constant_of_all_is_one_value() -> None:
    segments = [
        pa.table({"step": np.arange(9) + 9 * i, "gain": np.full(9, 2.0), "lr": np.full(9, 1.0 * i)}) for i in range(70)
    ]
    columns = of_tables(segments, order=str)
    assert len(columns.pieces) == -(-70 // JOINED)
    assert columns.key("step").tolist() == list(range(630))
    assert columns.values("lr").tolist() == np.repeat(np.arange(70.0), 9).tolist()
    gain = columns.values("gain")
    assert gain.tolist() == [2.0] * 630
    assert gain.strides == (0,)
    assert memory_of(gain) == 8
    odd = [*segments[:3], pa.table({"step": [27], "extra": [1.0]}), *segments[3:]]
    assert of_tables(odd, order=str).num_rows == 631, "columns that differ are kept apart"
    assert np.isnan(of_tables(odd, order=str).values("gain")).sum() == 1


def test_what_was_not_measured_stays_so_when_joined() -> None:
    columns = of_tables([pa.table({"loss": pa.array([1.0, None])}), pa.table({"loss": [3.0, 4.0]})], order=str)
    measured = columns.measured("loss")
    assert len(columns.pieces) == 1
    assert measured is not None
    assert measured.tolist() == [True, False, True, True]


def test_the_way_back_to_arrow() -> None:
    whole = pa.concat_tables([t.drop_columns("name") if "name" in t.column_names else t for t in tables()],
                             promote_options="permissive")  # fmt: skip
    back = of_tables(tables(), order=str).table()
    for name in whole.column_names:
        assert str(back[name].type) == str(whole[name].type)
        assert str(back[name].to_pylist()) == str(whole[name].to_pylist())


def test_rows_are_taken() -> None:
    columns = of_table(pa.table({"step": [0, 1, 2, 3], "loss": [1.0, None, 3.0, 4.0]}))
    kept = columns.take(np.array([False, True, True, False]))
    assert kept.num_rows == 2
    assert kept.key("step").tolist() == [1, 2]
    assert kept.measured("loss").tolist() == [False, True]


def test_keys_that_are_no_numbers_are_missing() -> None:
    columns = of_table(pa.table({"step": pa.array([0.0, float("nan"), None, 1e300])}))
    assert columns.key("step").tolist() == [0, -1, -1, -1]

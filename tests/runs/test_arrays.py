from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from trainwatch.runs.arrays import floats, floats_in, integers, integers_in, measured_in, raw_chunk


def test_null_and_nan_are_kept_apart() -> None:
    column = pa.chunked_array([floats([1.0, None, math.nan, math.inf])])
    assert column.null_count == 1
    assert measured_in(column).tolist() == [True, False, True, True]
    assert np.isnan(floats_in(column)).tolist() == [False, True, True, False]
    assert integers([1, None, 3]).to_pylist() == [1, None, 3]
    assert floats(np.arange(3.0), np.array([True, False, True])).to_pylist() == [0.0, None, 2.0]


TYPES = [pa.float64(), pa.float32(), pa.int64(), pa.int32(), pa.int8(), pa.uint16(), pa.bool_(), pa.float16()]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("holes", [0.0, 0.4])
def test_as_pyarrow_does(dtype: pa.DataType, holes: float) -> None:
    rng = np.random.default_rng(0)
    chunks = []
    for n in (0, 1, 9, 100):
        values = rng.integers(0, 2, n + 3).astype(np.float64)
        chunks.append(pa.array(values, mask=rng.random(n + 3) < holes).cast(dtype)[3:])
    column = pa.chunked_array(chunks)
    expected = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    assert np.array_equal(floats_in(column), expected, equal_nan=True)
    assert measured_in(column).tolist() == pc.is_valid(column).to_pylist()
    if dtype != pa.float16():
        assert integers_in(column).tolist() == [int(v or 0) for v in column.to_pylist()]


def test_a_column_without_any_type() -> None:
    column = pa.chunked_array([pa.nulls(3)])
    assert not measured_in(column).any()
    assert np.isnan(floats_in(column)).all()
    assert len(raw_chunk(pa.array([], pa.float32()))) == 0


def test_pandas_is_not_imported() -> None:
    code = (
        "import sys; from trainwatch.runs.arrays import *; import pyarrow as pa;"
        "c = pa.chunked_array([floats([1.0, None]), floats([2.0])]); floats_in(c), measured_in(c), integers([1]);"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

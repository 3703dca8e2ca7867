from __future__ import annotations

from advising import advise, new

from trainwatch.advice.allocator_setting import AllocatorSetting
from trainwatch.result import Context

A = AllocatorSetting()


def test_the_variable_and_sizes_that_vary() -> None:
    found = advise(A, "memory-fragmentation", multi_scale=0.5, rect=True)
    assert new(found) == {"multi_scale": 0.0, "rect": False}
    assert found is not None
    assert "PYTORCH_ALLOC_CONF" in found.steps[0]


def test_own_loops_get_the_variable() -> None:
    found = advise(A, "memory-fragmentation", context={"trainer": "loop"}, rect=True)
    assert new(found) == {}
    assert found is not None
    assert found.steps
    assert A.advise([], Context()) is None
    assert advise(A, "memory-creep", rect=True) is None

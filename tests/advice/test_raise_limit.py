from __future__ import annotations

import pytest
from advising import advise

from trainwatch.advice.raise_limit import RaiseLimit

A = RaiseLimit()


@pytest.mark.parametrize(
    ("limit", "said"), [("address_space", "`ulimit -v unlimited`"), ("container", "`docker run --memory`")]
)
def test_a_limit_that_is_not_the_machines_is_lifted(limit: str, said: str) -> None:
    found = advise(A, "out-of-memory", detail={"place": "host", "limit": limit})
    assert found is not None
    assert said in found.steps[0]
    assert found.changes == ()


def test_the_machines_own_memory_and_a_device_have_no_such_limit() -> None:
    assert advise(A, "out-of-memory", detail={"place": "host", "limit": "machine"}) is None
    assert advise(A, "out-of-memory", detail={"place": "device", "limit": None}) is None
    assert advise(A, "host-memory-creep", detail={"limit": "container"}) is None

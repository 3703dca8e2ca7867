from __future__ import annotations

from advising import advise
from synthetic import make_finding

from trainwatch.advice.reduce_memory import ReduceMemory
from trainwatch.result import Context


def test_a_leak_is_code_not_an_argument() -> None:
    leak = [make_finding("host-memory-creep", "critical", detail={"kind": "leak"})]
    found = ReduceMemory().advise(leak, Context(args={"cache": False, "workers": 0}))
    assert found is not None
    assert found.changes == ()
    assert any("detach" in step for step in found.steps)


def test_what_holds_host_memory_is_dropped() -> None:
    leak = [make_finding("host-memory-creep", "warning", detail={"kind": "leak"})]
    found = ReduceMemory().advise(leak, Context(args={"cache": "ram", "workers": 8}))
    assert found is not None
    assert {c.arg: c.new for c in found.changes} == {"cache": False, "workers": 2}


def test_device_memory_gets_the_allocator_setting() -> None:
    full = [make_finding("out-of-memory", "critical", detail={"place": "device"})]
    found = ReduceMemory().advise(full, Context(args={"multi_scale": 0.5}))
    assert found is not None
    assert {c.arg: c.new for c in found.changes} == {"multi_scale": 0.0}
    assert any("expandable_segments" in step for step in found.steps)


def test_own_loops_hear_of_the_leak_too() -> None:
    leak = [make_finding("host-memory-creep", "critical", detail={"kind": "leak"})]
    found = ReduceMemory().advise(leak, Context(trainer="loop"))
    assert found is not None
    assert not any("trainer.loss" in step or "last.pt" in step for step in found.steps), "a loop has neither"


def test_what_ran_out_is_expected_to_fit_and_what_grows_to_stay_flat() -> None:
    out = advise(ReduceMemory(), "out-of-memory", multi_scale=0.5)
    grows = advise(ReduceMemory(), "memory-creep", detail={"kind": "leak"})
    assert out is not None
    assert "passes the step at which it ended" in out.expected
    assert grows is not None
    assert "stays flat" in grows.expected

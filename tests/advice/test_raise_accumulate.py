from __future__ import annotations

from synthetic import make_finding

from trainwatch.advice.raise_accumulate import RaiseAccumulate
from trainwatch.result import Context

OOM = [make_finding("out-of-memory", "critical")]


def changes(args: dict[str, object], **context: object) -> dict[str, object]:
    found = RaiseAccumulate().advise(OOM, Context(args=args, **context))
    return {} if found is None else {c.arg: c.new for c in found.changes}


def test_the_effective_batch_is_kept() -> None:
    assert changes({"batch": 256, "nbs": 64}) == {"batch": 128, "nbs": 256}
    assert changes({"batch": 64, "nbs": 64}) == {"batch": 32}
    assert changes({"batch": 16, "nbs": 64}) == {"batch": 8}
    assert changes({"batch": 16, "nbs": 60}, accumulate=4) == {"batch": 8, "nbs": 64}


def test_nothing_below_one_and_nothing_without_a_number() -> None:
    assert changes({"batch": 1}) == {}
    assert changes({"batch": -1}) == {}
    assert changes({"batch": 0.7}) == {}


def test_a_leak_is_only_delayed() -> None:
    leak = [make_finding("memory-creep", "critical", detail={"kind": "leak"})]
    found = RaiseAccumulate().advise(leak, Context(args={"batch": 16}))
    sure = RaiseAccumulate().advise(OOM, Context(args={"batch": 16}))
    assert found is not None
    assert sure is not None
    assert found.confidence < sure.confidence


def test_near_the_limit_of_the_device_but_not_of_the_host() -> None:
    from synthetic import make_finding

    from trainwatch.advice.raise_accumulate import RaiseAccumulate
    from trainwatch.result import Context

    context = Context(args={"batch": 16, "nbs": 64})
    device = RaiseAccumulate().advise([make_finding("near-memory-limit", detail={"place": "device"})], context)
    assert device is not None
    assert "hardly fits" in device.why
    assert device.confidence < 0.85
    assert RaiseAccumulate().advise([make_finding("near-memory-limit", detail={"place": "host"})], context) is None

"""cache: when it clears, what it records, and the allocator's environment."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainwatch_hooks.stabilisers import cache
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Control, SettingsError
from trainwatch_hooks.stabilisers.cache import STEPS_PER_READING, Cache, Memory, Settings, allocator_environment

GIB = 2**30


class Recorded:
    """A device that returns recorded counters."""

    def __init__(self, readings: list[Memory]) -> None:
        self.readings: Iterator[Memory] = iter(readings)
        self.now = Memory(0, 0, 0)
        self.emptied = 0

    def read(self) -> Memory:
        self.now = next(self.readings, self.now)
        return self.now

    def empty(self) -> None:
        self.emptied += 1


class Record:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.recorder = self

    def event(self, kind: str, message: str, **data: Any) -> None:
        self.events.append((kind, message, data))


def started(
    monkeypatch: pytest.MonkeyPatch, readings: list[Memory] | None, epochs: int = 600, **settings: Any
) -> tuple[Cache, Control, Any]:
    device = None if readings is None else Recorded(readings)
    monkeypatch.setattr(cache, "device_memory", lambda _: device)
    monkeypatch.setattr(cache, "allocator_environment", lambda: {})
    stabiliser = Cache(Settings(**settings))
    control = Control(SimpleNamespace(device=None, epoch=0, epochs=epochs), Record(), Path())
    stabiliser.setup(control)
    return stabiliser, control, device


def read_times(stabiliser: Cache, control: Control, readings: int) -> None:
    for _ in range(readings * STEPS_PER_READING):
        stabiliser.batch_end(control)


LOOSE = Memory(10 * GIB, 1 * GIB, 5 * GIB)
TIGHT = Memory(10 * GIB, 1 * GIB, 9 * GIB)


def test_by_the_calendar_and_not_after_the_last_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    stabiliser, control, device = started(monkeypatch, [TIGHT])
    at = []
    for epoch in range(600):
        control.trainer.epoch = epoch
        stabiliser.epoch_end(control)
        if device.emptied > len(at):
            at.append(epoch + 1)
    assert at == list(range(50, 600, 50))


def test_never_by_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    stabiliser, control, device = started(monkeypatch, [TIGHT], every=0)
    for control.trainer.epoch in range(200):
        stabiliser.epoch_end(control)
    assert device.emptied == 0


def test_when_the_share_stays_high_with_the_bytes_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    after = Memory(6 * GIB, 1 * GIB, 5 * GIB)
    stabiliser, control, device = started(monkeypatch, [LOOSE] * 51 + [after])
    read_times(stabiliser, control, 49)
    assert device.emptied == 0
    read_times(stabiliser, control, 1)
    assert device.emptied == 1
    ((kind, message, data),) = control.session.events
    assert kind == "intervention"
    assert "50% of the reserved memory" in message
    assert (data["reserved_bytes_before"], data["reserved_bytes_after"]) == (10 * GIB, 6 * GIB)
    assert (data["allocated_bytes_before"], data["allocated_bytes_after"]) == (GIB, GIB)


def test_one_low_reading_begins_the_count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stabiliser, control, device = started(monkeypatch, ([LOOSE] * 49 + [TIGHT]) * 4)
    read_times(stabiliser, control, 200)
    assert device.emptied == 0


def test_a_healthy_training_between_two_steps_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 % of the memory is allocated after a step, since the activations are free; it will all be needed again."""
    stabiliser, control, device = started(monkeypatch, [TIGHT] * 1000)
    read_times(stabiliser, control, 1000)
    assert device.emptied == 0


def test_at_most_once_an_epoch_by_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    stabiliser, control, device = started(monkeypatch, [LOOSE])
    read_times(stabiliser, control, 500)
    assert device.emptied == 1
    control.trainer.epoch = 1
    read_times(stabiliser, control, 1)
    assert device.emptied == 2


def test_on_a_cpu_only_garbage_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    stabiliser, control, _ = started(monkeypatch, None, every=1)

    class Node:
        pass

    node = Node()
    node.itself = node  # type: ignore[attr-defined]
    gone = weakref.ref(node)
    gc.disable()
    try:
        del node
        assert gone() is not None
        stabiliser.batch_end(control)
        stabiliser.epoch_end(control)
        assert gone() is None
    finally:
        gc.enable()
    ((kind, message, data),) = control.session.events
    assert (kind, "garbage collected" in message) == ("intervention", True)
    assert data["objects"] > 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"every": -1}, "0 for never"), ({"threshold": 1.5}, "between 0 and 1"), ({"readings": 0}, "at least 1")],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse({"cache": settings})


@pytest.mark.parametrize(
    ("environment", "version", "platform", "expected"),
    [
        ({}, "2.14.1+cu130", "linux", {"PYTORCH_ALLOC_CONF": "expandable_segments:True"}),
        ({}, "2.9.0", "linux", {"PYTORCH_ALLOC_CONF": "expandable_segments:True"}),
        ({}, "2.8.1", "linux", {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}),
        ({}, "2.14.1", "win32", {}),
        ({}, "", "linux", {}),
        ({"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:False"}, "2.14.1", "linux", {}),
        ({"PYTORCH_ALLOC_CONF": "backend:cudaMallocAsync"}, "2.14.1", "linux", {}),
        (
            {"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:128"},
            "2.14.1",
            "linux",
            {"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:128,expandable_segments:True"},
        ),
    ],
)
def test_environment_of_the_allocator(
    environment: dict[str, str], version: str, platform: str, expected: dict[str, str]
) -> None:
    before = dict(environment)
    assert allocator_environment(environment, version=version, platform=platform) == expected
    assert environment == before
    assert allocator_environment({**environment, **expected}, version=version, platform=platform) == {}


def test_the_environment_is_found_without_importing_torch() -> None:
    code = (
        "import sys\n"
        "from trainwatch_hooks.stabilisers.cache import allocator_environment\n"
        "allocator_environment({})\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("wanted", [True, False])
def test_says_what_to_export(monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    monkeypatch.setattr(cache, "device_memory", lambda _: Recorded([TIGHT]))
    monkeypatch.setattr(cache, "allocator_environment", lambda: {"NAME": "value"})
    stabiliser = Cache(Settings(allocator=wanted))
    control = Control(SimpleNamespace(device=None, epoch=0, epochs=1), Record(), Path())
    stabiliser.setup(control)
    assert ["export NAME=value" in message for _, message, _ in control.session.events] == [True] * wanted


def test_the_allocator_of_this_torch_knows_the_name() -> None:
    torch = pytest.importorskip("torch")
    (name,) = allocator_environment({}, version=torch.__version__, platform="linux")
    library = Path(torch.__file__).parent / "lib" / "libc10.so"
    if not library.is_file():
        pytest.skip("no shared library to look into")
    assert name.encode() in library.read_bytes()


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    device = cache.device_memory(torch.device("cuda"))
    assert device is not None
    block = torch.empty(64 * 2**20, dtype=torch.uint8, device="cuda")
    del block
    before = device.read()
    device.empty()
    assert device.read().reserved < before.reserved
    assert before.peak >= 64 * 2**20


@pytest.mark.training
def test_a_training_on_a_cpu_is_bit_for_bit_the_stock_one(train: Callable[..., Any]) -> None:
    torch = pytest.importorskip("torch")
    from trainwatch.runs import read_run

    stock, ours = train(name="stock"), train(name="ours", stabilise={"cache": {"every": 1}})
    pairs = zip(stock.model.state_dict().values(), ours.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    (event,) = read_run(ours.save_dir).events_of("intervention")
    assert event["source"] == "stabiliser/cache"
    assert event["epoch"] == 0

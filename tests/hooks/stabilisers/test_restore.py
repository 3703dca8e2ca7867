"""What the callbacks do to the loop: waiting gradients, the optimizer's rhythm, the loader and the clock."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from trainers import Events, make_control, train_step

from trainwatch_hooks.stabilisers import _state
from trainwatch_hooks.stabilisers._restore import NotYet, Restore
from trainwatch_hooks.stabilisers.base import Control


def save(folder: Path, **more: Any) -> tuple[Path, Control]:
    """One epoch of three batches with a step after the first: two gradients wait."""
    control = make_control(folder / "a")
    for i in range(3):
        train_step(control, step=i == 0)
    list(control.trainer.train_loader)
    state = _state.capture(control, mid_epoch=False, fresh_loader=False) | {
        "args": {"lr0": 0.1},
        "stabilisers": {"settings": {}, "explicit": {}, "state": {"checkpoints": {"elapsed_s": 100.0}}},
        **more,
    }
    path = folder / "latest.pt"
    with open(path, "wb") as file:
        _state.save(state, file)
    return path, control


def begin(
    path: Path, changes: dict[str, Any] | None = None, *, world_size: int = 0, accumulate: int = 4
) -> tuple[Restore, Control, Events]:
    control = make_control(path.parent / "b", seed=5)
    trainer = control.trainer
    trainer.world_size, trainer.accumulate = world_size, accumulate
    trainer.preprocess_batch = lambda batch: batch
    trainer.train_time_start = time.time()
    trainer.best = path.parent / "best.pt"
    restore = Restore(path, changes or {})
    restore.attach(SimpleNamespace(control=control), SimpleNamespace(session=control.session))
    restore.on_pretrain_routine_end(trainer)
    control.trainer.epoch = trainer.start_epoch
    restore.on_train_epoch_start(trainer)
    return restore, control, control.session


def test_the_optimizer_keeps_its_rhythm(tmp_path: Path) -> None:
    path, first = save(tmp_path)
    restore, control, _ = begin(path)
    trainer = control.trainer
    for name, parameter in first.model.named_parameters():
        assert torch.equal(dict(control.model.named_parameters())[name].grad, parameter.grad), name
    local_last_step, stepped = -1, []  # the trainer's own loop, where it begins at -1 after any resume
    for control.batch in range(3):
        trainer.preprocess_batch({})
        assert int(trainer.accumulate) == 4, "who reads it sees the number"
        if control.iteration - local_last_step >= trainer.accumulate:
            local_last_step = control.last_step = control.iteration
            stepped.append(control.batch)
        restore.on_train_batch_end(trainer)
        assert not isinstance(trainer.accumulate, NotYet)
    assert stepped == [1], "two waited, two more: the second batch steps"


def test_a_replay_of_the_first_epoch_is_not_held(tmp_path: Path) -> None:
    path, _ = save(tmp_path)
    restore, control, _ = begin(path)
    restore.on_train_epoch_start(control.trainer)
    control.batch = 0
    control.trainer.preprocess_batch({})
    assert not isinstance(control.trainer.accumulate, NotYet)


def test_the_loader_and_the_clock_go_on(tmp_path: Path) -> None:
    path, first = save(tmp_path)
    _, control, session = begin(path)
    expected = [b[0].flatten().tolist() for b in first.trainer.train_loader]
    assert [b[0].flatten().tolist() for b in control.trainer.train_loader] == expected
    assert control.trainer.train_time_start == pytest.approx(time.time() - 100.0, abs=30.0)
    (event,) = session.of("start")
    assert event["next_epoch"] == 1
    assert session.meta["resumed"]["epoch"] == 1


def test_another_batch_size_drops_what_waited(tmp_path: Path) -> None:
    path, _ = save(tmp_path)
    _, control, session = begin(path, {"batch": 8})
    assert all(p.grad is None for p in control.model.parameters())
    assert control.last_step == 2, "as if the epoch had ended on a step"
    assert any("dropped" in e["message"] for e in session.of("warning"))
    assert session.of("start")[0]["exact"] is False


def test_several_processes_keep_their_own_random_numbers(tmp_path: Path) -> None:
    path, _ = save(tmp_path)
    torch.manual_seed(77)
    expected = torch.rand(3)
    path_state = _state.load(path)
    _, control, session = begin(path, world_size=2)
    torch.manual_seed(77)
    restore = Restore(path, {})
    restore.attach(SimpleNamespace(control=control), SimpleNamespace(session=session))
    restore.on_pretrain_routine_end(control.trainer)
    restore.on_train_epoch_start(control.trainer)
    assert torch.equal(torch.rand(3), expected)
    assert not torch.equal(control.trainer.train_loader.generator.get_state(), path_state["loader"]["generator"])
    assert any("several processes" in e["message"] for e in session.of("warning"))


def test_mosaic_that_was_closed_is_closed_without_another_order(tmp_path: Path) -> None:
    path, first = save(tmp_path, mosaic_closed=True)
    closed = []
    control = make_control(path.parent / "b", seed=5)
    trainer = control.trainer
    trainer.args.close_mosaic = 10
    trainer.preprocess_batch, trainer.train_time_start = (lambda batch: batch), 0.0
    trainer.best = tmp_path / "best.pt"
    trainer._close_dataloader_mosaic = lambda: closed.append(1)
    restore = Restore(path, {})
    restore.attach(SimpleNamespace(control=control), SimpleNamespace(session=control.session))
    restore.on_pretrain_routine_end(trainer)
    restore.on_train_epoch_start(trainer)
    trainer._close_dataloader_mosaic()
    trainer.train_loader.reset()  # the trainer's next line
    assert closed == [1]
    expected = [b[0].flatten().tolist() for b in first.trainer.train_loader]
    assert [b[0].flatten().tolist() for b in trainer.train_loader] == expected
    trainer.train_loader.reset()
    assert trainer.train_loader.iterator is None, "only that one reset is left out"


def test_a_stabiliser_that_cannot_be_restored_is_named(tmp_path: Path) -> None:
    states = {"settings": {}, "explicit": {}, "state": {"bad": {"x": 1}, "good": {"x": 2}}}
    path, _ = save(tmp_path, stabilisers=states)
    control = make_control(path.parent / "b")
    got: list[Any] = []

    def fail(state: Any) -> None:
        raise KeyError("y")

    control.active = {"bad": SimpleNamespace(restore=fail), "good": SimpleNamespace(restore=got.append)}
    control.trainer.best = tmp_path / "best.pt"
    restore = Restore(path, {})
    restore.attach(SimpleNamespace(control=control), SimpleNamespace(session=control.session))
    restore.on_pretrain_routine_end(control.trainer)
    assert got == [{"x": 2}]
    assert "bad begins anew" in control.session.of("warning")[0]["message"]

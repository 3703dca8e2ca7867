"""Going on with a training: exactly, with changes, after an end, and without checkpoints of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks import resume, watch
from trainwatch_hooks.stabilisers import _files, _restore, _state
from trainwatch_hooks.stabilisers.base import SettingsError

Train = Callable[..., Any]
EVERY: dict[str, Any] = {"checkpoints": {"every_epochs": 1}}


def stabilised(stabilise: Any = EVERY, **callbacks: Any) -> dict[str, Any]:
    """Callbacks that stabilise a training; those given come before the checkpoints are written."""

    def begin(trainer: Any) -> None:
        for event, callback in callbacks.items():
            trainer.add_callback(event, callback)
        watch(trainer, stabilise=stabilise, report=False)

    return {"on_pretrain_routine_start": begin}


def losses(run: Path | str) -> dict[tuple[int, int], float]:
    steps = read_run(run).steps
    return dict(zip(zip(steps["epoch"], steps["batch"], strict=True), steps["loss"], strict=True))


def latest(run: Path | str) -> dict[str, Any]:
    return _state.load(Path(run) / "trainwatch" / "checkpoints" / "latest.pt")


def assert_same(a: Any, b: Any, where: str = "") -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}/{i}")
    else:
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, where


STATE = ("model", "ema", "optimizer", "scheduler", "stopper", "best_fitness", "rng", "metrics")


@pytest.mark.training
@pytest.mark.whole
def test_stopped_training_goes_on_exactly_and_then_with_other_arguments(train: Train) -> None:
    stabilise = {**EVERY, "loss_stages": True, "lr_restart": True}
    # 32 images in batches of 12: the last batch is not full; 24 / 12: gradients wait at the end of an epoch.
    args = {"epochs": 3, "save": True, "batch": 12, "nbs": 24, "close_mosaic": 2, "warmup_epochs": 1}
    full = train(watched=False, name="full", callbacks=stabilised(stabilise), **args)

    def stop(trainer: Any) -> None:
        trainer.stop |= trainer.epoch == 0

    part = train(watched=False, name="part", callbacks=stabilised(stabilise, on_fit_epoch_end=stop), **args)
    run = Path(part.save_dir)
    assert latest(run)["next_epoch"] == 1
    assert latest(run)["waiting"]["batches"] == 1, "the case with gradients that wait"
    assert torch.load(run / "weights" / "last.pt", weights_only=False)["optimizer"] is None, "Ultralytics' is stripped"

    resume.resume(run)
    assert losses(run) == losses(full.save_dir)
    for key in STATE:
        assert_same(latest(run)[key], latest(full.save_dir)[key], key)
    rows, expected = ((Path(d) / "results.csv").read_text().splitlines() for d in (run, full.save_dir))
    assert [r.split(",")[0] for r in rows] == ["epoch", "1", "2", "3"]
    # All columns but the time agree; the clock goes on, too.
    assert [r.split(",")[2:] for r in rows] == [r.split(",")[2:] for r in expected]
    assert float(rows[3].split(",")[1]) > float(rows[2].split(",")[1])
    record = read_run(run)
    assert record.steps["accumulate"].tolist() == read_run(full.save_dir).steps["accumulate"].tolist()
    assert how_it_ended(record).kind == "completed"
    (event,) = [e for e in record.events_of("start") if e["source"] == "stabiliser/checkpoints"]
    assert event["message"] == "resumed from trainwatch/checkpoints/latest.pt with epoch 2"
    assert event["data"]["exact"] is True
    assert record.steps["attempt"].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]

    with pytest.raises(SettingsError, match="all 3 epochs are done; to go on, give more of them: epochs=6"):
        resume.plan(run)
    before = record.steps[record.steps["epoch"] == 2]["lr/pg0"].iloc[-1]
    resume.resume(run, {"epochs": 4, "lr0": 0.005, "close_mosaic": 0, "momentum": 0.5})
    record = read_run(run)
    assert record.epochs["epoch"].max() == 3
    lr, momentum = (record.steps[record.steps["epoch"] == 3][c].tolist() for c in ("lr/pg0", "momentum"))
    # lr_restart at 2 of 4 epochs: half of lr0, then the floor of what is left.
    state = latest(run)
    assert state["scheduler"]["base_lrs"] == pytest.approx([0.005] * 3)
    assert lr == pytest.approx([0.005 * max(0.5 * 0.95 ** (600 / 4), 0.01)] * 3)
    assert max(lr) < before * 2
    assert momentum == [0.5] * 3
    assert state["args"]["epochs"] == 4
    assert (run / "weights" / "best.pt").exists()
    assert "changed" not in [e["kind"] for e in record.events]


@pytest.mark.training
def test_with_loader_workers_the_exact_loader_is_exact(train: Train) -> None:
    settings = {"checkpoints": {"every_epochs": 1, "exact_loader": True}}

    def workers(trainer: Any) -> None:
        trainer.args.workers = 2

    def stop(trainer: Any) -> None:
        trainer.stop |= trainer.epoch == 0

    def begin(**more: Any) -> dict[str, Any]:
        callbacks = stabilised(settings, **more)
        inner = callbacks["on_pretrain_routine_start"]

        def both(trainer: Any) -> None:
            workers(trainer)
            inner(trainer)

        return {"on_pretrain_routine_start": both}

    # Interrupted between two epochs, not stopped: the loader is begun anew at every epoch that has a next one.
    class Killed(BaseException):
        pass

    def die(trainer: Any) -> None:
        if trainer.epoch == 1:
            raise Killed

    args = {"epochs": 2, "close_mosaic": 0, "batch": 8, "nbs": 8}
    full = train(watched=False, name="full", callbacks=begin(), **args)
    assert full.train_loader.num_workers == 2
    with pytest.raises(Killed):
        train(watched=False, name="part", callbacks=begin(on_train_batch_end=die), **args)
    run = Path(full.save_dir).with_name("part")
    assert latest(run)["loader"]["fresh"] is True
    trainer = resume.resume(run, callbacks={"on_pretrain_routine_start": workers})
    assert trainer.train_loader.num_workers == 2
    assert losses(run) == losses(full.save_dir)
    assert_same(latest(run)["model"], latest(full.save_dir)["model"])


@pytest.mark.training
@pytest.mark.whole
def test_without_checkpoints_of_ours_ultralytics_resumes(train: Train) -> None:
    def die(trainer: Any) -> None:
        if trainer.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(name="part", save=True, callbacks={"on_train_batch_end": die})
    run = Path("runs/part").resolve()
    with pytest.raises(SettingsError, match="Ultralytics would ignore lr0"):
        resume.plan(run, {"lr0": 0.1})
    planned = resume.plan(run)
    assert planned.path == run / "weights" / "last.pt"
    assert "half-precision EMA" in planned.sentences()[0]
    assert resume.plan(run, source="last") == planned
    resume.carry_out(planned)
    assert read_run(run).epochs["epoch"].tolist() == [0, 1]
    assert how_it_ended(read_run(run)).kind == "completed"
    with pytest.raises(SettingsError, match="stripped when the training ended"):
        resume.resume(run)


def make_run(folder: Path, *epochs: int, **more: Any) -> Path:
    """A run with checkpoints of a tiny model."""
    from trainers import make_control, train_step

    control = make_control(folder, epochs=10)
    shelf = _files.CheckpointFolder(folder / "trainwatch" / "checkpoints")
    (folder / "trainwatch").mkdir()
    for epoch in epochs:
        control.trainer.epoch, control.batch = epoch, -1
        train_step(control)
        state = _state.capture(control, mid_epoch=False, fresh_loader=False)
        state |= {
            "args": {"epochs": 10, "lr0": 0.1, "batch": 4, "data": "d.yaml", "model": "m.yaml", "task": "detect"},
            "stabilisers": {"settings": {"loss_stages": {}}, "explicit": {}, "state": {}},
            **more,
        }
        shelf.write("latest.pt", lambda file, s=state: _state.save(s, file), epoch=epoch)
    return folder


def test_a_damaged_newest_file_falls_back_and_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", 3, 4)
    folder = run / "trainwatch" / "checkpoints"
    assert resume.plan(run).next_epoch == 5
    assert resume.plan(run / "trainwatch").next_epoch == 5
    whole = (folder / "latest.pt").read_bytes()
    (folder / "latest.pt").write_bytes(whole[:-100])
    planned = resume.plan(run)
    assert (planned.path.name, planned.next_epoch) == ("previous.pt", 4)
    assert "latest.pt is skipped" in planned.sentences()[0]
    flipped = bytearray((folder / "previous.pt").read_bytes())
    flipped[len(flipped) // 2] ^= 4
    (folder / "previous.pt").write_bytes(flipped)
    with pytest.raises(SettingsError, match=r"nothing to resume.*latest.pt is skipped.*previous.pt is skipped"):
        resume.plan(run)
    (folder / "latest.pt").write_bytes(whole)
    (folder / "checkpoints.json").write_text("garbage")
    assert resume.plan(run).next_epoch == 5, "the files know themselves"


def test_changes_are_checked_before_anything_starts(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", 3)
    for changes, message in (
        ({"lr": 0.1}, "no argument 'lr', did you mean 'lr"),
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"name": "other"}, "name cannot change"),
        ({"model": "x.pt"}, "model cannot change"),
        ({"lr0": "fast"}, "lr0"),
        ({"epochs": 3}, "all 4 epochs are done"),
    ):
        with pytest.raises(SettingsError, match=message) as caught:
            resume.plan(run, changes)
        assert "\n" not in str(caught.value)
    planned = resume.plan(run, {"lr0": 0.1, "batch": 8, "epochs": 20})
    assert planned.changes == {"batch": 8, "epochs": 20}, "what is as it was is no change"
    assert planned.sentences()[-1] == "changed: batch=8 (was 4), epochs=20 (was 10)"


def test_a_stabiliser_may_refuse_a_change(tmp_path: Path) -> None:
    settings = {"settings": {"lr_restart": {"at": 5.0}}, "explicit": {"lr_restart": ["at"]}, "state": {}}
    run = make_run(tmp_path / "run", 3, stabilisers=settings, trainer="ultralytics.models.X")
    with pytest.raises(SettingsError, match="restart at epoch 5 is not before the end of 5 epochs"):
        resume.carry_out(resume.plan(run, {"epochs": 5}))


@pytest.mark.parametrize("settings", [{"accumulate": 4}, {"fit_batch": True, "effective_batch": 16}])
def test_what_a_stabiliser_had_set_is_no_contradiction(tmp_path: Path, settings: dict[str, Any]) -> None:
    """nbs, lr0 and a batch that was found are among the saved arguments; nobody gave them."""
    saved = {"epochs": 10, "lr0": 0.1, "batch": 4, "nbs": 16, "optimizer": "SGD", "data": "d.yaml", "task": "detect"}
    stabilisers = {"settings": {"accumulate": settings}, "explicit": {"accumulate": list(settings)}, "state": {}}
    run = make_run(tmp_path / "run", 3, args=saved, stabilisers=stabilisers)
    for changes in ({"batch": 2}, {"epochs": 20}):
        planned = resume.plan(run, changes)
        assert planned.state is not None
        resume._refuse_contradictions(resume._stabilisers(planned.state), planned)
        assert planned.args["nbs"] == 16


def test_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such folder"):
        resume.plan(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="nothing to resume"):
        resume.plan(tmp_path / "empty")
    run = make_run(tmp_path / "run", 3)
    with pytest.raises(SettingsError, match="no best checkpoint"):
        resume.plan(run, source="best")
    with pytest.raises(SettingsError, match="missing"):
        resume.plan(run, source=str(run / "none.pt"))
    path = run / "trainwatch" / "checkpoints" / "latest.pt"
    assert resume.plan(run, source=str(path)).path == path
    with pytest.raises(SettingsError, match="a trainer of its own"):
        resume.resume(run)


def test_a_model_that_would_run_something_is_refused() -> None:
    from ultralytics.utils import ROOT, YAML

    good = YAML.load(ROOT / "cfg/models/12/yolo12.yaml")
    resume._check_model(good)
    resume._check_model({**good, "activation": "torch.nn.LeakyReLU(0.1)"})
    for bad in (
        {"activation": "__import__('os').system('true')"},
        {"backbone": [[-1, 1, "load_checkpoint", ["x.pt"]]]},
        {"head": [[-1, 1, "nn.utils", []]]},
        {"head": [[-1, 1, "os.system", ["true"]]]},
        {"head": [3]},
    ):
        with pytest.raises(SettingsError, match="no torch module"):
            resume._check_model({**good, **bad})


def test_a_resume_within_an_epoch_is_called_not_exact(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", 3, batch=1, next_epoch=3)
    assert "from its start, with the weights after its batch 2: not exact" in resume.plan(run).sentences()[0]


def test_results_survive_a_resume_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("epoch\n1\n")
    with pytest.raises(SettingsError), resume._kept(path):
        path.unlink()
        raise SettingsError("the saved weights do not fit this model")
    assert path.read_text() == "epoch\n1\n"
    with pytest.raises(KeyboardInterrupt), resume._kept(path):
        path.write_text("newer")
        raise KeyboardInterrupt
    assert path.read_text() == "newer"


def test_a_newer_last_pt_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", 3)
    (run / "weights").mkdir()
    torch.save({}, run / "weights" / "last.pt")
    assert len(resume.plan(run).sentences()) == 1, "the record says nothing of it"
    (run / "trainwatch" / "events").mkdir()
    events = '{"kind": "checkpoint", "source": "ultralytics", "epoch": 6}\n{"kind": "checkpoint", "source": "x"}\n{torn'
    (run / "trainwatch" / "events" / "rank0.jsonl").write_text(events)
    assert "last.pt of Ultralytics is 3 epochs further, but not exact: --from last" in resume.plan(run).sentences()[1]
    assert resume.plan(run, source="last").path.name == "last.pt"


def test_the_callbacks_travel_to_distributed_workers() -> None:
    import pickle

    restore = _restore.Restore(Path("x/latest.pt"), {"lr0": 0.1})
    restore._state = {"large": torch.ones(3)}
    there = pickle.loads(pickle.dumps(restore))
    assert there._state is None
    assert there._path == Path("x/latest.pt")


def test_half_a_best_pt_is_written_again(tmp_path: Path) -> None:
    from trainers import make_control

    control = make_control(tmp_path / "run")
    trainer = control.trainer
    trainer.best = tmp_path / "best.pt"
    trainer.best_fitness = 0.5
    state = _state.capture(control, mid_epoch=False, fresh_loader=False) | {"args": {}, "fitness": 0.5}
    folder = tmp_path / "none"
    trainer.best.write_bytes(b"half")
    assert _restore._mend_best(trainer, folder, {**state, "fitness": 0.1}) != [], "nobody has its weights"
    assert not trainer.best.exists()
    assert _restore._mend_best(trainer, folder, state) == []
    weights = torch.load(trainer.best, weights_only=False)["model"].state_dict()
    assert torch.equal(weights["0.weight"], state["ema"]["state"]["0.weight"].half())
    trainer.best.unlink()
    trainer.args.save = False
    assert _restore._mend_best(trainer, folder, state) == []
    assert not trainer.best.exists(), "nobody asked for it"
    trainer.args.save = True
    _restore._mend_best(trainer, folder, state)
    kept = trainer.best.read_bytes()
    assert _restore._mend_best(trainer, folder, state) == []
    assert trainer.best.read_bytes() == kept, "a whole one is left alone"
